"""overread import-model: a MONAI bundle, an nnU-Net v2 folder, an ONNX or a TorchScript file becomes a package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overread.bridge.bundle.read import from_bundle, is_bundle
from overread.bridge.imported import Imported
from overread.bridge.nnunet.folder import from_nnunet, is_nnunet
from overread.bridge.single import SUFFIXES, from_file
from overread.bridge.source import opened
from overread.bridge.write import write_imported
from overread.errors import InputError
from overread.runtime.package import Package


def import_model(
    source: str | Path,
    out: str | Path,
    *,
    settings: Path | None = None,
    configuration: str | None = None,
    folds: Sequence[int] | None = None,
    checkpoint: str | None = None,
    orientation: str | None = None,
    intended_use: str = "",
) -> Package:
    """Wrap a model made elsewhere into a package, which answers as its origin does.

    Parameters
    ----------
    source
        A MONAI bundle's folder or zip, a results folder of nnU-Net v2 or a zip of it, an ONNX or TorchScript file.
    out
        The package to write (``.overread``).
    settings
        Of an ONNX or TorchScript file: the YAML that says what it is (`overread.bridge.single.Settings`); by default
        the file beside it with the suffix ``.yaml``.
    configuration, folds, checkpoint
        Of nnU-Net: ``3d_fullres`` ..., which folds answer together (all that were trained), and which checkpoint.
    orientation
        Of nnU-Net: the axes that all training images had, such as ``LPS``, to which every image is turned.

    Raises
    ------
    InputError
        What the source holds cannot be said in a package, or its files would run code when they are read.
    OverreadError
        The converted network answers otherwise than the origin.
    """
    with opened(Path(source)) as place:
        model = _read(place, settings, configuration, folds, checkpoint, orientation)
        return write_imported(model, Path(out), intended_use=intended_use)


def _read(
    place: Path,
    settings: Path | None,
    configuration: str | None,
    folds: Sequence[int] | None,
    checkpoint: str | None,
    orientation: str | None,
) -> Imported:
    if place.is_file() and place.suffix.lower() in SUFFIXES:
        return from_file(place, settings or place.with_suffix(".yaml"))
    if is_bundle(place):
        return from_bundle(place)
    if is_nnunet(place):
        return from_nnunet(
            place,
            configuration=configuration,
            folds=folds,
            checkpoint=checkpoint or "checkpoint_final.pth",
            orientation=orientation,
        )
    raise InputError(
        f"{place}: no model that is known; expected a MONAI bundle (configs/metadata.json), a results folder of "
        f"nnU-Net v2 (dataset.json, plans.json, fold_0), or a file that ends in {', '.join(SUFFIXES)}"
    )
