"""A trained 3D network over a whole CT: overread beside MONAI's sliding window in torch, float32, same windows.

    python -m benchmarks.inference [--minutes 2] [--repeats 3]

A small U-Net learns the spleen on the real CT of the reference data (OVERREAD_DATA) for ``--minutes``: for the same
network and volume, not for a good spleen. Then the same weights answer the same volume by each way in turn, medians of
wall seconds. Overlap 0.5 and Gaussian weights everywhere. nnU-Net's predictor takes no part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from overread.imaging.grid.geometry import resample
from overread.imaging.read import read
from overread.nets.networks import build
from overread.runtime.backends import available
from overread.runtime.engine import Engine
from overread.runtime.manifest import Manifest
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import segmentation

PATCH = (64, 64, 64)
ARGUMENTS = {
    "widths": [16, 32, 64, 128],
    "strides": [[1] * 3, [2] * 3, [2] * 3, [2] * 3],
    "kernels": [[3] * 3] * 4,
}
SPACING = 1.5


def main() -> None:
    """Train, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    image, mask = spleen()
    plain = manifest(air=None)
    prepared = prepare(image, plain.preprocess)
    network = trained(prepared.array, mask, asked.minutes)
    model = exported(network)
    size = " x ".join(map(str, prepared.array.shape[1:]))
    print(f"volume {size} at {SPACING} mm, windows {PATCH}, float32, {torch.get_num_threads()} threads")

    ways: dict[str, Callable[[], np.ndarray]] = {"MONAI in torch": lambda: by_monai(network, prepared.array)}
    for name in available():
        engine = Engine(model, "benchmark", engine=name)
        ways[f"overread, {name}"] = answering(engine, prepared, plain)
        ways[f"overread, {name}, air cut off"] = answering(engine, prepared, manifest(air=-2.0))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, np.ndarray] = {}
    for _ in range(asked.repeats):
        for name, way in ways.items():
            began = time.perf_counter()
            found[name] = way()
            seconds[name].append(time.perf_counter() - began)
    reference = found["MONAI in torch"]
    table = Table("way", "s (median)", "times as fast", "Dice with the first", "Dice with the truth")
    slowest = statistics.median(seconds["MONAI in torch"])
    for name, values in seconds.items():
        s = statistics.median(values)
        same, good = dice(found[name], reference), dice(found[name], mask)
        table.add_row(name, f"{s:.1f}", f"{slowest / s:.2f}", f"{same:.5f}", f"{good:.3f}")
    Console(width=120).print(table)


def spleen() -> tuple[Any, np.ndarray]:
    """The CT at `SPACING`, and its mask on the same grid."""
    data = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / "ct_spleen_and_spine_nifti"
    image = read(data / "sub-spleen2_ct.nii.gz")
    label = read(data / "sub-spleen2_ct_seg-manual.nii.gz")
    fine = resample(image.with_(array=image.array.astype(np.float32)), (SPACING,) * 3, order=1)
    truth = resample(label.with_(array=(label.array > 0).astype(np.float32)), (SPACING,) * 3, order=1)
    return fine.with_(modality="CT"), (truth.array[0] > 0.5).astype(np.uint8)


def manifest(*, air: float | None) -> Manifest:
    """A package's manifest: CT values clipped to -200 to 300 HU; air around the body is what lies at the lower end."""
    return Manifest.model_validate(
        {
            "name": "spleen",
            "version": "1",
            "created": "2026-01-01T00:00:00+00:00",
            "task": "segmentation",
            "channels": [{"name": "CT"}],
            "preprocess": {
                "dimensions": 3,
                "intensity": [{"method": "fixed", "low": -200, "high": 300, "mean": 0, "std": 100}],
            },
            "labels": ["background", "spleen"],
            "windows": {"size": list(PATCH), "overlap": 0.5, "air": None if air is None else air + 0.01},
            "files": {},
        }
    )


def trained(array: np.ndarray, mask: np.ndarray, minutes: float) -> torch.nn.Module:
    """A U-Net after ``minutes`` of patches, every second one around the spleen."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = build("unet", 3, 1, 2, ARGUMENTS)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    inside, spatial = np.argwhere(mask), np.array(mask.shape)
    end, step = time.perf_counter() + 60 * minutes, 0
    while time.perf_counter() < end or step == 0:
        middle = inside[rng.integers(len(inside))] if step % 2 else rng.integers(0, spatial)
        side = np.minimum(48, spatial)
        low = np.clip(middle - side // 2, 0, spatial - side) // 1
        side = side // 8 * 8
        at = tuple(slice(a, a + s) for a, s in zip(low, side, strict=True))
        x = torch.from_numpy(np.ascontiguousarray(array[(slice(None), *at)]))[None]
        y = torch.from_numpy(mask[at].astype(np.int64))[None]
        z = network(x)
        z = z[0] if isinstance(z, (list, tuple)) else z
        p = torch.softmax(z, 1)[:, 1]
        overlap = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
        loss = torch.nn.functional.cross_entropy(z, y) + overlap
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
    print(f"{step} steps, last loss {float(loss):.3f}")
    return network.eval()


def exported(network: torch.nn.Module) -> bytes:
    """The network as ONNX."""
    import io

    file = io.BytesIO()
    example = torch.zeros(1, 1, *PATCH)
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(
        network,
        (example,),
        file,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes=axes,
        dynamo=False,
    )
    return file.getvalue()


def by_monai(network: torch.nn.Module, array: np.ndarray) -> np.ndarray:
    """MONAI's sliding window and the likeliest label."""
    from monai.inferers import sliding_window_inference

    with torch.inference_mode():
        z = sliding_window_inference(
            torch.from_numpy(array)[None], PATCH, 1, network, overlap=0.5, mode="gaussian"
        )
        return z[0].argmax(0).numpy().astype(np.uint8)


def answering(engine: Engine, prepared: Any, package: Manifest) -> Callable[[], np.ndarray]:
    """The runtime's own way from the prepared volume to the label map."""

    def network(batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"logits": engine(batch)["logits"]}

    return lambda: segmentation.raw(network, prepared, package)["mask"]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Of two masks; 1 where both are empty."""
    both = int(a.astype(bool).sum() + b.astype(bool).sum())
    return 1.0 if not both else 2 * int((a.astype(bool) & b.astype(bool)).sum()) / both


if __name__ == "__main__":
    main()
