"""Which engine answers for a package on this machine: measured once, and remembered outside of the package.

The same package on another processor has another fastest engine. What was found is kept in a file of this machine, by
the hash of the networks and the processor, and holds as long as the engine has the version that was measured.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from overread.files import write_text
from overread.runtime.backends import REFERENCE, EngineName, available
from overread.runtime.processor import processor

FILE = "OVERREAD_ENGINES"
"""Environment variable: the file of this machine's choices."""


def place() -> Path:
    """The file that ``OVERREAD_ENGINES`` names, else engines.json in ``overread`` of the state folder (XDG)."""
    named = os.environ.get(FILE)
    if named:
        return Path(named)
    state = os.environ.get("OVERREAD_STATE")
    if state:
        return Path(state) / "engines.json"
    base = os.environ.get("XDG_STATE_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    return home / "overread" / "engines.json"


def key_of(networks_sha256: str) -> str:
    """By the networks' bytes, the processor and its instruction sets."""
    name, flags = processor()
    return f"{networks_sha256} {name} {' '.join(flags)}"


def remembered(networks_sha256: str) -> dict[str, Any] | None:
    """What was found for these networks on this processor: ``engine``, ``versions``, and the measurement."""
    path = place()
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    found = _read(path, stamp).get(key_of(networks_sha256))
    return found if isinstance(found, dict) else None


def remember(networks_sha256: str, found: dict[str, Any]) -> Path:
    """Keep what was found; the file is returned."""
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        content = _read(path, path.stat().st_mtime_ns)
    except OSError:
        content = {}
    text = json.dumps(content | {key_of(networks_sha256): found}, indent=2, ensure_ascii=False)
    write_text(path, text + "\n")
    return path


def chosen(networks_sha256: str) -> EngineName:
    """The engine remembered for these networks, where this machine still has it in that version; else the
    reference."""
    found = remembered(networks_sha256)
    if found is None or found.get("engine") == REFERENCE:
        return REFERENCE
    engine = next((name for name in available() if name == found.get("engine")), REFERENCE)
    if engine == REFERENCE or found.get("versions", {}).get(engine) != version_of(engine):
        return REFERENCE
    return engine


@lru_cache(maxsize=8)
def version_of(engine: EngineName) -> str:
    """The installed version of an engine."""
    from importlib.metadata import version

    if engine == "OpenVINO":
        return version("openvino")
    import onnxruntime

    return str(onnxruntime.__version__)


@lru_cache(maxsize=4)
def _read(path: Path, stamp: int) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # A choice that cannot be read is none: the reference answers.
        return {}
    return content if isinstance(content, dict) else {}
