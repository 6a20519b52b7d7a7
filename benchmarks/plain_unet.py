"""A plain U-Net on a cohort of pictures: what there is to beat in the same minutes, on one split, by one metric.

    python -m benchmarks.plain_unet DIR --budget 4m

MONAI's U-Net (16 to 256 channels, two residual units a stage), random crops of 256 x 256 pixels mirrored along both
axes, batches of 8, Adam at 1e-3, cross-entropy and Dice. DIR is a protocol's folder, as `overread run` left it: its
training cases are trained on until the budget is spent, its test cases answered whole; tuning cases are not used.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from monai.losses.dice import DiceCELoss
from monai.networks.nets import UNet
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.imaging.intensity.color import to_rgb
from overread.pipeline.protocol import parse_budget
from overread.pipeline.workspace import Workspace
from overread.stats.intervals.bootstrap import bootstrap_ci
from overread.stats.segmentation import dice

CROP, BATCH, RATE, MULTIPLE = 256, 8, 1e-3, 16


def prepared(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """Channels (three: sets mix gray and colour) scaled to mean 0 and deviation 1 each, and the label map."""
    image = load_case(case)
    if len(image.array) in (1, 3):
        image = to_rgb(image)
    x = torch.from_numpy(image.array.astype(np.float32))
    x = (x - x.mean((1, 2), keepdim=True)) / x.std((1, 2), keepdim=True).clamp_min(1e-6)
    return x, torch.from_numpy(read_mask(case, image).astype(np.int64))


def crop(image: torch.Tensor, mask: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """A random square, mirrored at random; smaller images are padded by their edges."""
    short = [max(0, CROP - n) for n in mask.shape]
    if any(short):
        pads = [short[1] // 2, short[1] - short[1] // 2, short[0] // 2, short[0] - short[0] // 2]
        image = F.pad(image[None], pads, mode="replicate")[0]
        mask = F.pad(mask[None, None].float(), pads, mode="replicate")[0, 0].long()
    row, column = (int(rng.integers(n - CROP + 1)) for n in mask.shape)
    image = image[:, row : row + CROP, column : column + CROP]
    mask = mask[row : row + CROP, column : column + CROP]
    axes = [a for a in (-2, -1) if rng.random() < 0.5]
    return image.flip(axes), mask.flip(axes)


def answer(network: torch.nn.Module, image: torch.Tensor) -> NDArray[np.int64]:
    """The likeliest label of every pixel, the image seen whole."""
    rows, columns = image.shape[1:]
    pads = [0, -columns % MULTIPLE, 0, -rows % MULTIPLE]
    with torch.no_grad():
        out = network(F.pad(image[None], pads, mode="replicate"))[0, :, :rows, :columns]
    return out.max(0).indices.numpy()


def main() -> None:
    """Train, answer, print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budget", default="4m")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, seconds = time.perf_counter(), parse_budget(options.budget)
    space = Workspace.open(options.folder)
    cohort, labels = space.cohort(), space.protocol.labels
    train = [prepared(c) for c in cohort.split("train")]
    test = cohort.split("test")
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    network: torch.nn.Module = UNet(
        2, len(train[0][0]), len(labels), (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2
    )
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    at = time.perf_counter()
    answer(network.eval(), train[0][0])
    # Answers, and as much again for reading: the rest is training's.
    until = began + seconds - 2 * len(test) * (time.perf_counter() - at) - 5
    network.train()
    steps = 0
    while time.perf_counter() < until:
        drawn = [crop(*train[int(k)], rng) for k in rng.integers(len(train), size=BATCH)]
        images = torch.stack([image for image, _ in drawn]).to(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        loss(network(images), torch.stack([mask for _, mask in drawn])[:, None]).backward()
        optimizer.step()
        steps += 1
    network.eval()
    found = []
    for case in test:
        image, mask = prepared(case)
        said = answer(network, image)
        found.append(np.mean([dice(said, mask.numpy(), label=k) for k in range(1, len(labels))]))
    values = np.array(found)
    interval = bootstrap_ci(np.mean, values, cluster=[c.patient for c in test])
    print(
        f"{options.folder.name}: plain U-Net, {steps} steps in {time.perf_counter() - began:.0f} s: Dice "
        f"{values.mean():.3f} ({interval.low:.3f} to {interval.high:.3f}), n = {len(values)}"
    )


if __name__ == "__main__":
    main()
