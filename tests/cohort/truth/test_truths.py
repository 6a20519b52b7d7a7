"""Every kind of truth: read, looked at, counted, inferred, its faults found, and what a picture shows of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.run import CheckReport, check_cohort
from overread.cohort.cohort import Cohort
from overread.cohort.finding import Finding
from overread.cohort.fingerprint import Fingerprint, fingerprint
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.cohort.truth import label as plain_label
from overread.cohort.truth.protocol import Shown
from overread.errors import InputError
from overread.imaging.boxes import Boxes
from overread.task import TASKS

ROWS, COLUMNS = 12, 16
NAMES = tuple(TRUTHS)


@dataclass(frozen=True)
class Sample:
    """What the shared cohort says by one kind of truth, how to break it, and what check then finds."""

    labels: list[str]
    inferred: list[str]
    unknown: list[str]
    code: str
    present: Callable[[int], dict[str, bool | None]]
    outlined: bool


SAMPLES = {
    "label": Sample(
        ["no", "yes"],
        ["no", "yes"],
        ["no", "perhaps"],
        "label.unknown",
        lambda i: {"no": i % 2 == 0, "yes": i % 2 == 1},
        False,
    ),
    "labels": Sample(
        ["mass", "fluid"],
        ["mass", "fluid"],
        ["mass", "fluid", "air"],
        "finding.one_sided",
        lambda i: {"mass": i % 2 == 1, "fluid": None if i == 4 else i % 3 == 0},
        False,
    ),
    "value": Sample(["value"], ["value"], ["age"], "value.missing", lambda i: {}, False),
    "mask": Sample(
        ["background", "organ", "lesion"],
        ["background", "label1", "label2"],
        ["background", "organ"],
        "mask.values",
        lambda i: {"organ": True, "lesion": i % 2 == 1},
        True,
    ),
    "boxes": Sample(
        ["cell", "platelet"],
        ["cell", "platelet"],
        ["cell"],
        "boxes.label_unknown",
        lambda i: {"cell": i % 3 > 0, "platelet": i % 2 == 1},
        True,
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty pictures of noise, whose rows hold every kind of truth."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(30):
        Pillow.fromarray(rng.integers(0, 255, (ROWS, COLUMNS), np.uint8)).save(tmp_path / f"i{i}.png")
        mask = np.zeros((ROWS, COLUMNS), np.uint8)
        mask[2:6, 3:9] = 1
        mask[8:10, 10 : 10 + 3 * (i % 2)] = 2
        Pillow.fromarray(mask).save(tmp_path / f"m{i}.png")
        boxes: list[dict[str, Any]] = [{"label": "cell", "box": [3, 2, 9, 6]}] * (i % 3)
        boxes += [{"label": "platelet", "box": [10, 8, 13, 10], "score": 0.5}] * (i % 2)
        (tmp_path / f"b{i}.json").write_text(json.dumps(boxes))
        rows.append(
            {
                "case": f"c{i}",
                "patient": f"p{i}",
                "split": ("train", "val", "test")[i // 10],
                "image": f"i{i}.png",
                "label": ("no", "yes")[i % 2],
                "value": i * 7 % 10,
                "label_mass": i % 2,
                "label_fluid": "" if i == 4 else int(i % 3 == 0),
                "mask": f"m{i}.png",
                "boxes": f"b{i}.json",
            }
        )
    with (tmp_path / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def _read(folder: Path, name: str) -> Cohort:
    return Cohort.read(folder, need=TRUTHS[name].COLUMN, labels=SAMPLES[name].labels)


def test_a_truth_for_every_task_and_a_task_for_every_truth() -> None:
    assert set(TRUTHS) == {task.truth for task in TASKS.values()} == set(SAMPLES)
    assert all(name == TRUTHS[name].COLUMN for name in TRUTHS)


@pytest.mark.parametrize("name", NAMES)
def test_stated_inferred_and_shown(folder: Path, name: str) -> None:
    truth, sample, cohort = TRUTHS[name], SAMPLES[name], _read(folder, name)
    assert all(map(truth.stated, cohort)) and not truth.stated(Case("x", "x", {"image": Path("x.png")}))
    assert truth.infer(cohort.cases) == sample.inferred
    for i, case in enumerate(cohort.cases[:12]):
        shown = truth.look(case, load_case(case), sample.labels)
        assert truth.presence(case, shown, sample.labels) == sample.present(i)
        assert shown.outside == 0


def test_what_each_reads(folder: Path) -> None:
    image = load_case(_read(folder, "mask").cases[5])
    read = {
        name: TRUTHS[name].read(_read(folder, name).cases[5], image, SAMPLES[name].labels) for name in NAMES
    }
    assert read["label"] == 1
    np.testing.assert_array_equal(read["labels"], [1.0, 0.0])
    assert read["value"] == 5.0
    mask, boxes = read["mask"], read["boxes"]
    assert isinstance(mask, np.ndarray) and mask.shape == (ROWS, COLUMNS) and mask[2, 3] == 1
    assert isinstance(boxes, Boxes) and boxes.labels.tolist() == [0, 0, 1]
    # The file says x first; the array's first axis is y.
    assert boxes.low.tolist() == [[2, 3], [2, 3], [8, 10]] and boxes.high[2].tolist() == [10, 13]
    assert boxes.scores.tolist() == [1, 1, 0.5]


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_cohort_and_an_unknown_label(folder: Path, name: str) -> None:
    sample, cohort = SAMPLES[name], _read(folder, name)
    report = check_cohort(cohort, truth=name, labels=sample.labels)
    assert not report.blocking and report.truth == name
    assert {f.code for f in report.warnings} <= {"class.few", "finding.few_absent"}
    expected = {
        split: {
            label: sum(bool(sample.present(i)[label]) for i in range(30) if i // 10 == k)
            for label in sample.present(0)
        }
        for k, split in enumerate(("train", "val", "test"))
    }
    assert report.summary["classes"] == expected
    assert {(g.attribute, g.label) for g in report.groups} == {("all", n) for n in sample.present(0)}
    broken = check_cohort(cohort, truth=name, labels=sample.unknown)
    assert sample.code in {f.code for f in broken.blocking}


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint(folder: Path, name: str) -> None:
    sample, cohort = SAMPLES[name], _read(folder, name)
    train = cohort.split("train")
    found = fingerprint(train, truth=name, labels=sample.labels)
    assert found.class_counts == {
        label: sum(bool(sample.present(i)[label]) for i in range(10)) for label in sample.present(0)
    }
    assert bool(found.size_mm) == bool(found.foreground_fraction) == sample.outlined
    assert Fingerprint.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    with pytest.raises(InputError, match="no training case"):
        fingerprint([], truth=name, labels=sample.labels)


def test_the_fingerprint_of_boxes_and_masks_by_hand(folder: Path) -> None:
    train = _read(folder, "boxes").split("train")
    found = fingerprint(train, truth="boxes", labels=SAMPLES["boxes"].labels)
    assert found.size_mm == pytest.approx({"cell": np.sqrt(6 * 4), "platelet": np.sqrt(3 * 2)})
    area = ROWS * COLUMNS
    assert found.foreground_fraction == pytest.approx({"cell": 0.6 * 24 / area, "platelet": 0.5 * 6 / area})
    inside = []
    for i, case in enumerate(train):
        plane = load_case(case).array[0]
        covered = np.zeros(plane.shape, bool)
        covered[2:6, 3:9], covered[8:10, 10:13] = i % 3 > 0, i % 2 == 1
        inside.append(plane[covered])
    assert found.intensity[0]["mean"] == pytest.approx(np.concatenate(inside).mean())
    found = fingerprint(train, truth="mask", labels=SAMPLES["mask"].labels)
    assert found.size_mm == pytest.approx(
        {"organ": np.sqrt(4 * 24 / np.pi), "lesion": np.sqrt(4 * 6 / np.pi)}
    )


@pytest.mark.parametrize("name", NAMES)
def test_marks_over_the_picture(folder: Path, name: str) -> None:
    case = _read(folder, name).cases[5]
    marks = TRUTHS[name].marks(case, load_case(case))
    assert (marks is not None) == SAMPLES[name].outlined
    if marks is not None:
        assert marks.dtype == bool and marks[2:6, 3:9].all() and np.count_nonzero(marks) == 30


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_is_said(folder: Path, name: str) -> None:
    cohort = _read(folder, name)
    image = load_case(cohort.cases[0])
    bare = Case("bare", "p", {"image": cohort.cases[0].images["image"]}, split="train")
    with pytest.raises(InputError, match="case bare"):
        TRUTHS[name].read(bare, image, SAMPLES[name].labels)
    assert set(TRUTHS[name].presence(bare, Shown(), SAMPLES[name].labels).values()) <= {None}


@pytest.mark.parametrize(("name", "column"), [("mask", "mask"), ("boxes", "boxes")])
def test_a_case_that_nobody_drew_in_blocks(folder: Path, name: str, column: str) -> None:
    table = (
        (folder / "cohort.csv").read_text().replace(f"{column[0]}2.{'png' if name == 'mask' else 'json'}", "")
    )
    (folder / "cohort.csv").write_text(table)
    report = check_cohort(Cohort.read(folder), truth=name, labels=SAMPLES[name].labels)
    assert [(f.code, f.cases) for f in report.blocking] == [(f"{name}.missing", ("c2",))]


@pytest.mark.parametrize("name", ["mask", "boxes"])
def test_a_broken_file_blocks_and_its_picture_is_still_compared(folder: Path, name: str) -> None:
    (folder / ("m3.png" if name == "mask" else "b3.json")).write_bytes(b"no")
    (folder / "i23.png").write_bytes((folder / "i3.png").read_bytes())
    report = check_cohort(_read(folder, name), truth=name, labels=SAMPLES[name].labels)
    assert {f.code for f in report.blocking} == {f"{name}.unreadable", "leakage.pixels"}
    page = write_check_page(folder, Cohort.read(folder), report, name="broken")
    assert f"{name}.unreadable" in page.read_text(encoding="utf-8")


def test_a_made_up_truth_needs_no_other_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A truth of the table's column ``patient``: whether its number is even."""

    def faults(cases: list[tuple[Case, Shown]], labels: list[str]) -> list[Finding]:
        return [Finding("parity.seen", "info", f"{len(cases)} cases")]

    def presence(case: Case, shown: Shown, labels: list[str]) -> dict[str, bool | None]:
        return {"even": int(case.patient[1:]) % 2 == 0}

    made = SimpleNamespace(
        **vars(plain_label) | {"COLUMN": "patient", "presence": presence, "faults": faults}
    )
    made.read = lambda case, image, labels: 0
    monkeypatch.setitem(TRUTHS, "parity", made)  # type: ignore[arg-type]
    cohort = Cohort.read(folder, need=TRUTHS["parity"].COLUMN, labels=["even"])
    report: CheckReport = check_cohort(cohort, truth="parity", labels=["even"])
    assert report.summary["classes"]["train"] == {"even": 5}
    assert "parity.seen" in {f.code for f in report.findings}
    assert fingerprint(cohort.split("train"), truth="parity", labels=["even"]).class_counts == {"even": 5}
