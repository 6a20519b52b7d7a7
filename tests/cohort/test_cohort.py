"""cohort.csv: what is read is what was written, and every fault is named by file, row and column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from overread.cohort.cohort import Case, Cohort
from overread.errors import InputError

GOOD = """case,patient,split,image,label,age
a,1,train,x.png,no,40
b,2,val,x.png,yes,
c,3,test,x.png,no,50
"""


def _folder(tmp_path: Path, text: str | bytes) -> Path:
    (tmp_path / "x.png").write_bytes(b"")
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / "cohort.csv").write_bytes(data)
    return tmp_path


def test_reads_what_is_there(tmp_path: Path) -> None:
    cohort = Cohort.read(_folder(tmp_path, "\ufeff" + GOOD), need="label")
    assert [c.case for c in cohort] == ["a", "b", "c"] and cohort.channels == ("image",)
    assert cohort.cases[0].attributes == {"age": "40"} and cohort.cases[1].label == "yes"
    assert [c.row for c in cohort.cases] == [2, 3, 4]


def test_written_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    cases = tuple(
        Case(
            f"c{i}",
            f"p{i}",
            {"T1": tmp_path / "x.png", "FLAIR": tmp_path / "x.png"},
            "a, b",
            tmp_path / "x.png",
            s,
        )
        for i, s in enumerate(("train", "val", "test"))
    )
    first = Cohort(tmp_path, cases)
    first.write()
    second = Cohort.read(tmp_path, need="mask")
    assert second.digest() == first.digest() and second.channels == ("T1", "FLAIR")
    assert str(tmp_path) not in (tmp_path / "cohort.csv").read_text()
    assert second.digest("test") != second.digest("val")


def test_digest_ignores_the_order_of_rows_only(tmp_path: Path) -> None:
    head, *rows = GOOD.splitlines()
    first = Cohort.read(_folder(tmp_path, GOOD)).digest()
    assert Cohort.read(_folder(tmp_path, "\n".join([head, *rows[::-1]]))).digest() == first
    assert (
        Cohort.read(_folder(tmp_path, GOOD.replace("b,2,val,x.png,yes", "b,2,val,x.png,no"))).digest()
        != first
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("label,", "finding,"), "no column 'label'; found case, patient, split, image, finding, age"),
        (("image,", "picture,"), "no column 'image' or 'image_<channel>'"),
        (("age", "split"), "column 'split' stands twice"),
        (("b,2,", "b,1,"), r"patient '1' is in two splits: train \(row 2\), val \(row 3\)"),
        (("b,2,", "a,2,"), "case 'a' stands in more than one row"),
        (("b,2,", "b,,"), "row 3: column 'patient' is empty"),
        (("b,2,", "../b,2,"), "row 3: case is '../b'; expected letters"),
        (("val", "tune"), "row 3: split is 'tune', expected one of train, val, test"),
        (("b,2,val", "b,2,train"), "no case in split 'val'"),
        (("b,2,val,x.png", "b,2,val,y.png"), "row 3: image file .*y.png does not exist"),
        (
            ("yes", "perhaps"),
            "row 3: label 'perhaps' is not a class of the protocol; expected one of no, yes",
        ),
        (("a,1,train,x.png,no", "a,1,train,x.png,yes"), "class 'no' has no case in split 'train'"),
        (("yes,", "yes,1,2"), "row 3 has more or fewer cells"),
        (("yes,\n", "yes\n"), "row 3 has more or fewer cells"),
    ],
)
def test_faults_are_named(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(InputError, match=said) as caught:
        Cohort.read(_folder(tmp_path, text), need="label", labels=["no", "yes"])
    assert "cohort.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "case,patient,split,image,label\n", b"\xff\xfe\x00", b"\x00\x01\x02"])
def test_no_table(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"cohort\.csv"):
        Cohort.read(_folder(tmp_path, text), need="label")
    with pytest.raises(InputError, match="no such file"):
        Cohort.read(tmp_path / "elsewhere")


def test_split_by_patient_where_the_table_has_none(tmp_path: Path) -> None:
    rows = "".join(f"c{i},p{i // 2},x.png\n" for i in range(80))
    cohort = Cohort.read(_folder(tmp_path, "case,patient,image\n" + rows))
    of = {c.patient: c.split for c in cohort}
    assert all(of[c.patient] == c.split for c in cohort) and set(of.values()) == {"train", "val", "test"}
    more = Cohort.read(_folder(tmp_path, "case,patient,image\n" + rows + "z,pz,x.png\n"))
    assert {c.patient: c.split for c in more}.items() >= of.items()
    assert Cohort.read(tmp_path, seed=1).digest() != more.digest()


def test_the_digest_stays_as_packages_and_ledgers_hold_it() -> None:
    """Hashes of an earlier version, of a table without findings and of one with them."""
    x = {"image": Path("x.png")}
    plain = Cohort(Path(), (Case("a", "1", x, "no", None, "train"), Case("b", "2", x, "yes", None, "test")))
    assert plain.digest() == "88b60bfc8104d24f021f9630844eeecf9a1fae5ba22845aba0b8b776267e1713"
    stated = replace(plain, cases=tuple(replace(c, findings={"mass": 1, "fluid": None}) for c in plain))
    assert stated.digest() == "ea433e3c353805b41fd82345e16d7b236994c18640aa6525ecd767d25e4b476f"
