"""What check says of the table: visits, missing channels, identities, groups; and the page."""

from __future__ import annotations

import base64
import datetime
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.presence import presence_of
from overread.cohort.checks.run import check_cohort
from overread.cohort.checks.subgroups import check_subgroups, groups
from overread.cohort.checks.visits import check_channels, check_identity, check_visits
from overread.cohort.cohort import Cohort
from overread.cohort.visits import clock_of, in_order
from overread.stats.intervals import proportion_ci

X = Path("x.png")
LABELS = ["no", "yes"]
WriteCohort = Callable[..., Path]
ROWS = [(s, label) for s in ("train", "val", "test") for label in ("no", "yes") for _ in range(5)]


def _visit(case: str, day: str = "", days: float | None = None, visit: str = "", patient: str = "p") -> Case:
    date = datetime.date.fromisoformat(day) if day else None
    return Case(case, patient, {"image": X}, split="train", visit=visit, date=date, days=days)


def test_visits_in_order() -> None:
    a, b, c = (
        _visit(n, d, visit=v)
        for n, d, v in (("a", "2020-03-01", "2"), ("b", "2020-01-01", "1"), ("c", "", "3"))
    )
    assert clock_of([a, b]) == "date" and clock_of([a, b, c]) == "visit"
    assert [v.case for v in in_order([a, c, b])] == ["b", "a", "c"]
    named = [_visit("x", visit="late"), _visit("y", visit="early")]
    assert clock_of(named) is None and in_order(named) == named
    assert [v.case for v in in_order([_visit("x", days=5), _visit("y", days=-1)])] == ["y", "x"]


def test_faults_of_visits() -> None:
    good = [_visit("a", "2020-01-01", visit="1"), _visit("b", "2020-02-01", visit="2")]
    assert [(f.code, f.severity) for f in check_visits(good)] == [("visit.count", "info")]
    crossed = [*good, _visit("c", "2019-01-01", visit="3")]
    assert [f.code for f in check_visits(crossed)] == ["visit.count", "visit.order"]
    twice = [*good, _visit("c", "2020-02-01", visit="2")]
    (_, found) = check_visits(twice)
    assert found.code == "visit.repeated" and found.cases == ("b", "c")
    assert not check_visits([Case("a", "p", {"image": X})])


def test_missing_channels_are_counted() -> None:
    cases = [Case("a", "a", {"T1": X, "T2": X}), Case("b", "b", {"T1": X}), Case("c", "c", {"T2": X})]
    inspections = [Inspection(c) for c in cases]
    assert not check_channels(inspections[:1], ("T1", "T2"))
    (found,) = check_channels(inspections, ("T1", "T2"))
    assert (
        found.message.startswith("2 of 3 cases lack a channel: T1 (1), T2 (1)")
        and found.severity == "warning"
    )


def test_a_case_without_a_channel_is_checked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["case,patient,split,image_T1,image_T2,mask"]
    for i in range(9):
        for name in ("T1", "T2", "m"):
            array = rng.integers(0, 2 if name == "m" else 99, (6, 6, 6)).astype(np.uint8)
            nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{name}{i}.nii")
        second = "" if i == 4 else f"T2{i}.nii"
        lines.append(f"c{i},p{i},{('train', 'val', 'test')[i % 3]},T1{i}.nii,{second},m{i}.nii")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    cohort = Cohort.read(tmp_path, need="mask", missing_channels=True)
    report = check_cohort(cohort, truth="mask", labels=["background", "part"])
    assert not report.blocking
    assert [f.cases for f in report.warnings if f.code == "channels.missing"] == [("c4",)]


@pytest.mark.parametrize(
    ("splits", "severity"),
    [(("train", "test"), "blocking"), (("train", "val"), "warning"), (("val", "val"), "warning")],
)
def test_one_patient_under_two_names(splits: tuple[str, str], severity: str) -> None:
    inspections = [
        Inspection(Case(f"c{i}", f"p{i}", {"image": X}, split="train"), facts={"PatientID": f"{i}"})
        for i in range(9)
    ]
    assert not check_identity(inspections)
    pair = [
        Inspection(Case(f"d{s}{i}", f"q{i}", {"image": X}, split=s), facts={"PatientID": "same"})
        for i, s in enumerate(splits)
    ]
    (found,) = check_identity([*inspections, *pair])
    assert (found.code, found.severity) == ("leakage.patient", severity) and len(found.cases) == 2
    anonymous = [Inspection(s.case, facts={"PatientID": "ANON"}) for s in [*inspections, *pair]]
    assert not check_identity(anonymous)


