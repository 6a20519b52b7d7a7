"""A column of numbers: read, refused by row and column, and what the check says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.checks.duplicates import check_duplicates
from overread.cohort.checks.inspection import Inspection, contradict
from overread.cohort.cohort import Cohort
from overread.cohort.splits import split_table
from overread.cohort.truth import value
from overread.cohort.truth.protocol import Shown
from overread.errors import InputError
from overread.imaging.image import Image

IMAGE = Image(np.zeros((1, 4, 4), np.float32), np.eye(4))


def _folder(tmp_path: Path, ages: Sequence[str], splits: bool = True) -> Path:
    Pillow.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    parts = ("train", "val", "test")
    lines = ["case,patient,image,age" + (",split" if splits else "")]
    for i, age in enumerate(ages):
        lines.append(f"c{i},p{i},a.png,{age}" + (f",{parts[i % 3]}" if splits else ""))
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def _cases(values: Sequence[float], split: str = "train") -> list[tuple[Case, Shown]]:
    cases = [
        Case(f"{split}{i}", f"{split}{i}", {}, split=split, values={"age": v}) for i, v in enumerate(values)
    ]
    return [(c, Shown()) for c in cases]


def test_the_column_bears_the_labels_name_and_stays_an_attribute(tmp_path: Path) -> None:
    folder = _folder(tmp_path, ["41", "63.5", "7"])
    cohort = Cohort.read(folder, need="value", labels=["age"])
    assert [value.read(c, IMAGE, ["age"]) for c in cohort] == [41.0, 63.5, 7.0]
    assert cohort.cases[1].attributes["age"] == "63.5"
    with pytest.raises(InputError, match="no column 'value'"):
        Cohort.read(folder, need="value")


def test_a_changed_number_changes_the_digest(tmp_path: Path) -> None:
    before = Cohort.read(_folder(tmp_path, ["41", "63", "7"]), need="value", labels=["age"]).digest("test")
    after = Cohort.read(_folder(tmp_path, ["41", "63", "8"]), need="value", labels=["age"]).digest("test")
    assert before != after


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("", "row 3: column 'age' is empty"),
        ("63 years", "row 3: age is '63 years', expected a number"),
        ("nan", "row 3: age is 'nan'"),
        ("630", "row 3: age is 630, expected from 0 to 120"),
    ],
)
def test_what_is_no_number_or_beyond_the_bounds_is_named(tmp_path: Path, cell: str, said: str) -> None:
    folder = _folder(tmp_path, ["41", cell, "7"])
    with pytest.raises(InputError, match=said):
        Cohort.read(folder, need="value", labels=["age"], bounds=(0, 120))


def test_the_check_names_what_a_person_should_look_at() -> None:
    generator = np.random.default_rng(0)
    plain = _cases(generator.normal(50, 10, 60).tolist())
    assert {f.code for f in value.faults(plain, ["age"])} == {"value.spread"}
    far = {f.code: f for f in value.faults([*plain, *_cases([500.0], "val")], ["age"])}
    assert far["value.far"].cases == ("val0",) and "500" in far["value.far"].message
    beyond = {f.code: f for f in value.faults([*plain, *_cases([99.0], "test")], ["age"])}
    assert beyond["value.beyond"].cases == ("test0",)
    grades = {f.code for f in value.faults(_cases([1.0, 2.0, 3.0, 4.0] * 5), ["age"])}
    assert "value.grades" in grades
    constant = value.faults(_cases([3.0] * 5), ["age"])
    assert [f.severity for f in constant if f.code == "value.constant"] == ["blocking"]


def test_splits_have_the_same_share_of_every_fifth(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    folder = _folder(tmp_path, [f"{v:.2f}" for v in generator.gamma(2, 20, 200)], splits=False)
    split_table(folder, by=["age"])
    cohort = Cohort.read(folder, need="value", labels=["age"])
    ages = {s: np.array([c.values["age"] for c in cohort.split(s)]) for s in ("train", "val", "test")}
    edges = np.quantile(np.concatenate(list(ages.values())), [0.2, 0.4, 0.6, 0.8])
    for part in ages.values():
        shares = np.bincount(np.searchsorted(edges, part), minlength=5) / len(part)
        assert np.abs(shares - 0.2).max() < 0.08


def test_only_identical_pictures_of_different_numbers_contradict() -> None:
    """The same patient a year later looks alike and is older."""
    one, other = (
        Inspection(Case(name, "p", {}, values={"age": age}), pixels="same")
        for name, age in (("a", 60.0), ("b", 61.0))
    )
    assert contradict(one, other, drawn=True) and not contradict(one, other, drawn=False)
    assert "label.conflict" in {f.code for f in check_duplicates([one, other])}
