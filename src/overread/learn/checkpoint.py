"""Checkpoints: what a training needs to go on after any end, in files that are whole or not there.

``step-00000120.pt`` holds the state; ``step-00000120.json``, written after it, names its hash, and makes it count. A
process that is killed at any moment leaves the last whole pair.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from overread.files import atomic_path, sha256_file, write_json

EVERY_SECONDS = 180.0
SHARE = 0.02
"""Of the time, what writing may take: checkpoints of large networks come less often."""
KEPT = 2


@dataclass(frozen=True)
class Found:
    """A checkpoint by its description: ``step`` it stands at, of how many planned, what training it is ``of``."""

    path: Path
    step: int
    steps_planned: int
    saved: str
    sha256: str
    of: dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """A checkpoint's state, and sentences about newer ones that are damaged."""

    found: Found
    state: dict[str, Any]
    damaged: tuple[str, ...] = ()


@dataclass
class Checkpoints:
    """The checkpoints of one training in ``folder``; ``of`` is what identifies it, plain JSON."""

    folder: Path
    of: Mapping[str, Any]
    every: float = field(default_factory=lambda: EVERY_SECONDS)
    _last: float = field(default_factory=lambda: time.monotonic())
    _took: float = 0.0

    def due(self) -> bool:
        """Whether the last one is old enough for a new one."""
        return time.monotonic() - self._last >= max(self.every, self._took / SHARE if self.every else 0.0)

    def save(self, step: int, steps_planned: int, state: dict[str, Any]) -> None:
        """Write ``state`` (what torch saves without code: tensors, numbers, text), and drop all but the last two."""
        began = time.monotonic()
        path = self.folder / f"step-{step:08d}.pt"
        with atomic_path(path) as temporary:
            torch.save(state, temporary)
            digest = sha256_file(temporary)
        write_json(
            path.with_suffix(".json"),
            {
                "step": step,
                "steps_planned": steps_planned,
                "saved": datetime.now(UTC).isoformat(timespec="seconds"),
                "sha256": digest,
                "of": dict(self.of),
            },
        )
        self._tidy(keep=KEPT)
        self._last = time.monotonic()
        self._took = self._last - began

    def latest(self) -> Loaded | None:
        """The newest one that is whole; None where there is none."""
        damaged: list[str] = []
        for found in checkpoints(self.folder):
            fault = _fault(found)
            if not fault:
                state = torch.load(found.path, map_location="cpu", weights_only=True)
                return Loaded(found, state, tuple(damaged))
            damaged.append(f"{found.path}: {fault}; an older checkpoint is used, or the training begins anew")
        return None

    def clear(self) -> None:
        """Remove all, and what a killed process left half written."""
        self._tidy(keep=0)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _tidy(self, *, keep: int) -> None:
        kept = {found.path for found in checkpoints(self.folder)[:keep]}
        # A description goes before its state: half a pair never counts.
        for pattern in ("step-*.json", "step-*.pt", ".step-*.part"):
            for path in self.folder.glob(pattern):
                if path.with_suffix(".pt") not in kept:
                    path.unlink(missing_ok=True)


def checkpoints(folder: Path) -> list[Found]:
    """What ``folder`` holds, newest first, by the descriptions alone; one that cannot be read does not count."""
    out = []
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            out.append(Found(path.with_suffix(".pt"), **content))
        except (OSError, ValueError, TypeError):
            continue
    return out


def _fault(found: Found) -> str:
    if not found.path.is_file():
        return "is missing"
    if sha256_file(found.path) != found.sha256:
        return "is damaged (its SHA-256 is not the one that was written)"
    return ""
