"""Reports on storage commitment that we owe: kept on the disk until their receiver has them, or will not.

A request is answered before its report goes out, so a report must outlast both a receiver that is away and our own end.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overread.clinic.receive.settings import PeerRow
from overread.files import sha256_bytes, write_json

ATTEMPTS = 12
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 3600.0
"""Of twelve attempts the last comes about seven hours after the first: whoever asked would have asked again by then."""
MOST = 1000
"""Of one caller. More are refused (PS3.7 annex C: 0213H, resource limitation) until some of them are told."""
TICK_SECONDS = 1.0
log = logging.getLogger(__name__)
Tell = Callable[[dict[str, Any], PeerRow], str]


class Owed:
    """A folder of reports and a thread that tells them, each caller's by itself.

    Parameters
    ----------
    folder
        One file for each report.
    places
        Where callers listen, by title.
    tell
        Tells one report, and gives why it could not be told, or nothing.
    """

    def __init__(
        self,
        folder: Path,
        places: dict[str, PeerRow],
        tell: Tell,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._places, self._tell, self._clock = folder, places, tell, clock
        self._stop, self._news = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, title: str, report: dict[str, Any]) -> bool:
        """Keep a report for the caller ``title``; False where it is owed too many already."""
        path = self._path(title, report)
        with_it = {p.name for p in path.parent.glob("*.json")} | {path.name}
        if len(with_it) > MOST:
            return False
        write_json(path, {"title": title, "report": report, "attempts": 0, "not_before": 0.0})
        self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="commitment", daemon=True)
            self._thread.start()
        return True

    def start(self) -> None:
        """Go on with what was left."""
        if self._thread is None and any(self._folder.glob("*/*.json")):
            self._thread = threading.Thread(target=self._run, name="commitment", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begin no further attempt; what is left is told after the next start."""
        self._stop.set()
        self._news.set()

    def work(self) -> int:
        """Try whatever is due, once; how many reports are still owed.

        Of a caller that does not answer, one report is tried a round: its others would fail like it, and hold up those
        of others.
        """
        left = 0
        for folder in sorted(p for p in self._folder.glob("*") if p.is_dir()):
            reached = True
            for path in sorted(folder.glob("*.json"), key=lambda p: (p.stat().st_mtime_ns, p.name)):
                if self._stop.is_set():
                    return left + 1
                gone, tried = self._one(path) if reached else (False, False)
                reached = reached and (gone or not tried)
                left += not gone
        return left

    def _one(self, path: Path) -> tuple[bool, bool]:
        """Whether a report is owed no longer, and whether it was tried."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            place = self._places.get(kept["title"])
            due = kept["not_before"] <= self._clock()
            report, attempts = kept["report"], int(kept["attempts"]) + 1
        except (ValueError, KeyError, TypeError):
            log.error("%s cannot be read, and is told to nobody", path.name)
            path.unlink(missing_ok=True)
            return True, False
        if not due:
            return False, False
        if place is None:
            log.warning("a report on commitment has no receiver any more and is dropped")
            path.unlink(missing_ok=True)
            return True, False
        problem = self._tell(report, place)
        if not problem:
            path.unlink(missing_ok=True)
            return True, True
        if attempts >= ATTEMPTS:
            log.error("%s takes no report on commitment after %d attempts: %s", place.aet, attempts, problem)
            path.unlink(missing_ok=True)
            return True, True
        wait = min(FIRST_WAIT_SECONDS * 2.0 ** (attempts - 1), LONGEST_WAIT_SECONDS)
        log.warning("%s takes no report on commitment yet: %s", place.aet, problem)
        write_json(path, {**kept, "attempts": attempts, "not_before": self._clock() + wait})
        return False, True

    def _path(self, title: str, report: dict[str, Any]) -> Path:
        name = sha256_bytes(json.dumps(report, sort_keys=True).encode())[:32]
        return self._folder / sha256_bytes(title.encode())[:16] / f"{name}.json"

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            try:
                left = self.work()
            except Exception:
                # A full disk passes; a thread that is gone would owe for ever.
                log.exception("reports on commitment met an error and are tried again")
                left = 1
            self._news.wait(TICK_SECONDS if left else None)
