"""The names that people are told: importable as the pages write them, and the same as in their modules."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import overread
from overread import imaging

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md"))


@pytest.mark.parametrize("name", imaging.__all__)
def test_public_names(name: str) -> None:
    value = getattr(imaging, name)
    module = getattr(value, "__module__", "overread.imaging")
    assert module.startswith("overread.imaging")
    assert module == "overread.imaging" or getattr(import_module(module), name) is value
    assert name in dir(imaging)


def test_no_other_name() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        imaging.no_such_name  # noqa: B018


def test_read_is_the_function_whoever_comes_first() -> None:
    """`overread.imaging.read` is a module as well."""
    code = (
        "import overread.imaging.read, overread.imaging, overread; from overread.imaging import read; "
        "assert callable(read) and overread.imaging.read is read is overread.read"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert overread.read is imaging.read


def test_heavy_libraries_stay_out() -> None:
    heavy = ("scipy", "pydicom", "nibabel", "tifffile", "SimpleITK", "openslide", "torch")
    code = f"import sys, overread.imaging; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"


def written(page: Path) -> set[str]:
    """Dotted names of the package that a page writes, in text and in examples."""
    text = page.read_text(encoding="utf-8")
    dotted = set(re.findall(r"(?<![\w-])overread(?:\.[a-z]\w*)+(?:\.[A-Z]\w*)*", text))
    dotted -= {"overread.service"}  # a unit of systemd
    imported = re.findall(r"^from (overread[\w.]*) import (.+)$", text, re.M)
    return dotted | {
        f"{module}.{name.split(' as ')[0].strip()}" for module, names in imported for name in names.split(",")
    }


@pytest.mark.parametrize("page", [p for p in PAGES if written(p)], ids=lambda p: str(p.relative_to(DOCS)))
def test_names_of_the_pages_exist(page: Path) -> None:
    missing = set()
    for name in written(page):
        parts = name.split(".")
        value: object = overread
        for k, part in enumerate(parts[1:], 2):
            try:
                value = getattr(value, part, None) or import_module(".".join(parts[:k]))
            except ImportError:
                missing.add(name)
                break
    assert missing == set()
