"""The way out of a package: plain PyTorch, a MONAI bundle, a MONAI application package's folder."""

from __future__ import annotations

from pathlib import Path

from overread.bridge.export.written import Written
from overread.errors import InputError
from overread.runtime.package import Package

FORMS = ("torch", "monai-bundle", "map")


def export_model(package: Package, form: str, out: str | Path) -> Written:
    """Write ``package`` as ``form`` into the new folder ``out``.

    Raises InputError for another form, a folder that is there already and holds something, and what the form cannot
    say; OverreadError where the written network answers otherwise than the package's.
    """
    out = Path(out)
    if form not in FORMS:
        raise InputError(f"--as: found {form!r}, expected {', '.join(FORMS)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; name a new folder")
    if form == "torch":
        from overread.bridge.export.plain_torch import write_torch

        return write_torch(package, out)
    if form == "monai-bundle":
        from overread.bridge.export.monai_bundle import write_bundle

        return write_bundle(package, out)
    from overread.bridge.export.application import write_application

    return write_application(package, out)
