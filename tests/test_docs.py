"""The documentation's Python examples run, its links lead somewhere, and its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


# The reference pages run as doctests in test_reference.py.
WITH_PYTHON = [p for p in PAGES if blocks(p, "python") and "reference" not in p.parts]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda p: p.name)
def test_python_examples_run(
    page: Path,
    small_road: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (package,) = (small_road / "package").glob("*.overread")
    names: dict[str, object] = {
        "FOLDER": small_road,
        "PACKAGE": package,
        "IMAGE_T1": small_road / "images" / "VIRTUAL-000_T1.nii.gz",
        "IMAGE_FLAIR": small_road / "images" / "VIRTUAL-000_FLAIR.nii.gz",
    }
    (tmp_path / package.name).write_bytes(package.read_bytes())
    names["PACKAGE"] = tmp_path / package.name
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_commands_named_in_the_docs_exist() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "overread.cli", "--help"], capture_output=True, text=True, check=True
    )
    commands = set(re.findall(r"^  (\w+) ", shown.stdout, re.M))
    named = {m for p in PAGES for b in blocks(p, "") for m in re.findall(r"^overread (\w+)", b, re.M)}
    assert named and named <= commands
