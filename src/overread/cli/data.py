"""The data's door: de-identification and imports."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cli.app import Out, app
from overread.cohort.adapters.registry import ADAPTERS, Adapter
from overread.cohort.adapters.registry import run as run_adapter

imports = typer.Typer(no_args_is_help=True, help="Make a cohort folder from data in a known layout.")
app.add_typer(imports, name="import")


@app.command("deidentify")
def deidentify_(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, folders or zips.")],
    out: Out,
    key: Annotated[Path, typer.Option("--key", help="Key file; made where there is none. Keep it secret.")],
    option: Annotated[
        Optional[list[str]],
        typer.Option("--option", help="Option of PS3.15 annex E by name; may be given several times."),
    ] = None,
    regions: Annotated[
        Optional[Path], typer.Option("--regions", help="YAML file of burned-in regions to blank.")
    ] = None,
    map_file: Annotated[
        Optional[Path], typer.Option("--map", help="Write what became of whom here; keep it apart.")
    ] = None,
    passphrase_file: Annotated[
        Optional[Path],
        typer.Option("--map-passphrase-file", help="Encrypt the map with this file's first line."),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--map-passphrase", help="Encrypt the map; ask for the passphrase.")
    ] = False,
    allow_burned_in: Annotated[
        bool, typer.Option("--allow-burned-in", help="Let pass files that declare burned-in text.")
    ] = False,
    allow_video: Annotated[
        bool, typer.Option("--allow-video", help="Let pass video, whose pictures nobody looks at.")
    ] = False,
    withhold_undeclared: Annotated[
        bool,
        typer.Option(
            "--withhold-undeclared",
            help="Withhold ultrasound, captures, photographs and endoscopy that do not declare to be free of text.",
        ),
    ] = False,
) -> None:
    """De-identify DICOM by the Basic Profile of PS3.15 annex E and its options; moved dates, new UIDs."""
    from overread.deidentify.command import deidentify_command

    deidentify_command(
        paths,
        out,
        key,
        option or [],
        regions,
        map_file,
        passphrase_file,
        ask,
        allow_burned_in,
        allow_video,
        withhold_undeclared,
    )


@app.command()
def reveal(
    map_file: Annotated[Path, typer.Argument(metavar="MAP", help="Map that `overread deidentify` wrote.")],
    find: Annotated[Optional[str], typer.Option("--find", help="Only what belongs to this value.")] = None,
    passphrase_file: Annotated[
        Optional[Path], typer.Option("--passphrase-file", help="Its first line opens an encrypted map.")
    ] = None,
) -> None:
    """Say who is who, from the map of a de-identification."""
    from overread.deidentify.command import reveal_command

    reveal_command(map_file, find, passphrase_file)


@imports.command("medmnist")
def import_medmnist(file: Annotated[Path, typer.Argument(metavar="FILE.npz")], out: Out) -> None:
    """From a MedMNIST .npz file, keeping its official splits."""
    from overread.cohort.adapters.medmnist import import_medmnist as make

    make(file, out)


@imports.command("nifti")
def import_nifti(
    images: Annotated[Path, typer.Argument(help="Folder of NIfTI images (MSD layout: imagesTr).")],
    labels: Annotated[Path, typer.Argument(help="Folder of NIfTI label maps (MSD layout: labelsTr).")],
    out: Out,
) -> None:
    """From a folder of NIfTI images and one of label maps with the same names (Medical Segmentation Decathlon)."""
    from overread.cohort.adapters.nifti import import_nifti as make

    make(images, labels, out)


@imports.command("pairs")
def import_pairs(
    images: Annotated[Path, typer.Argument(help="Folder of 2D images (PNG, JPEG, TIFF).")],
    labels: Annotated[Path, typer.Argument(help="Folder of label images; may be the same.")],
    out: Out,
    mask_pattern: Annotated[
        Optional[str],
        typer.Option(
            "--mask-pattern",
            help="How label images are named, such as '{name}_mask'; guessed and said without it.",
        ),
    ] = None,
    foreground: Annotated[
        Optional[str],
        typer.Option(
            "--foreground", help="Every non-zero label is this one class (instance masks become semantic)."
        ),
    ] = None,
) -> None:
    """From a folder of 2D images and one of label images whose names go together (X.png and X_mask.png)."""
    from overread.cohort.adapters.pairs import import_pairs as make

    make(images, labels, out, foreground, mask_pattern)


@imports.command("virtual")
def import_virtual(
    out: Out,
    patients: Annotated[int, typer.Option("--patients", min=3, help="How many virtual patients.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Seed: the same seed gives the same patients.")] = 0,
) -> None:
    """Make virtual patients: brain MR with white-matter lesions of known extent."""
    from overread.cohort.virtual.cohort import make_virtual_cohort

    make_virtual_cohort(out, patients=patients, seed=seed)


def _import_command(name: str, adapter: Adapter) -> None:
    """Add the command `overread import NAME FOLDER --out DIR` with the adapter's own options."""

    def make(folder: Path, out: Path, **options: Optional[str]) -> None:
        run_adapter(name, folder, out, **options)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            "folder", kind, annotation=Annotated[Path, typer.Argument(help="The data set as published.")]
        ),
        inspect.Parameter("out", kind, annotation=Out),
    ]
    for option, text in adapter.options.items():
        hint = Annotated[Optional[str], typer.Option(f"--{option}", help=text)]
        parameters.append(inspect.Parameter(option, kind, default=None, annotation=hint))
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    make.__annotations__ = {p.name: p.annotation for p in parameters}
    imports.command(name, help=adapter.help)(make)


for _name, _adapter in ADAPTERS.items():
    _import_command(_name, _adapter)


@app.command("radiomics")
def radiomics_(
    paths: Annotated[
        list[Path], typer.Argument(help="An image and its mask, or a folder with a cohort.csv.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Table to write (CSV).")],
    bin_width: Annotated[
        Optional[float],
        typer.Option("--bin-width", help="Width of a grey level; 25 where no number of bins is given."),
    ] = None,
    bins: Annotated[
        Optional[int], typer.Option("--bins", help="So many grey levels in each structure instead.")
    ] = None,
) -> None:
    """Radiomics features (IBSI: shape, first order, texture) of each structure of a mask, as a table."""
    from overread.cohort.radiomics import radiomics_command

    rows = radiomics_command(paths, out, bin_width=bin_width, bins=bins)
    typer.echo(f"{out}: {rows} structure{'s' if rows != 1 else ''}.")
