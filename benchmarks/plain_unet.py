"""Pictures: this package and a plain U-Net, the same minutes, the same split by patient, one metric.

    python -m benchmarks.plain_unet SET --minutes 15 --out DIR

SET is nuclei, vessels, membranes or heads, made from $OVERREAD_DATA, or a protocol's folder that `overread run` went
through. The plain network: MONAI's U-Net (16 to 256 channels, two residual units a stage), random crops of 256 x 256
pixels mirrored along both axes, batches of 8, Adam at 1e-3, cross-entropy and Dice; training cases until the time is
spent, then the test cases whole, in four mirrored views; tuning cases are not used. Prints Dice of both on the test
cases and the paired difference, with 95% intervals by patient. A case that the package refuses counts as 0.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from overread.files import write_text
from overread.imaging.intensity.color import to_rgb
from overread.pipeline.workspace import Workspace
from overread.stats.interval import Interval
from overread.stats.intervals.bootstrap import bootstrap_ci
from overread.stats.segmentation import dice

CROP, BATCH, RATE, MULTIPLE = 256, 8, 1e-3, 16
VIEWS = ((), (-1,), (-2,), (-1, -2))


@dataclass(frozen=True)
class Pictures:
    """Where a set lies below the data, what its masks show, and whose picture a file is."""

    folder: str
    labels: str
    foreground: str
    patient: Callable[[str], str] = str
    pattern: str | None = None


SETS = {
    "nuclei": Pictures("dsb2018_nuclei", "labels", "nucleus"),
    "vessels": Pictures("chase_db1_vessels", "masks", "vessel", lambda case: case[6:8], "{name}_1stHO"),
    "membranes": Pictures("isbi2012_em_membrane", "labels", "membrane"),
    "heads": Pictures("hc18_fetal_head_ultrasound", "masks", "head", lambda case: case[:3]),
}


def made(name: str, out: Path) -> Path:
    """The protocol's folder of the set ``name``, its patients split once and for all."""
    from overread.cohort.adapters.pairs import import_pairs
    from overread.cohort.splits.apply import split_table
    from overread.pipeline.stages.init import init_stage

    folder, of = out / name, SETS[name]
    if (folder / "protocol.yaml").is_file():
        return folder
    data = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / of.folder
    import_pairs(data / "images", data / of.labels, folder, of.foreground, of.pattern)
    table = folder / "cohort.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = [
            {k: v for k, v in row.items() if k != "split"} | {"patient": of.patient(row["case"])}
            for row in csv.DictReader(file)
        ]
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    write_text(table, "\n".join(lines) + "\n")
    split_table(folder, method="stratified")
    init_stage(folder)
    return folder


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
    """The likeliest label of every pixel, the image seen whole, mirrored in every way."""
    rows, columns = image.shape[1:]
    pads = [0, -columns % MULTIPLE, 0, -rows % MULTIPLE]
    whole = F.pad(image[None], pads, mode="replicate")
    with torch.inference_mode():
        each = [network(whole.flip(v) if v else whole).softmax(1).flip(v) for v in VIEWS]
    return torch.stack(each).sum(0)[0, :, :rows, :columns].max(0).indices.numpy()


def plain(space: Workspace, seconds: float, seed: int) -> list[float]:
    """Dice of every test case by a plain U-Net that trains and answers in ``seconds``."""
    began = time.perf_counter()
    cohort, labels = space.cohort(), space.protocol.labels
    train = [prepared(c) for c in cohort.split("train")]
    test = cohort.split("test")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
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
        found.append(float(np.mean([dice(said, mask.numpy(), label=k) for k in range(1, len(labels))])))
    print(f"plain U-Net, seed {seed}: {steps} steps in {time.perf_counter() - began:.0f} s", flush=True)
    return found


def ours(folder: Path) -> dict[str, float]:
    """Dice of every test case as `overread test` measured it; 0 of a refused one."""
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return {row["case"]: float(row["dice"] or 0) for row in csv.DictReader(file)}


def main() -> None:
    """Ours where it has not run yet, the plain network, three lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", help=f"{', '.join(SETS)}, or a protocol's folder")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the plain network")
    parser.add_argument("--out", type=Path, default=Path("/tmp/plain_unet"))
    options = parser.parse_args()
    seconds = 60 * options.minutes
    folder = made(options.set, options.out) if options.set in SETS else Path(options.set)
    if not (folder / "predictions.csv").is_file():
        began = time.perf_counter()
        asked = [sys.executable, "-m", "overread.cli", "run", str(folder), "--budget", f"{seconds:.0f}s"]
        subprocess.run(asked, check=False)
        print(f"overread: {time.perf_counter() - began:.0f} s", flush=True)
    space = Workspace.open(folder)
    test = space.cohort().split("test")
    by_case = ours(folder)
    mine = np.array([by_case[c.case] for c in test])
    theirs = np.mean([plain(space, seconds, seed) for seed in options.seeds], axis=0)
    for who, values in (
        ("overread", mine),
        ("plain U-Net", theirs),
        ("overread less plain U-Net", mine - theirs),
    ):
        found: Interval = bootstrap_ci(np.mean, values, cluster=[c.patient for c in test])
        print(
            f"{folder.name}, Dice, {who}: {found.estimate:.3f} ({found.low:.3f} to {found.high:.3f}), n = {len(test)}"
        )


if __name__ == "__main__":
    main()
