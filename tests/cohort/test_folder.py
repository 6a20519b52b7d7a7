"""A cohort folder appears whole or not at all, and making it again touches nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from overread.cohort.folder import building
from overread.errors import InputError


def _task(name: str = "pairs", **arguments: Any) -> dict[str, Any]:
    return {"task": "segmentation", "source": {"import": {"name": name, **arguments}}}


def _make(out: Path, text: str = "one", **arguments: Any) -> None:
    with building(out, _task(**arguments)) as folder:
        (folder / "images").mkdir()
        (folder / "images" / f"{text}.png").write_text(text)
        (folder / "cohort.csv").write_text(text)


def _content(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_makes_the_folder_and_leaves_no_other(tmp_path: Path) -> None:
    _make(tmp_path / "a" / "out")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["out"]
    assert {"cohort.csv", "images/one.png", "task.json"} == set(_content(tmp_path / "a" / "out"))


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for there in (False, True):
        if there:
            _make(out)
        before = _content(tmp_path)
        with pytest.raises(RuntimeError, match="half way"), building(out, _task()) as folder:
            (folder / "cohort.csv").write_text("half")
            raise RuntimeError("half way")
        assert _content(tmp_path) == before
        assert out.exists() == there


def test_again_replaces_the_data(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _make(out, "one", images="a")
    _make(out, "two", images="b")
    assert set(_content(out)) == {"cohort.csv", "images/two.png", "task.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_work_beside_the_data_stays_with_its_data(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _make(out, "one", images="a")
    (out / "protocol.yaml").write_text("mine")
    (out / "record").mkdir()
    (out / "record" / "plan.json").write_text("{}")
    _make(out, "two", images="a")
    found = _content(out)
    assert (
        found["protocol.yaml"] == "mine"
        and found["record/plan.json"] == "{}"
        and found["cohort.csv"] == "two"
    )
    assert "images/one.png" not in found
    with pytest.raises(InputError, match=r"holds protocol\.yaml, record built on other data"):
        _make(out, "three", images="b")
    assert _content(out) == found


@pytest.mark.parametrize(
    "task", [None, "{", "[]", '{"source": 3}', '{"source": {"import": {"name": "nifti"}}}']
)
def test_strange_folders_are_left_alone(tmp_path: Path, task: str | None) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("mine")
    if task is not None:
        (out / "task.json").write_text(task)
    before = _content(tmp_path)
    with pytest.raises(InputError, match="not empty"):
        _make(out)
    assert _content(tmp_path) == before


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        _make(tmp_path / "out")
    assert _content(tmp_path) == {"out": "mine"}
