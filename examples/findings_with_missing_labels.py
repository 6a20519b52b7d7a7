"""Several findings on one radiograph, some labels missing: trained and tested, each finding with its interval.

Shows: a cohort.csv made from somebody else's table, patients kept together by the split, empty cells for what nobody
stated (here a fifth of the labels, taken out by chance: they count in no loss, threshold or metric), a whole run within
a time budget, and the area under the ROC curve of every finding from report.json.

Needs overread[train] and OVERREAD_DATA, a folder with nih_chestxray14_64: images/ and labels.csv with the columns
image, patient_id, follow_up, age, sex and one of 0 and 1 for each finding (ChestX-ray14, Wang et al., CVPR 2017).

    python examples/findings_with_missing_labels.py --budget 2m
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
from pathlib import Path

from overread.cohort.splits.apply import split_table
from overread.cohort.table import write_csv
from overread.pipeline.stages import run_stages

FINDINGS = ("Effusion", "Infiltration", "Atelectasis", "Cardiomegaly")
MISSING = 0.2
"""Share of the labels that are taken out."""


def main() -> None:
    """Make the cohort, split it, run every stage, print what the test showed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("chest"), help="folder to be made")
    options.add_argument("--budget", default="2m", help="wall-clock time of the whole run: 90s, 5m")
    options.add_argument("--epochs", type=int, help="exactly so many epochs, whatever the budget")
    options.add_argument("--images", type=int, help="take only the first so many images")
    given = options.parse_args()
    data = os.environ.get("OVERREAD_DATA") or options.error("OVERREAD_DATA: name the folder of data sets")
    source = Path(data) / "nih_chestxray14_64"

    with (source / "labels.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))[: given.images]
    chance = random.Random(0)
    rows = []
    for line in table:
        row = {
            "case": Path(line["image"]).stem,
            "patient": line["patient_id"],
            "image": str((source / "images" / line["image"]).resolve()),
            "visit": line["follow_up"],
        } | {column: line[column] for column in ("age", "sex")}
        for name in FINDINGS:
            row[f"label_{name}"] = "" if chance.random() < MISSING else line[name]
        rows.append(row)
    write_csv(given.out / "cohort.csv", list(rows[0]), rows)
    dealt = split_table(given.out, fractions={"train": 0.6, "val": 0.2, "test": 0.2}, seed=1)
    print(f"{len(rows)} images; patients per split: {dict(dealt.patients)}")

    run_stages(given.out, given.budget, epochs=given.epochs)

    report = json.loads((given.out / "report.json").read_text(encoding="utf-8"))
    tested = report["cases"]["test"]
    print(f"\nTest: {tested['images']} images of {tested['patients']} patients")
    for found in report["test"]:
        if found["metric"] == "auroc":
            print(
                f"{found['label']}: area under the ROC curve {found['estimate']:.3f} "
                f"({found['confidence']:.0%} CI {found['low']:.3f} to {found['high']:.3f}; "
                f"n = {found['n']} patients, {found['method']})"
            )
    for missing in report["not_computed"]:
        if missing["metric"] == "auroc":
            print(f"{missing['label']}: area under the ROC curve not computed: {missing['reason']}")


if __name__ == "__main__":
    main()
