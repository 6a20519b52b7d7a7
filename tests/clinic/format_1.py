"""Run folders and rows as overread wrote them before there were kinds of answers (format 1)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

QUALITY = {"size": [12, 10, 6], "spacing_mm": [2.0, 1.0, 3.0], "modality": "MR", "age_years": 44.0}
NOTHING: dict[str, Any] = {
    "outcome": "ok",
    "task": "segmentation",
    "package": "block finder",
    "package_version": "1.2",
    "package_sha256": "c84bba664ca921361f4f1e55107ab740cf50c671f4d04be1543d1edbccdb3a27",
    "breaches": [],
    "scores": {},
    "score_intervals": {},
    "label": None,
    "label_set": [],
    "set_coverage": None,
    "measurements": [],
    "uncertainty": {},
    "quality": QUALITY,
    "notes": [],
    "seconds": 0.11131541499980813,
    "summary": "",
}


def measured(volume: float, low: float | None = None, high: float | None = None) -> list[dict[str, Any]]:
    """The volume of ``lesion``, and none of ``edema``."""
    same = {"name": "volume", "unit": "ml", "confidence": 0.9}
    none = {"label": "edema", "value": 0.0, "low": None, "high": None}
    return [{"label": "lesion", "value": volume, "low": low, "high": high, **same}, {**none, **same}]


SEGMENTED = NOTHING | {
    "measurements": measured(0.216, 0.1, 0.3),
    "uncertainty": {"entropy_in_mask": 4.539352888234479e-34},
    "notes": ["resampled"],
    "summary": "lesion volume 0.216 ml (90% interval 0.1 to 0.3 ml); edema volume 0 ml",
}
CLASSIFIED = NOTHING | {
    "task": "classification",
    "package": "brightness",
    "scores": {"dark": 0.11920291930437088, "bright": 0.8807970285415649},
    "score_intervals": {"bright": [0.7, 0.95]},
    "label": "bright",
    "label_set": ["bright"],
    "set_coverage": 0.9,
    "uncertainty": {"entropy": 0.5270654270881504},
    "summary": "bright, probability 0.88",
}
REFUSED = NOTHING | {
    "outcome": "out_of_limits",
    "breaches": [{"code": "DIMENSIONS", "found": "2 spatial axes", "expected": "3 spatial axes"}],
    "summary": "not analysed, input outside the package's limits",
}


def write(folder: Path, content: dict[str, Any], used: list[str], mask: np.ndarray | None = None) -> None:
    """A kept prediction of format 1."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"kind": "prediction", "content": content, "used": used, "first": used}
    (folder / "answer.json").write_text(json.dumps(kept, indent=2))
    if mask is not None:
        np.savez_compressed(folder / "mask.npz", mask=mask)


def write_row(database: Path, key: str, content: dict[str, Any]) -> None:
    """The row of a run as format 1 had it; the node is not running."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE runs SET prediction = ? WHERE key = ?", (json.dumps(content), key))
    connection.close()
