"""Head circumference in fetal ultrasound: error in mm against the reference of the HC18 set itself.

    python -m benchmarks.head_circumference --minutes 15 --out DIR [--seed 0]

Makes a cohort of $OVERREAD_DATA/hc18_fetal_head_ultrasound (pixel sizes into TIFF, patients split once), runs it with
`measures: {head: [circumference]}` and prints, over the test images with 95% intervals by patient, the Dice, error and
absolute error in mm against the listed circumference and against that of the true mask's ellipse, how often the stated
interval holds each, and what the true masks themselves are off: they hold the drawn line, so that their ellipse is
larger than the listed one. Refused images are counted, not measured.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np
import tifffile
import yaml
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.files import write_text
from overread.stats.intervals import mean_ci, rate_ci

LABELS = ["background", "head"]
MEASURES = {"head": ["circumference"]}


def listed() -> dict[str, dict[str, str]]:
    """The set's own table by case."""
    data = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / "hc18_fetal_head_ultrasound"
    with (data / "labels.csv").open(encoding="utf-8", newline="") as file:
        return {row["image"]: row | {"folder": str(data)} for row in csv.DictReader(file)}


def made(out: Path, minutes: float, seed: int) -> Path:
    """The protocol's folder: gray TIFF with their pixel size, masks of 0 and 1."""
    from overread.cohort.splits.apply import split_table
    from overread.pipeline.protocol_file import write_protocol
    from overread.pipeline.stages.init import init_stage

    folder = out / f"heads-{minutes:g}m-{seed}"
    if (folder / "protocol.yaml").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["case,patient,image,mask"]
    for case, row in listed().items():
        data = Path(row["folder"])
        per_cm = 10 / float(row["pixel_mm"])
        picture = np.asarray(Pillow.open(data / "images" / f"{case}.jpg").convert("L"))
        tifffile.imwrite(
            folder / f"{case}.tif", picture, resolution=(per_cm, per_cm), resolutionunit="CENTIMETER"
        )
        mask = (np.asarray(Pillow.open(data / "masks" / f"{case}.png")) > 0).astype(np.uint8)
        Pillow.fromarray(mask).save(folder / f"{case}_mask.png")
        lines.append(f"{case},p{row['patient']},{case}.tif,{case}_mask.png")
    write_text(folder / "cohort.csv", "\n".join(lines) + "\n")
    split_table(folder, method="stratified")
    init_stage(folder)
    values = yaml.safe_load((folder / "protocol.yaml").read_text(encoding="utf-8"))
    asked = {"labels": LABELS, "budget": f"{minutes:g}m", "seed": seed, "measures": MEASURES}
    write_protocol(folder, values | asked)
    return folder


def report(folder: Path) -> None:
    """Print what the test rows say."""
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    given = [r for r in rows if r["outcome"] == "ok"]
    table = listed()
    patients = np.array([r["patient"] for r in given])
    found, true = (np.array([float(r[f"circumference_{k}_head"]) for r in given]) for k in ("found", "true"))
    reference = np.array([float(table[r["case"]]["head_circumference_mm"]) for r in given])
    print(f"{len(rows)} test images, {len(rows) - len(given)} refused, {len(set(patients))} patients")
    print(f"{'Dice':46s} {mean_ci([float(r['dice_head']) for r in given], cluster=patients)}")

    def line(name: str, error: NDArray[np.float64]) -> None:
        print(f"{name:46s} {mean_ci(error, cluster=patients)} mm")
        print(f"{name + ', absolute':46s} {mean_ci(np.abs(error), cluster=patients)} mm")

    line("Error against the listed circumference", found - reference)
    line("Error against the true mask's ellipse", found - true)
    line("The true mask's ellipse against the listed one", true - reference)
    held = [r["circumference_inside_head"] for r in given]
    if any(held):
        stated = np.array([bool(h) for h in held])
        inside = np.array([h in ("1", "1.0") for h in held])
        print(
            f"{'Stated interval holds the true one':46s} {rate_ci(inside[stated], cluster=patients[stated])}"
        )


def main() -> None:
    """Make, run, print."""
    from overread.pipeline.stages.run import run_stages

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder = made(asked.out, asked.minutes, asked.seed)
    if not (folder / "predictions.csv").is_file():
        run_stages(folder)
    report(folder)


if __name__ == "__main__":
    main()
