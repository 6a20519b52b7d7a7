"""Files: whole or not at all, with the mode that the umask gives; cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.files import (
    FORMULA,
    atomic_path,
    new_folder_beside,
    only_mine,
    open_to_others,
    quoted_cell,
    unquoted_cell,
    write_json,
    write_text,
)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(
    ("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_files_have_the_mode_of_the_umask(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    os.umask(mask)
    write_json(tmp_path / "a" / "b.json", {})
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b.json")) == (folder, file)
    write_text(tmp_path / "a" / "b.json", "again")
    assert mode(tmp_path / "a" / "b.json") == file


@pytest.mark.usefixtures("umask")
def test_only_mine_holds_for_its_block(tmp_path: Path) -> None:
    with only_mine():
        write_text(tmp_path / "mine" / "x", "")
    write_text(tmp_path / "ours" / "x", "")
    assert (mode(tmp_path / "mine"), mode(tmp_path / "mine" / "x")) == (0o700, 0o600)
    assert (mode(tmp_path / "ours"), mode(tmp_path / "ours" / "x")) == (0o755, 0o644)
    assert open_to_others(tmp_path / "ours") and not open_to_others(tmp_path / "mine")


@pytest.mark.usefixtures("umask")
def test_a_folder_to_be_renamed_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    os.umask(0o027)
    made = [new_folder_beside(tmp_path / "out") for _ in range(2)]
    assert made[0] != made[1]
    assert [mode(m) for m in made] == [0o750, 0o750]


def test_a_failure_leaves_the_old_content_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("new")
        1 / 0  # noqa: B018
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_name_that_a_file_can_have(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_text(path, "x")
    assert path.read_text() == "x"


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-1 ", "-1_0 x", "--1"]
)
def test_a_formula_is_put_behind_an_apostrophe(text: str) -> None:
    assert quoted_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a", "-1.5", "+3", "-1e-300", "-inf", "a=b", "2026-01-02"])
def test_numbers_and_plain_text_stay(text: str) -> None:
    assert quoted_cell(text) == text


@given(st.text() | st.sampled_from(FORMULA).flatmap(lambda c: st.text().map(lambda t: c + t)))
def test_cells_come_back(text: str) -> None:
    assert unquoted_cell(quoted_cell(text)) == text
