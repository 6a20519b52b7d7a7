"""Blood cells found and counted under the microscope, each count with its prediction interval.

Shows: an import of boxes in the layout of Pascal VOC, a whole run of a detection within a time budget, the package
asked from Python, the number of objects of each kind with the interval that the tuning pictures allow, and how the
counts agree with a person's over the test pictures.

Needs overread[train] and OVERREAD_DATA, a folder with bccd_blood_detection (BCCD, MIT licence, GitHub,
Shenggan/BCCD_Dataset): Annotations/, JPEGImages/ and ImageSets/.

    python examples/count_cells.py --budget 10m
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

import overread
from overread import stats
from overread.cohort.adapters.voc import import_voc
from overread.cohort.load import load_case
from overread.cohort.table import read_table, write_csv
from overread.cohort.truth.boxes import read_boxes
from overread.pipeline.stages import run_stages
from overread.pipeline.workspace import Workspace


def thin(folder: Path, most: int) -> None:
    """Keep the first ``most`` pictures of each split."""
    table = read_table(folder)
    kept: Counter[str] = Counter()
    rows = []
    for row in table.rows:
        kept[row["split"]] += 1
        if kept[row["split"]] <= most:
            rows.append(row)
    write_csv(table.path, table.columns, rows)


def main() -> None:
    """Import, run every stage, count the cells of the test pictures and hold the counts against the truth."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("cells"), help="folder to be made")
    options.add_argument("--budget", default="10m", help="wall-clock time of the whole run: 90s, 5m")
    options.add_argument("--epochs", type=int, help="exactly so many epochs, whatever the budget")
    options.add_argument("--pictures", type=int, help="take at most so many pictures of each split")
    given = options.parse_args()
    data = os.environ.get("OVERREAD_DATA") or options.error("OVERREAD_DATA: name the folder of data sets")
    import_voc(Path(data) / "bccd_blood_detection", given.out)
    if given.pictures:
        thin(given.out, given.pictures)
    run_stages(given.out, given.budget, epochs=given.epochs)

    package = overread.Package.load(Workspace.open(given.out).package_file)
    found: dict[str, list[float]] = {label: [] for label in package.manifest.labels}
    true: dict[str, list[float]] = {label: [] for label in package.manifest.labels}
    for i, case in enumerate(overread.Cohort.read(given.out, need="boxes").split("test")):
        answer = overread.predict(package, load_case(case)).answer
        assert isinstance(answer, overread.Objects) and case.boxes is not None
        there = Counter(box.label for box in read_boxes(case.boxes))
        for count in answer.measurements:
            found[count.label].append(count.value)
            true[count.label].append(there[count.label])
            if i < 3:
                print(f"{case.case}: {count}; a person counted {there[count.label]}")
    for label, counts in found.items():
        errors = [a - b for a, b in zip(counts, true[label], strict=True)]
        print(
            f"{label}: found minus true {stats.intervals.mean_ci(errors)} cells per picture, n = {len(errors)}"
        )


if __name__ == "__main__":
    main()
