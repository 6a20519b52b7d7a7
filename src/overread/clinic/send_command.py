"""The commands ``send`` and ``echo``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from overread.clinic.send import echo, parse_peer, send_files
from overread.errors import InputError, OverreadError, printable


def send_command(paths: list[Path], to: str, calling: str) -> None:
    """Send and show progress; one line for each failure, exit code 1 where any file was not stored."""
    peer, console = parse_peer(to), Console(highlight=False, soft_wrap=True)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("sending", total=None)
        result = send_files(
            paths, peer, calling, on_answer=lambda done, n: progress.update(task, completed=done, total=n)
        )
    for path in result.skipped:
        console.print(printable(f"skipped, not DICOM: {path}"), markup=False)
    for answer in result.answers:
        if answer.stored and answer.status:
            console.print(printable(f"stored with a warning: {answer}"), markup=False)
    if not result.answers:
        raise InputError(f"{', '.join(map(str, paths))}: holds no DICOM file; nothing was sent")
    if result.failed:
        more = f" (and {len(result.failed) - 1} more)" if len(result.failed) > 1 else ""
        raise OverreadError(f"{peer} did not store {result.failed[0]}{more}")
    count = len(result.answers)
    console.print(f"{count} {'instance' if count == 1 else 'instances'} stored by {peer}", markup=False)


def echo_command(to: str, calling: str) -> None:
    """C-ECHO and one line about the answer."""
    peer = parse_peer(to)
    status = echo(peer, calling)
    if status != 0:
        raise OverreadError(f"{peer} answered C-ECHO with status {status:#06x}")
    Console(highlight=False).print(f"{peer} answers", markup=False)
