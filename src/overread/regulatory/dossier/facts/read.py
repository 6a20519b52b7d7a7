"""The facts that stand beside this file in YAML."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from overread.parse import parse_yaml


@cache
def facts(name: str) -> dict[str, Any]:
    """The content of ``<name>.yaml``."""
    path = Path(__file__).parent / f"{name}.yaml"
    content: dict[str, Any] = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    return content
