"""overread route: which routes would take a study, without answering it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from overread.clinic.config import ClinicConfig
from overread.clinic.look import look
from overread.clinic.routing import Step, choose_routes, explain
from overread.clinic.spool import UID_PATTERN
from overread.errors import InputError


def files_of(config: ClinicConfig, study: str) -> list[Path]:
    """The files of a study: of a Study Instance UID in the node's spool, or of a file or folder.

    Raises InputError where there are none.
    """
    from overread.clinic.outgoing import dicom_files

    spooled = config.folder / "spool" / study
    if UID_PATTERN.fullmatch(study) and spooled.is_dir():
        files = sorted(spooled.glob("*.dcm"))
    elif UID_PATTERN.fullmatch(study) and not Path(study).exists():
        raise InputError(f"{study}: neither a study in {spooled.parent} nor a file or folder")
    else:
        files = list(dicom_files([Path(study)]))
    if not files:
        raise InputError(
            f"{study}: holds no file; expected a Study Instance UID of the spool, or DICOM files"
        )
    return files


def routed(config: ClinicConfig, files: Sequence[Path], *, sender: str) -> tuple[list[Step], dict[str, Any]]:
    """What the node would decide now."""
    seen = look(files, config.routes, set())
    moment = datetime.now().astimezone().time()
    return choose_routes(config.routes, seen, sender=sender, moment=moment), seen


def route_command(config: ClinicConfig, study: str, sender: str, show_why: bool) -> None:
    """Print the routes that take the study, and with ``show_why`` what became of each."""
    from rich.console import Console

    from overread.errors import printable

    console = Console(highlight=False, soft_wrap=True)
    steps, seen = routed(config, files_of(config, study), sender=sender)
    if show_why:
        for line in explain(steps, seen):
            console.print(printable(line), markup=False)
    names = {d.name for d in config.destinations}
    for step in steps:
        if step.taken:
            to = (
                "nobody, it is a shadow"
                if step.route.shadow
                else ", ".join(step.route.destinations or sorted(names))
            )
            console.print(printable(f"{step.route.name}: {step.route.package.name} to {to}"), markup=False)
    if not show_why and not any(s.taken for s in steps):
        console.print("no route takes this study", markup=False)
