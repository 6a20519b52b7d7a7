"""On what a number was computed: code, Python, libraries, system, processor. Part of every stage's event."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "onnxruntime", "pydicom", "nibabel", "torch", "monai")
ROOT = Path(__file__).parents[1]


@cache
def environment() -> dict[str, str]:
    """Facts by name, as text; the same for as long as this process lives.

    ``code_sha256`` is taken over the path and content of every Python file of the package, so that a changed line is
    seen whatever the version says; ``commit`` is git's, where the package lies in a repository.
    """
    facts = {
        "overread": _version("overread"),
        "code_sha256": code_digest(ROOT),
        "commit": _commit(ROOT),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "threads": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        **{name: _version(name) for name in LIBRARIES},
    }
    return {name: value for name, value in facts.items() if value}


def code_digest(folder: Path) -> str:
    """SHA-256 over ``<path> <SHA-256 of the file>`` of every Python file below ``folder``, a line each, sorted."""
    lines = [
        f"{path.relative_to(folder).as_posix()} {sha256(path.read_bytes()).hexdigest()}\n"
        for path in folder.rglob("*.py")
    ]
    return sha256("".join(sorted(lines)).encode()).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return ""


def _commit(folder: Path) -> str:
    """The commit that is checked out, with ``+`` where files of the package differ from it; empty without git."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return head + ("+" if head and _git(folder, "status", "--porcelain", "--", str(folder)) else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    """The processor's own name, as Linux tells it, else the architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
