"""What the commands import-model and export-model print."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from overread.bridge.import_model import import_model
from overread.errors import InputError
from overread.runtime.package import Package


def import_command(
    source: Path,
    out: Path,
    *,
    settings: Path | None,
    configuration: str | None,
    folds: str | None,
    checkpoint: str | None,
    orientation: str | None,
    intended_use: str,
) -> None:
    """Import, and say what was made, what it came from and what nobody has tested. Raises as `import_model`."""
    numbers = None
    if folds is not None:
        try:
            numbers = [int(n) for n in folds.split(",")]
        except ValueError as error:
            raise InputError(f"--folds: found {folds!r}, expected numbers such as 0,1,2") from error
    package = import_model(
        source,
        out,
        settings=settings,
        configuration=configuration,
        folds=numbers,
        checkpoint=checkpoint,
        orientation=orientation,
        intended_use=intended_use,
    )
    for line in imported_lines(package):
        Console().print(line, highlight=False, soft_wrap=True)


def imported_lines(package: Package) -> list[str]:
    """What there is to say of an imported package, a line each."""
    manifest, card = package.manifest, package.manifest.model_card
    origin, networks = card["imported_from"], len(package.networks)
    found = card["difference_from_origin"]
    apart = (
        "" if found is None else f"; outputs within {found:.1e} of the origin's on 2 inputs drawn at random"
    )
    several = f"{networks} networks together" if networks > 1 else "one network"
    return [
        f"{package.path}: {manifest.name} {manifest.version}, {manifest.task}, {several}{apart}.",
        f"  From {origin['framework']}; licence: {origin['licence']}.",
        f"  Labels: {', '.join(manifest.labels)}. Channels: {', '.join(c.name for c in manifest.channels)}.",
        f"  [yellow]Validated: {card['validated']}.",
        *(f"  [yellow]Note: {note}." for note in card["differs_from_origin_in"]),
    ]


def export_command(package: Path, form: str, out: Path) -> None:
    """Export, and say what was written. Raises as `export_model`."""
    from overread.bridge.export import export_model

    made = export_model(Package.load(package), form, out)
    console = Console()
    console.print(f"{out}: {', '.join(made.files)}.", highlight=False, soft_wrap=True)
    if made.difference is not None:
        console.print(
            f"  The PyTorch network's outputs lie within {made.difference:.1e} of the package's on inputs drawn at "
            "random.",
            highlight=False,
            soft_wrap=True,
        )
    for note in made.notes:
        console.print(f"  [yellow]Note: {note}.", highlight=False, soft_wrap=True)
