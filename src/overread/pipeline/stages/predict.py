"""predict on the command line: one package; one image and what is found in it, or many and a line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import assert_never

from overread.errors import InputError, OverreadError, printable
from overread.files import write_text
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.grid.geometry import stack
from overread.imaging.image import Image
from overread.imaging.read import read
from overread.pipeline.glances import note_glances
from overread.pipeline.stages.predict_many import Asked, asked, asked_one, files_of, line_of, write_answers
from overread.pipeline.workspace import console
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_files import to_files
from overread.runtime.memory import bytes_of, check_memory
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Prediction


def predict_command(
    package: Path,
    images: Sequence[Path],
    *,
    mask: Path | None = None,
    json_file: Path | None = None,
    out: Path | None = None,
    memory: str | None = None,
) -> None:
    """Print what ``package`` says of the image whose channels are ``images``, or of each of many (see `asked`).

    ``mask`` receives the segmentation of one image, ``json_file`` its answer without its arrays; ``out`` is a folder
    for answers.csv and each image's JSON and segmentation. ``memory`` is the most that an answer may take (`bytes_of`).

    Raises
    ------
    InputError
        The number of images is not the package's, or there is no segmentation to write.
    OverreadError
        Of many, some could not be answered: the others were.
    """
    most = None if memory is None else bytes_of(memory)
    loaded = Package.load(package)
    manifest = loaded.manifest
    several = asked(loaded, images)
    if several is not None and (mask is not None or json_file is not None):
        raise InputError(
            f"--mask and --json are for one image, found {len(several)}; --out DIR takes them all"
        )
    if several is None and len(images) != files_of(loaded):
        names = ", ".join(c.name for c in manifest.channels)
        raise InputError(
            f"{package}: expects {files_of(loaded)} image file(s) ({names}), found {len(images)}"
        )
    console.print(
        f"{manifest.name} {manifest.version} ({loaded.sha256[:12]}), research use only", highlight=False
    )
    _note(loaded, images if several is None else [file for case in several for file in case.files])
    if several is not None:
        _many(loaded, several, out, most)
        return
    image, prediction = _answered(loaded, images, most)
    console.print(prediction.summary(), highlight=False)
    for note in prediction.notes:
        console.print(f"  note: {note}", highlight=False)
    if out is not None:
        name = asked_one(images).name
        json_file = json_file or out / f"{name}.json"
        mask = mask or (_mask_path(out, name, prediction.answer) if prediction.answer is not None else None)
    if json_file is not None:
        _write_json(json_file, prediction, loaded)
        console.print(f"  answer: {json_file}", highlight=False)
    if mask is not None:
        _write_mask(mask, prediction.answer, image, package)
        console.print(f"  segmentation: {mask}", highlight=False)


def _note(package: Package, images: Sequence[Path]) -> None:
    """Count a look at test images, and say so."""
    try:
        seen = note_glances(package.path, package.sha256, images)
    except OverreadError as error:
        console.print(
            f"  [yellow]Whether these are test cases could not be counted: {error}", highlight=False
        )
        return
    if seen:
        console.print(
            f"  [yellow]{seen} of these are test cases of a protocol: its ledger counts this as a look, and what its "
            "test then shows is exploratory.",
            highlight=False,
        )


def _many(package: Package, cases: Sequence[Asked], out: Path | None, most: int | None) -> None:
    """A line for each; one that cannot be read is said and the others go on."""
    rows, failed = [], 0
    for case in cases:
        try:
            image, prediction = _answered(package, case.files, most)
        except OverreadError as error:
            failed += 1
            outcome, said, notes = "not read", line_of(error), ""
        else:
            outcome, said = prediction.outcome.value, " ".join(prediction.summary().split())
            notes = "; ".join(prediction.notes)
            if out is not None:
                _write_json(out / f"{case.name}.json", prediction, package)
                path = _mask_path(out, case.name, prediction.answer)
                if path is not None:
                    _write_mask(path, prediction.answer, image, package.path)
        console.print(f"{case.name}: {printable(said)}", highlight=False, markup=False)
        rows.append({"case": case.name, "outcome": outcome, "answer": said, "notes": notes})
    if out is not None:
        write_answers(out / "answers.csv", rows)
        console.print(f"  answers: {out / 'answers.csv'}", highlight=False)
    if failed:
        raise OverreadError(f"{failed} of {len(cases)} images could not be read; the others were answered")


def _answered(package: Package, files: Sequence[Path], most: int | None) -> tuple[Image, Prediction]:
    parts = [read(p) for p in files]
    names = [c.name for c in package.manifest.channels]
    image = parts[0] if len(parts) == 1 else stack(parts, names)
    check_memory(image, package.manifest, most)
    return image, predict(package, image)


def _write_json(path: Path, prediction: Prediction, package: Package) -> None:
    content = {
        "outcome": prediction.outcome.value,
        "breaches": [vars(b) for b in prediction.breaches],
        "answer": to_files(prediction.answer)[0] if prediction.answer is not None else None,
        "package": package.sha256,
        "computed": None if prediction.computed is None else asdict(prediction.computed),
    }
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _mask_path(out: Path, name: str, answer: Answer | None) -> Path | None:
    """Where the segmentation goes; None where the answer has none."""
    match answer:
        case LabelMap():
            return out / f"{name}{'.nii.gz' if answer.mask.ndim == 3 else '.png'}"
        case None | Classes() | Findings() | Value() | Objects():
            return None
        case _:
            assert_never(answer)


def _write_mask(path: Path, answer: Answer | None, image: Image, package: Path) -> None:
    match answer:
        case LabelMap():
            if answer.mask.ndim == 3:
                write_nifti(path, answer.mask, image.affine)
            else:
                write_png(path, answer.mask)
        case None | Classes() | Findings() | Value() | Objects():
            raise InputError(f"{package}: gave no segmentation for this image, so {path} was not written")
        case _:
            assert_never(answer)
