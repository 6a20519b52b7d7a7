"""predict on the command line: one image, one package, one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from overread.errors import InputError
from overread.files import write_text
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.grid.geometry import stack
from overread.imaging.image import Image
from overread.imaging.read import read
from overread.pipeline.workspace import console
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects
from overread.runtime.answer_files import to_files
from overread.runtime.package import Package
from overread.runtime.predict import predict


def predict_command(
    package: Path, images: Sequence[Path], *, mask: Path | None, json_file: Path | None
) -> None:
    """Print what ``package`` says of the image whose channels are ``images``.

    ``mask`` receives a segmentation, ``json_file`` any answer without its arrays. Raises InputError where the number of
    images is not the package's, or there is no segmentation to write.
    """
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
    if json_file is not None:
        content = {
            "outcome": prediction.outcome.value,
            "breaches": [vars(b) for b in prediction.breaches],
            "answer": to_files(prediction.answer)[0] if prediction.answer is not None else None,
            "package": loaded.sha256,
        }
        write_text(json_file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        console.print(f"  answer: {json_file}")
    if mask is not None:
        _write_mask(mask, prediction.answer, image, package)
        console.print(f"  segmentation: {mask}")


def _write_mask(path: Path, answer: Answer | None, image: Image, package: Path) -> None:
    match answer:
        case LabelMap():
            if answer.mask.ndim == 3:
                write_nifti(path, answer.mask, image.affine)
            else:
                write_png(path, answer.mask)
        case None | Classes() | Findings() | Objects():
            raise InputError(f"{package}: gave no segmentation for this image, so {path} was not written")
        case _:
            assert_never(answer)
