"""cohort.csv and cohort.parquet say the same, and rewriting a column leaves every other cell alone."""

from __future__ import annotations

import builtins
import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.cohort.cohort import Case, Cohort
from overread.cohort.table import read_table, set_columns
from overread.errors import InputError

TEXT = """case,patient,split,image_T1,image_T2,label,label_mass,label_fluid,boxes,visit,date,days,age,note
a,1,train,x.png,x.png,no,1,,b.json,1,2020-01-02,0,40,"one, two"
b,2,val,x.png,,yes,-1,0,,1,,-3.5,,
c,3,test,,x.png,no,0,1.0,b.json,,2021-05-06,,51,last
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.png").write_bytes(b"")
    (tmp_path / "b.json").write_text("[]")
    (tmp_path / "cohort.csv").write_text(TEXT)
    return tmp_path


def to_parquet(folder: Path, **columns: Any) -> Path:
    """The table of ``folder`` as Parquet, with numbers and dates as such."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = read_table(folder)
    content: dict[str, Any] = {c: [r[c] or None for r in table.rows] for c in table.columns}
    for name, kind in (("age", float), ("days", float), ("label_mass", int), ("patient", int)):
        content[name] = [None if v is None else kind(v) for v in content[name]]
    content["date"] = [None if v is None else datetime.date.fromisoformat(v) for v in content["date"]]
    (folder / "cohort.csv").unlink()
    parquet.write_table(pyarrow.table(content | columns), folder / "cohort.parquet")
    return folder


def test_every_column_is_read(folder: Path) -> None:
    a, b, c = Cohort.read(folder, missing_channels=True)
    assert a.findings == {"mass": 1, "fluid": None} and b.findings == {"mass": -1, "fluid": 0}
    assert c.findings == {"mass": 0, "fluid": 1}
    assert a.boxes == folder / "b.json" and b.boxes is None
    assert (a.visit, a.date, a.days) == ("1", datetime.date(2020, 1, 2), 0)
    assert (c.visit, c.date, c.days) == ("", datetime.date(2021, 5, 6), None) and b.days == -3.5
    assert a.attributes == {"age": "40", "note": "one, two"}
    assert list(b.images) == ["T1"] and list(c.images) == ["T2"]
    cohort = Cohort.read(folder, missing_channels=True)
    assert cohort.channels == ("T1", "T2") and cohort.findings == ("mass", "fluid")


def test_parquet_says_the_same(folder: Path) -> None:
    first = Cohort.read(folder, missing_channels=True)
    second = Cohort.read(to_parquet(folder), missing_channels=True)
    assert second.digest() == first.digest()
    assert [c.attributes["age"] for c in second] == ["40", "", "51"]
    assert [c.row for c in second] == [1, 2, 3]


def test_written_and_read_again(folder: Path) -> None:
    first = Cohort.read(folder, missing_channels=True)
    first.write()
    second = Cohort.read(folder, missing_channels=True)
    assert second.digest() == first.digest() and second.channels == first.channels
    assert [c.attributes for c in second] == [c.attributes for c in first]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("x.png,,yes", ",,yes"), r"row 3: column 'image_T1' is empty; every case needs it"),
        ((",yes,-1,", ",yes,2,"), "row 3: label_mass is '2', expected 1, 0, -1"),
        (("2020-01-02", "02.01.2020"), "row 2: date is '02.01.2020', expected a day as YYYY-MM-DD"),
        (("-3.5", "soon"), "row 3: days is 'soon', expected a number"),
        (("-3.5", "nan"), "row 3: days is 'nan', expected a number"),
        (("1,,b.json", "1,,c.json"), r"row 2: boxes file .*c\.json does not exist"),
    ],
)
def test_faults_are_named(folder: Path, change: tuple[str, str], said: str) -> None:
    assert TEXT.replace(*change) != TEXT
    (folder / "cohort.csv").write_text(TEXT.replace(*change))
    with pytest.raises(InputError, match=said):
        Cohort.read(folder, missing_channels=True)


def test_missing_channels_are_refused_where_all_are_needed(folder: Path) -> None:
    with pytest.raises(InputError, match=r"row 3: column 'image_T2' is empty: the case lacks a channel"):
        Cohort.read(folder)


@pytest.mark.parametrize(
    ("need", "said"), [("boxes", "row 3: column 'boxes' is empty"), ("mask", "no column 'mask'")]
)
def test_what_a_task_needs(folder: Path, need: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Cohort.read(folder, need=need, missing_channels=True)
    assert len(Cohort.read(folder, need="labels", missing_channels=True)) == 3
    (folder / "cohort.csv").write_text("case,patient,image\na,1,x.png\n")
    with pytest.raises(InputError, match="no column 'label_<name>'"):
        Cohort.read(folder, need="labels")


def test_two_tables_or_a_broken_one(folder: Path) -> None:
    text = (folder / "cohort.csv").read_bytes()
    to_parquet(folder)
    (folder / "cohort.csv").write_bytes(text)
    with pytest.raises(InputError, match="keep one of them"):
        read_table(folder)
    (folder / "cohort.csv").unlink()
    (folder / "cohort.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(InputError, match=r"cohort\.parquet: not a Parquet file"):
        read_table(folder)


def test_parquet_of_lists_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="column 'where' holds list"):
        read_table(to_parquet(folder, where=[[1], [2], [3]]))


def test_without_pyarrow_the_message_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_parquet(folder)
    whole = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return whole(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"overread\[formats\]"):
        read_table(folder)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_column_is_set_and_the_rest_stays(folder: Path, form: str) -> None:
    if form == "parquet":
        to_parquet(folder)
    before = read_table(folder)
    set_columns(before, {"split": ["test", "train", "val"], "fold": ["", "0", "1"]})
    after = read_table(folder)
    assert after.columns == (*before.columns, "fold")
    assert [r["split"] for r in after.rows] == ["test", "train", "val"]
    assert [r["fold"] for r in after.rows] == ["", "0", "1"]
    for old, new in zip(before.rows, after.rows, strict=True):
        assert {k: v for k, v in old.items() if k != "split"} == {
            k: v for k, v in new.items() if k not in ("split", "fold")
        }
    if form == "parquet":
        from pyarrow import parquet

        assert str(parquet.read_schema(folder / "cohort.parquet").field("days").type) == "double"


CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"), max_size=12)


@settings(max_examples=50, deadline=None)
@given(cells=st.lists(CELL, min_size=1, max_size=5))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "x.png").write_bytes(b"")
    splits = ("train", "val", "test")
    cases = tuple(
        Case(f"c{i}", f"p{i}", {"image": folder / "x.png"}, split=splits[i % 3], attributes={"note": t})
        for i, t in enumerate(cells)
    )
    Cohort(folder, cases).write()
    table = read_table(folder)
    set_columns(table, {"fold": ["0"] * len(cells)})
    assert [r["note"] for r in read_table(folder).rows] == cells
