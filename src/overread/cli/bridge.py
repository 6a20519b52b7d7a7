"""The bridge, for whoever brings a model in or takes one out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from overread.cli.app import app


@app.command("import-model")
def import_model(
    source: Annotated[
        Path,
        typer.Argument(
            help="A MONAI bundle or a results folder of nnU-Net v2 (or a zip of either), an ONNX or TorchScript file."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The package to write (.overread).")],
    settings: Annotated[
        Optional[Path],
        typer.Option(
            "--settings", help="YAML that says what an ONNX or TorchScript file is; else the one beside it."
        ),
    ] = None,
    configuration: Annotated[
        Optional[str], typer.Option("--configuration", help="Of nnU-Net: 3d_fullres, 3d_lowres or 2d.")
    ] = None,
    folds: Annotated[
        Optional[str], typer.Option("--folds", help="Of nnU-Net: which folds answer together, such as 0,1,2.")
    ] = None,
    checkpoint: Annotated[
        Optional[str], typer.Option("--checkpoint", help="Of nnU-Net: checkpoint_final.pth without it.")
    ] = None,
    orientation: Annotated[
        Optional[str],
        typer.Option("--orientation", help="Of nnU-Net: the axes that all training images had, such as LPS."),
    ] = None,
    intended_use: Annotated[
        str, typer.Option("--intended-use", help="For whom and what for; it stands in the package.")
    ] = "",
) -> None:
    """Make a package of a model that was made elsewhere; it answers as its origin does."""
    from overread.bridge.commands import import_command

    import_command(
        source,
        out,
        settings=settings,
        configuration=configuration,
        folds=folds,
        checkpoint=checkpoint,
        orientation=orientation,
        intended_use=intended_use,
    )


@app.command("export-model")
def export_model(
    package: Annotated[Path, typer.Argument(help="Package folder or .overread file.")],
    form: Annotated[str, typer.Option("--as", help="torch, monai-bundle or map.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make.")],
) -> None:
    """Write a package's network as plain PyTorch, as a MONAI bundle, or as a MONAI application package's folder."""
    from overread.bridge.commands import export_command

    export_command(package, form, out)
