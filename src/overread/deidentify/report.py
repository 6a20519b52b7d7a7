"""The report beside the de-identified files: what was done, in counts, without a single original value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overread.deidentify.allowed import Allowed
from overread.deidentify.done import Change
from overread.deidentify.keys import Key
from overread.deidentify.options import Options
from overread.deidentify.regions import Region, written
from overread.deidentify.table import EDITION
from overread.deidentify.undeclared import Look
from overread.errors import InputError
from overread.files import write_json
from overread.imaging.text_finder import finder

REPORT = "deidentification.json"
FILES, FOUND, UNSEEN = "files", "with text found", "not looked at"


class Report:
    """What a run did so far. ``messages`` name files and are for the terminal only."""

    def __init__(self, head: dict[str, Any], regions: int) -> None:
        self.head = head
        self.regions = regions
        self.written = self.repeated = self.others = 0
        self.changes: Counter[tuple[int, str, str]] = Counter()
        self.withheld: list[dict[str, Any]] = []
        self.messages: list[tuple[str, str]] = []
        self.undeclared: dict[str, Counter[str]] = {}

    def add(self, changes: Sequence[Change], repeated: bool) -> None:
        """Count one file."""
        self.repeated += repeated
        self.written += not repeated
        for change in changes:
            self.changes[(change.tag, change.keyword, change.action)] += change.count

    def note_undeclared(self, seen: Look | None) -> None:
        """Count an image that does not say whether text is burned in, and whether text was found."""
        if seen is None:
            return
        counts = self.undeclared.setdefault(seen.kind, Counter({FILES: 0, FOUND: 0, UNSEEN: 0}))
        counts[FILES] += 1
        counts[FOUND] += bool(seen.lines)
        counts[UNSEEN] += seen.lines is None

    def withhold(self, index: int, name: str, reason: str, message: str) -> None:
        """Note a file that was not written: by its place in the input, because its name may identify."""
        self.withheld.append({"file": index, "reason": reason})
        self.messages.append((name, message))


def heading(key: Key, options: Options, regions: Sequence[Region], allowed: Allowed) -> dict[str, Any]:
    """What must be the same for two runs to write into one folder."""
    return {
        "profile": f"PS3.15 {EDITION} annex E",
        "key": key.fingerprint,
        "options": sorted(options.names),
        # What is matched may be an institution: only who has the key can test guesses.
        "regions": key.seal(written(regions)) if regions else "",
        "burned-in text allowed": allowed.burned_in,
        "video allowed": allowed.video,
        "undeclared burned-in text withheld": not allowed.undeclared,
    }


def begin(out: Path, head: dict[str, Any]) -> None:
    """Make the folder ``out`` and mark it as ours, made under ``head`` (`heading`).

    Raises
    ------
    InputError
        It holds something, and was not made with this key, these options and regions.
    """
    path = out / REPORT
    if out.is_dir() and any(out.iterdir()):
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = None
        others = [k for k in head if not isinstance(before, dict) or before.get(k) != head[k]]
        if others:
            differs = f" (other: {', '.join(others)})" if isinstance(before, dict) else ""
            raise InputError(
                f"{out}: is not empty and was not made with this key and these options{differs}; name a new folder"
            )
    out.mkdir(parents=True, exist_ok=True)
    write_json(path, head | {"complete": False})


def finish(out: Path, report: Report) -> None:
    """Write the report of a finished run."""
    attributes = [
        {"tag": f"{tag >> 16:04X},{tag & 0xFFFF:04X}", "keyword": keyword, "action": action, "count": count}
        for (tag, keyword, action), count in sorted(report.changes.items())
    ]
    files = {
        "written": report.written,
        "already there": report.repeated,
        "withheld": len(report.withheld),
        "not DICOM, or DICOMDIR": report.others,
    }
    content = {
        "complete": True,
        "files": files,
        "regions declared": report.regions,
        "burned-in text not declared": {
            "by SOP Class": {kind: dict(counts) for kind, counts in sorted(report.undeclared.items())},
            "text found by": finder(),
        },
    }
    write_json(out / REPORT, report.head | content | {"withheld": report.withheld, "attributes": attributes})
