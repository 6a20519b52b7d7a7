"""A header as people write it is understood or refused: never passed over, which would deal the sealed test anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.cohort.cohort import Cohort
from overread.cohort.columns import ATTRIBUTES, KNOWN, near_miss, tidy
from overread.errors import InputError

NAMES = ("case", "patient", "split", "image", "label", "label_Mass", "visit", "date", "days", "age", "Note")
CELLS = ("p{n}", "{part}", "x.png", "yes", "1", "{n}", "2020-01-0{n}", "{n}", "5{n}", "as written")


def _table(folder: Path, header: str) -> Path:
    (folder / "x.png").write_bytes(b"")
    lines = [header]
    for n, part in enumerate(("train", "val", "test"), 1):
        cells = [c.format(n=n, part=part) for c in CELLS]
        lines.append(",".join([f"c{n}", *cells]))
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return folder


@pytest.mark.parametrize(
    "write",
    [
        lambda c: f" {c}",
        lambda c: f"{c}  ",
        lambda c: f"\t{c}",
        str.capitalize,
        str.upper,
        lambda c: f'" {c}"',
    ],
    ids=["before", "after", "tab", "capital", "capitals", "quoted"],
)
def test_every_column_is_known_however_it_is_written(write: object, tmp_path: Path) -> None:
    assert callable(write)
    cases = Cohort.read(_table(tmp_path, ",".join(write(c) for c in NAMES)), need="label").cases
    assert [c.split for c in cases] == ["train", "val", "test"]
    assert [c.patient for c in cases] == ["p1", "p2", "p3"] and {c.label for c in cases} == {"yes"}
    assert [c.visit for c in cases] == ["1", "2", "3"] and [c.days for c in cases] == [1, 2, 3]
    assert {k.lower(): v for k, v in cases[0].findings.items()} == {"mass": 1}
    assert cases[0].date is not None and cases[0].attributes["age"] == "51"
    assert "as written" in cases[0].attributes.values()


def test_parquet_alike(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (tmp_path / "x.png").write_bytes(b"")
    table = {
        "Case": ["a", "b", "c"],
        "patient ": ["1", "2", "3"],
        " Split": ["val", "train", "test"],
        "Image": ["x.png"] * 3,
    }
    parquet.write_table(pyarrow.table(table), tmp_path / "cohort.parquet")
    assert [c.split for c in Cohort.read(tmp_path)] == ["val", "train", "test"]
    slip = {"splt" if k == " Split" else k: v for k, v in table.items()}
    parquet.write_table(pyarrow.table(slip), tmp_path / "cohort.parquet")
    with pytest.raises(InputError, match="'splt' reads as a slip for 'split'"):
        Cohort.read(tmp_path)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("splt", "split"),
        ("Spilt", "split"),
        ("splits", "split"),
        ("lable", "label"),
        ("dates", "date"),
    ],
)
def test_a_slip_is_named(written: str, meant: str, tmp_path: Path) -> None:
    header = ",".join(written if c == meant else c for c in NAMES)
    with pytest.raises(InputError, match=f"column '{written}' reads as a slip for '{meant}'"):
        Cohort.read(_table(tmp_path, header))


def test_words_of_their_own_stay() -> None:
    for name in (
        "task",
        "base",
        "site",
        "side",
        "model",
        "lesion",
        "patient_id",
        "image_id",
        "official_split",
        "box_area",
    ):
        assert near_miss(["patient", tidy(name)]) is None
    assert near_miss([*KNOWN, *ATTRIBUTES, "splits", "labels"]) is None


def test_two_columns_that_come_to_one_are_refused(tmp_path: Path) -> None:
    header = ",".join("Split" if c == "Note" else c for c in NAMES)
    with pytest.raises(InputError, match="column 'split' stands twice"):
        Cohort.read(_table(tmp_path, header))
