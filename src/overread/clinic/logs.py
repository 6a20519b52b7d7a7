"""Logs: JSON lines that rotate, without patients' names, and not more of them than a disk can bear."""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
from collections.abc import Callable
from datetime import UTC, datetime

from overread.clinic.brief import Brief, place_of, without_names
from overread.clinic.config_parts import Log

SKIPPED = "a line like this was left out %d times"


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, text, and the traceback's last line where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": without_names(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            content["error"], content["at"] = record.exc_info[0].__name__, place_of(record.exc_info[2])
        return json.dumps(content, ensure_ascii=False)


class RateLimit(logging.Filter):
    """Lets ``per_minute`` lines of one place in the code through each minute, and then says how many it left out."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limit, self._clock = per_minute, clock
        self._counts: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place, now = (record.pathname, record.lineno), self._clock()
        begun, count = self._counts.get(place, (now, 0))
        if now - begun >= 60:
            left_out = count - self._limit
            if left_out > 0:
                record.msg, record.args = f"{record.getMessage()} ({SKIPPED % left_out})", ()
            begun, count = now, 0
        self._counts[place] = (begun, count + 1)
        return count < self._limit


def set_up(settings: Log) -> None:
    """Lines to the terminal, or to the file of ``settings``, for all rooms of this process."""
    handler: logging.Handler
    if settings.file is None:
        handler = logging.StreamHandler()
        handler.setFormatter(Brief("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    else:
        settings.file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            settings.file,
            maxBytes=int(settings.megabytes * 1e6),
            backupCount=settings.files,
            encoding="utf-8",
        )
        handler.setFormatter(JsonLines())
    handler.addFilter(RateLimit(settings.per_minute))
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)
