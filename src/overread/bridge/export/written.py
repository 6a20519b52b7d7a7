"""What an export wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Written:
    """``files`` below the folder; the largest ``difference`` of the PyTorch network's outputs from the package's (None
    where none was written); ``notes``: what the export does otherwise than the package, a sentence each."""

    files: Sequence[str]
    difference: float | None
    notes: Sequence[str] = ()


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Text files by their path below ``folder``."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)
