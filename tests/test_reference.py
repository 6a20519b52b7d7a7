"""The reference: its examples give what stands beside them, its names exist, and no public name is left out."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "overread"
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(REFERENCE.rglob("*.md"))
INDEX = REFERENCE / "index.md"
LISTED = re.findall(r"^\| `(overread[\w.]+)` \|", INDEX.read_text(encoding="utf-8"), re.M)

# Tables, and what `__all__` promises: each of their names is told somewhere in the reference.
PROMISED = ("overread", "overread.imaging", "overread.deidentify")
TABLES = (
    "overread.task.TASKS",
    "overread.cohort.truth.TRUTHS",
    "overread.learn.losses.LOSSES",
    "overread.nets.networks.NETWORKS",
    "overread.learn.augment.grey_values.GREY_VALUES",
)


def the(name: str) -> object:
    """What a dotted name stands for."""
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(REFERENCE).with_suffix("").as_posix())
def test_worked_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testfile(
        str(page),
        module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
        encoding="utf-8",
    )
    assert found.failed == 0
    assert found.attempted or page.stem == "index"


def test_every_name_of_the_index_exists() -> None:
    assert len(LISTED) > 200
    missing = []
    for name in LISTED:
        try:
            the(name)
        except (ImportError, AttributeError):
            missing.append(name)
    assert not missing


def test_no_name_stands_twice_in_the_index() -> None:
    assert len(set(LISTED)) == len(LISTED)


@pytest.mark.parametrize("module", PROMISED)
def test_every_promised_name_is_told(module: str) -> None:
    assert set(import_module(module).__all__) <= words()


@pytest.mark.parametrize("table", TABLES)
def test_every_name_of_a_table_is_told(table: str) -> None:
    found = the(table)
    assert isinstance(found, dict) and set(found) <= words()


def words() -> set[str]:
    """All words of the reference."""
    return set(re.findall(r"\w+", "\n".join(page.read_text(encoding="utf-8") for page in PAGES)))


def test_every_public_function_and_class_has_a_docstring() -> None:
    assert not [where for where, node in public() if not ast.get_docstring(node)]


def public() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Functions and classes of all public modules, and where they are; of overloaded ones the implementation."""
    for path in sorted(SOURCE.rglob("*.py")):
        inside = path.relative_to(SOURCE)
        if any(part.startswith("_") and part != "__init__.py" for part in inside.parts):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            overloaded = any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)
            if not node.name.startswith("_") and not overloaded:
                yield f"{inside}: {node.name}", node
