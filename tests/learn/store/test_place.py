"""Where the store lies is for the person to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.errors import InputError
from overread.learn.store.place import default_limit, default_root, in_words, parse_size


def test_the_folder_named_comes_first_then_the_standard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_CACHE", str(tmp_path / "mine"))
    assert default_root() == tmp_path / "mine"
    monkeypatch.delenv("OVERREAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "overread"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for text in ("relative", ""):
        monkeypatch.setenv("XDG_CACHE_HOME", text)
        assert default_root() == tmp_path / "home" / ".cache" / "overread"


@pytest.mark.parametrize(
    ("text", "size"), [("500M", 500 << 20), ("1.5 TiB", 3 << 39), ("50GB", 50 << 30), ("7", 7), ("2k", 2048)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text, "--keep") == size


def test_no_size_is_refused() -> None:
    with pytest.raises(InputError, match=r"--keep: found 'many', expected a size such as 500M"):
        parse_size("many", "--keep")


def test_the_limit_is_as_set_or_half_of_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERREAD_CACHE_LIMIT", "3G")
    assert default_limit(tmp_path, 5) == 3 << 30
    monkeypatch.delenv("OVERREAD_CACHE_LIMIT")
    assert default_limit(tmp_path, 1 << 62) > 1 << 61


def test_sizes_in_words() -> None:
    assert [in_words(n) for n in (12, 2048, 5 << 30, 3 << 40)] == [
        "12 bytes",
        "2.0 KiB",
        "5.0 GiB",
        "3.0 TiB",
    ]
