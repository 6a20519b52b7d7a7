"""predict on the command line: one image, one package, one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.grid.geometry import stack
from overread.imaging.read import read
from overread.pipeline.workspace import console
from overread.runtime.package import Package
from overread.runtime.predict import predict


def answer(package: Path, images: Sequence[Path], mask: Path | None) -> None:
    """Print what ``package`` says of the image whose channels are ``images``; write the segmentation to ``mask``."""
    loaded = Package.load(package)
    manifest = loaded.manifest
    files = 1 if manifest.preprocess.color != "as_is" else len(manifest.channels)
    if len(images) != files:
        names = ", ".join(c.name for c in manifest.channels)
        raise InputError(f"{package}: expects {files} image file(s) ({names}), found {len(images)}")
    parts = [read(p) for p in images]
    image = parts[0] if len(parts) == 1 else stack(parts, [c.name for c in manifest.channels])
    prediction = predict(loaded, image)
    console.print(
        f"{manifest.name} {manifest.version} ({loaded.sha256[:12]}), research use only", highlight=False
    )
    console.print(prediction.summary(), highlight=False)
    for note in prediction.notes:
        console.print(f"  note: {note}", highlight=False)
    if mask is None:
        return
    if prediction.mask is None:
        raise InputError(f"{package}: gave no segmentation for this image, so {mask} was not written")
    if prediction.mask.ndim == 3:
        write_nifti(mask, prediction.mask, image.affine)
    else:
        write_png(mask, prediction.mask)
    console.print(f"  segmentation: {mask}")
