"""Peak memory of labelling a whole volume, measured from outside the process that does it.

    python -m benchmarks.memory_inference [--slices 400] [--labels 14] [--monai]

Each way is a process of its own on a 512 x 512 x ``--slices`` volume of int16, network of one convolution, windows of
96 voxels: what is compared is what the windows, their blending and the decision hold, not the network. Peak resident
memory is what the kernel says of the ended child (ru_maxrss). MONAI's way is its sliding window and an argmax.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

import numpy as np

SIZE = 96
OVERLAP = 0.25


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--labels", type=int, default=14)
    parser.add_argument("--monai", action="store_true", help="MONAI's sliding window beside ours")
    parser.add_argument("--way", choices=["overread", "monai"])
    asked = parser.parse_args()
    if asked.way:
        (ours if asked.way == "overread" else monai)(asked.slices, asked.labels)
        return
    for way in ["overread", *(["monai"] if asked.monai else [])]:
        command = [sys.executable, "-m", "benchmarks.memory_inference", "--way", way]
        command += ["--slices", str(asked.slices), "--labels", str(asked.labels)]
        child = subprocess.Popen(command)
        _, status, used = os_wait(child.pid)
        gib = used.ru_maxrss / 2**20
        print(
            f"{way:9} 512 x 512 x {asked.slices}, {asked.labels} labels: {gib:.2f} GiB at its peak, "
            f"exit {status}, {used.ru_utime + used.ru_stime:.0f} CPU seconds",
            flush=True,
        )


def os_wait(pid: int) -> tuple[int, int, resource.struct_rusage]:
    """The ended child and what it used."""
    import os

    return os.wait4(pid, 0)


def volume(slices: int) -> np.ndarray:
    """``(1, 512, 512, slices)`` int16: a body in air."""
    out = np.full((1, 512, 512, slices), -1000, np.int16)
    rng = np.random.default_rng(0)
    for z in range(slices):
        out[0, 60:450, 100:410, z] = rng.integers(-100, 200, (390, 310))
    return out


def ours(slices: int, labels: int) -> None:
    """The package's whole way: limits, preparation, windows, label map on the image's grid, volumes."""
    from pathlib import Path

    from tests.runtime.models import manifest, planes

    from overread.imaging.image import Image
    from overread.runtime.package import Package
    from overread.runtime.predict import predict

    settings = manifest(
        task="segmentation",
        positive=None,
        labels=["background", *(f"organ {k}" for k in range(1, labels))],
        windows={"size": [SIZE] * 3, "overlap": OVERLAP},
        preprocess={
            "dimensions": 3,
            "orientation": "RAS",
            "intensity": [{"method": "fixed", "low": -200, "high": 300, "std": 100}],
        },
    )
    package = Package(Path("organs.overread"), settings.sealed(), planes(labels))
    image = Image(volume(slices), np.diag([0.8, 0.8, 1.0, 1.0]))
    found = predict(package, image)
    print(found.summary()[:100], flush=True)


def monai(slices: int, labels: int) -> None:
    """MONAI's sliding window over the same prepared volume, and the likeliest label."""
    import torch
    from monai.inferers import sliding_window_inference

    image = volume(slices)
    array = torch.from_numpy(np.clip(image, -200, 300).astype(np.float32) / 100)[None]
    network = torch.nn.Conv3d(1, labels, 1)
    with torch.inference_mode():
        z = sliding_window_inference(array, (SIZE,) * 3, 1, network, overlap=OVERLAP, mode="gaussian")
        print(int(z[0].argmax(0).max()), flush=True)


if __name__ == "__main__":
    main()
