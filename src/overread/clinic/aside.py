"""Objects of a study that are set aside, and how often reading one has ended a process: kept in files.

A study goes on without them, says so, and the page shows them. The objects stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from overread.clinic.look import Marks
from overread.clinic.tables import Aside
from overread.files import write_json

KILLS = "ENDS_READING"


class AsideBook:
    """What is known of objects that cannot be read, by study."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def marks(self, study: str) -> Path:
        """Where the process that reads a study says what it reads."""
        return self.folder / f"{study}.reading"

    def objects(self, study: str) -> list[Aside]:
        """Objects that were set aside."""
        return [Aside(**a) for a in self._content(study)["aside"]]

    def routes(self, study: str) -> list[str]:
        """Routes whose patterns are not tried any more on this study."""
        return list(self._content(study)["routes"])

    def add(self, study: str, found: Sequence[Aside]) -> None:
        """Set objects aside."""
        content = self._content(study)
        known = {a["sop"] for a in content["aside"]}
        content["aside"] += [asdict(a) for a in found if a.sop not in known]
        self._write(study, content)

    def died(self, study: str, limit: int, how: str) -> str:
        """Count that a process ended over what was being read; set that aside at the limit. What it was.

        ``how`` says what became of the process.
        """
        what = Marks.left(self.marks(study))
        self.marks(study).unlink(missing_ok=True)
        if not what:
            return ""
        content = self._content(study)
        deaths = content["deaths"].get(what, 0) + 1
        content["deaths"][what] = deaths
        if deaths >= limit:
            if what.startswith("route "):
                content["routes"].append(what.removeprefix("route "))
            else:
                text = f"reading this object ended the process {deaths} times ({how})"
                content["aside"].append({"sop": what, "code": KILLS, "text": text})
        self._write(study, content)
        return what

    def forget(self, study: str) -> None:
        """Try everything once more, or the study is gone."""
        self._path(study).unlink(missing_ok=True)
        self.marks(study).unlink(missing_ok=True)

    def _path(self, study: str) -> Path:
        return self.folder / f"{study}.json"

    def _content(self, study: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self._path(study).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {"aside": [], "routes": [], "deaths": {}}

    def _write(self, study: str, content: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self._path(study), content)
