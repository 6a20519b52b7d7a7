"""Images and a table of labels: what is guessed is said, what cannot be is asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.cohort.layouts import task_of

from overread.cohort.adapters.table import import_table
from overread.cohort.cohort import Cohort
from overread.errors import InputError


def _set(folder: Path, header: str, row: str, count: int = 30, ending: str = "csv") -> Path:
    (folder / "images").mkdir(parents=True)
    lines = [header]
    for n in range(count):
        Pillow.fromarray(np.full((4, 5), n, np.uint8)).save(folder / "images" / f"p{n}.png")
        values = {
            "n": n,
            "who": f"s{n // 2}",
            "kind": "ab"[n // 2 % 2],
            "part": "test" if n >= 20 else "train",
            "bit": n % 2,
            "sure": -1 if n % 3 == 0 else 1,
        }
        lines.append(row.format(**values))
    (folder / f"list.{ending}").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return folder


def test_columns_are_guessed_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _set(
        tmp_path / "set", "File;Subject;Diagnosis;Set;Age;date", "p{n}.png;{who};{kind};{part};4{n};May {n}"
    )
    import_table(folder, tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out", need="label")
    said = " ".join(capsys.readouterr().out.split())
    for column, what in (("File", "image"), ("Subject", "patient"), ("Diagnosis", "label"), ("Set", "split")):
        assert f"{what} is the column '{column}'" in said
    assert (
        len({c.patient for c in cohort}) == 15
        and Counter(c.label for c in cohort.split("test")).total() == 10
    )
    assert cohort.split("val") and {c.label for c in cohort.split("val")} == {"a", "b"}
    assert cohort.cases[0].attributes == {"age": "40", "source_date": "May 0"}


def test_the_only_column_with_a_few_values(tmp_path: Path) -> None:
    folder = _set(tmp_path / "set", "name\tbleeding\twidth", "images/p{n}.png\t{bit}\t10{n}", ending="tsv")
    import_table(folder, tmp_path / "out")
    assert task_of(tmp_path / "out")["labels"] == ["0", "1"]


def test_findings(tmp_path: Path) -> None:
    folder = _set(tmp_path / "set", "name,mass,fluid", "p{n},{bit},{sure}")
    with pytest.raises(InputError, match="--label NAME says so"):
        import_table(folder, tmp_path / "out", label=None)
    import_table(folder, tmp_path / "out", label="mass,fluid")
    cohort = Cohort.read(tmp_path / "out", need="labels", labels=["mass", "fluid"])
    assert cohort.cases[3].findings == {"mass": 1, "fluid": -1}


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = _set(tmp_path / "set", "name,label", "p{n},{kind}")
    for options, said in (
        ({"label": "lable"}, "no column 'lable'; found name, label"),
        ({"table": "other.csv"}, "--table: other.csv: no such file"),
        ({"image": "label", "label": "name"}, "row 2: no image 'a'"),
        ({"split": "label", "label": "name"}, "row 2: part is 'a'"),
    ):
        with pytest.raises(InputError, match=said):
            import_table(folder, out, **options)
    (folder / "more.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match=r"holds 2 tables .*--table FILE says which"):
        import_table(folder, out)
    (folder / "more.csv").unlink()
    (folder / "images" / "p3.png").unlink()
    with pytest.raises(InputError, match="row 5: no image 'p3'"):
        import_table(folder, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "labels", "patients"),
    [
        ("ham10000_skin", 7, 359),
        ("lc25000_lung_histology", 3, 180),
        ("busi_breast_ultrasound", 3, 119),
        ("head_ct_haemorrhage", 2, 139),
    ],
)
def test_real_sets(data_dir: Path, tmp_path: Path, name: str, labels: int, patients: int) -> None:
    import_table(data_dir / name, tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out", need="label")
    assert len(task_of(tmp_path / "out")["labels"]) == labels
    assert len({c.patient for c in cohort}) == patients


def test_a_column_of_grades(tmp_path: Path) -> None:
    folder = _set(tmp_path / "set", "name,grade", "p{n},{bit}{sure}")
    import_table(folder, tmp_path / "out", task="ordinal")
    stated = task_of(tmp_path / "out")
    assert (stated["task"], stated["labels"]) == ("ordinal", ["0-1", "01", "1-1", "11"])
    with pytest.raises(
        InputError, match="--task is 'ranking', expected one of classification, ordinal, regression"
    ):
        import_table(folder, tmp_path / "other", task="ranking")
    with pytest.raises(InputError, match="takes one column"):
        import_table(folder, tmp_path / "other", label="name,grade", task="ordinal")


def test_a_column_of_numbers(tmp_path: Path) -> None:
    folder = _set(tmp_path / "set", "name,age", "p{n},4{n}.5")
    import_table(folder, tmp_path / "out", label="age", task="regression", unit="a")
    stated = task_of(tmp_path / "out")
    assert (stated["task"], stated["labels"], stated["quantity"]) == ("regression", ["age"], {"unit": "a"})
    cohort = Cohort.read(tmp_path / "out", need="value", labels=["age"])
    assert cohort.cases[3].values == {"age": 43.5} and cohort.cases[3].label is None
    with pytest.raises(InputError, match="--unit is of a number"):
        import_table(folder, tmp_path / "other", label="age", unit="a")


@pytest.mark.parametrize(
    ("column", "kept"), [("Age", "age"), ("label", "source_label"), ("Bone Age", "Bone Age")]
)
def test_a_number_is_found_under_the_name_that_its_column_keeps(
    tmp_path: Path, column: str, kept: str
) -> None:
    folder = _set(tmp_path / "set", f"name,{column}", "p{n},4{n}.5")
    import_table(folder, tmp_path / "out", label=column, task="regression", unit="a")
    assert task_of(tmp_path / "out")["labels"] == [kept]
    assert Cohort.read(tmp_path / "out", need="value", labels=[kept]).cases[3].values == {kept: 43.5}
