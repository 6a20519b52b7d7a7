"""The documentation's Python examples run, its links lead somewhere, and what it names exists: commands, options,
modules, files."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from overread.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


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
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if "://" not in link and not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether the file of a link exists, and has the heading that it points to."""
    file, _, heading = link.partition("#")
    target = page.parent / file if file else page
    if not heading:
        return target.exists()
    headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.M) if target.is_file() else []
    return heading in {re.sub(r"[^\w\s-]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def test_the_commands_and_options_named_in_the_docs_exist() -> None:
    named = {
        (page.name, command, option)
        for page in PAGES
        for command, rest in calls(page)
        for option in [None, *re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)]
    }
    commands = options_by_command()
    assert len(named) > 50
    assert not [n for n in named if n[1] not in commands or (n[2] and n[2] not in commands[n[1]])]


def calls(page: Path) -> list[tuple[str, str]]:
    """Command and what follows it, of every call of overread in a page's code."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    code = [
        line for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
    ]
    code += re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    groups = "|".join(name.split()[0] for name in options_by_command() if " " in name)
    found = (re.match(rf"overread ((?:(?:{groups}) )?[a-z][\w-]*)(?=\s|$)(.*)", line, re.S) for line in code)
    return [(m[1], m[2].split("#")[0]) for m in found if m]


@cache
def options_by_command() -> dict[str, set[str]]:
    """Options of every command; a group (``import``, ``ledger``) has those of its commands, too."""
    out: dict[str, set[str]] = {}

    def walk(command: Any, name: str) -> None:
        out[name] = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        for sub, part in getattr(command, "commands", {}).items():
            walk(part, f"{name} {sub}".strip())
            out[name] |= out[f"{name} {sub}".strip()]

    walk(typer.main.get_command(app), "")
    return out


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_modules_and_files_named_in_the_docs_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    modules = set(re.findall(r"`(overread(?:\.\w+)+)(?![\w*])", text))
    assert not [name for name in modules if not importable(name)]
    files = set(re.findall(r"`((?:tests|benchmarks|examples|docs|overread)/[\w/.-]+)`", text))
    assert not [name for name in files if not any((ROOT / where / name).exists() for where in ("", "src"))]


def importable(name: str) -> bool:
    """Whether a dotted name is a module or something in one."""
    parts = name.split(".")
    for i in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:i]))
        except ImportError:
            continue
        for part in parts[i:]:
            found = getattr(found, part, None)
        return found is not None
    return False
