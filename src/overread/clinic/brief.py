"""A line of a log without patients' names: what is logged may quote what a peer or a file says."""

from __future__ import annotations

import logging
import re
from types import TracebackType

from overread.errors import printable

PERSON = re.compile(r"[^\s=^'\"]+\^[^\s'\"]*")
"""What looks like a DICOM person name, ``Family^Given``: a library may quote a value that it cannot read."""


def without_names(text: str) -> str:
    """A line without what looks like a person's name, and without escape codes."""
    return printable(PERSON.sub("[name]", text))


def place_of(trace: TracebackType | None) -> str:
    """Where an error was raised, as ``module:line``."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}" if trace is not None else ""


class Brief(logging.Formatter):
    """Lines for a terminal or for the node's own log, without names and escape codes.

    Of an error its type and place: its text, and the texts of those that it was raised from, may be a patient's data.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = self.formatMessage(self._said(record))
        if record.exc_info and record.exc_info[0] is not None:
            line += f" ({record.exc_info[0].__name__} at {place_of(record.exc_info[2])})"
        return without_names(line)

    def _said(self, record: logging.LogRecord) -> logging.LogRecord:
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        return record
