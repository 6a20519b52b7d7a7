"""`overread report`: the report as PDF, or drawn anew, from what the test left."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from overread.errors import InputError
from overread.pipeline.report.page import FILE
from overread.regulatory.documents.pdf import write_pdf
from overread.regulatory.finished import read_finished

console = Console()


def report_command(folder: Path, *, out: Path | None) -> None:
    """Write ``folder/report.html`` as PDF to ``out``, by default ``folder/report.pdf``.

    Every number carries the name by which `overread trace` follows it.

    Raises
    ------
    InputError
        No finished run, evidence that does not verify, or WeasyPrint is not there.
    """
    read_finished(folder)
    page = folder / FILE
    if not page.is_file():
        raise InputError(f"{page}: no such file; the test writes it")
    path = write_pdf(page.read_text(encoding="utf-8"), out or folder / "report.pdf")
    console.print(f"{path}", highlight=False)