def test_groups_and_what_they_can_prove() -> None:
    inspections = []
    for i in range(40):
        attributes = {"sex": "FM"[i % 2], "age": str(20 + i), "site": "A" if i < 38 else "B"}
        case = Case(
            f"c{i}", f"p{i // 2}", {"image": X}, LABELS[i % 4 == 0], split="test", attributes=attributes
        )
        inspections.append(Inspection(case))
    found = {
        (g.attribute, g.value, g.label): g
        for g in groups(inspections, presence_of(inspections, truth="label", labels=LABELS))
    }
    whole = found["all", "all", "yes"]
    assert whole.cases == {"train": 0, "val": 0, "test": 10} and whole.patients == 10 and whole.found == 9
    expected = proportion_ci(9, 10)
    assert (whole.low, whole.high) == (expected.low, expected.high)
    assert found["all", "all", "no"].patients == 20
    assert {v for a, v, _ in found if a == "age"} == {"18 to below 40", "40 to below 65"}
    presence = presence_of(inspections, truth="label", labels=LABELS)
    assert {g.value for g in groups(inspections, presence, ages=(30,)) if g.attribute == "age"} == {
        "below 30",
        "30 and over",
    }
    assert found["site", "B", "yes"].patients == 0 and found["site", "B", "yes"].width == 1
    smallest = next(f for f in check_subgroups([*found.values()]) if f.code == "subgroup.smallest")
    assert "site B with no, has 1 patient:" in smallest.message
    assert not check_subgroups([])


def test_the_page_shows_what_was_found(pictures: WriteCohort) -> None:
    folder = pictures(ROWS)
    (folder / "c20.png").write_bytes((folder / "c0.png").read_bytes())
    (folder / "c3.png").write_bytes(b"")
    Pillow.fromarray(np.full((8, 8), 7, np.uint8)).save(folder / "c4.png")
    cohort = Cohort.read(folder)
    report = check_cohort(cohort, truth="label", labels=LABELS)
    page = write_check_page(folder, cohort, report, name="a <b> & c", virtual=True).read_text(
        encoding="utf-8"
    )
    assert "a &lt;b&gt; &amp; c" in page and "Virtual patients" in page
    assert "2 faults must be mended" in page
    assert page.index("image.unreadable") < page.index("image.blank") < page.index("class.balance")
    shown = [base64.b64decode(p) for p in re.findall(r"data:image/png;base64,([^\"]+)", page)]
    assert len(shown) >= 3
    assert all(max(Pillow.open(io.BytesIO(p)).size) == 200 for p in shown)
    pair = re.search(r'<div class="pair">(.*?)</div>', page, re.S)
    assert pair and "<b>c0</b>" in pair[1] and "<b>c20</b>" in pair[1]
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    content = json.loads(json.dumps(report.as_dict()))
    leak = next(f for f in content["findings"] if f["code"] == "leakage.pixels")
    assert leak["pairs"] == [["c0", "c20"]] and content["groups"][0]["class"] == "no"


def test_copies_in_another_split_or_with_another_label(data_dir: Path, tmp_path: Path) -> None:
    files = sorted((data_dir / "bccd_blood_detection" / "JPEGImages").glob("*.jpg"))[::9][:24]
    lines = ["case,patient,split,image,label"]
    for i, file in enumerate(files):
        Pillow.open(file).resize((320, 240)).save(tmp_path / f"{i}.png")
        lines.append(f"c{i},p{i},{('train', 'val', 'test')[i % 3]},{i}.png,{LABELS[i % 2]}")
    for n, (i, split, label) in enumerate(((0, "test", "no"), (3, "train", "no"))):
        Pillow.open(tmp_path / f"{i}.png").rotate(1).save(tmp_path / f"copy{n}.png")
        lines.append(f"copy{n},q{n},{split},copy{n}.png,{label}")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    report = check_cohort(Cohort.read(tmp_path), truth="label", labels=LABELS)
    found = {f.code: f for f in report.findings if "near" in f.code}
    assert found["leakage.near"].pairs == (("c0", "copy0"),) and found["leakage.near"].severity == "warning"
    assert found["label.conflict_near"].pairs == (("c3", "copy1"),)
    assert set(found["duplicate.near"].cases) == {"c3", "copy1"} and not report.blocking
    again = check_cohort(Cohort.read(tmp_path), truth="label", labels=LABELS, workers=2)
    assert again.as_dict() == report.as_dict()
