"""Objects made of a small study, for the tests of the results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from overread.clinic.results.codes import LabelCodes
from overread.clinic.results.failure import Failure
from overread.clinic.results.material import Material
from overread.clinic.results.names import OBJECT_NAMES, PLACES
from overread.clinic.results.objects import make_objects, mask_of
from overread.clinic.results.seg import make_seg
from overread.clinic.results.settings import Results
from overread.clinic.results.source import Run, read_headers
from overread.clinic.results.sr import make_sr
from overread.imaging.dicom.series import read_series
from overread.imaging.image import Image
from overread.runtime.answer import Answer, LabelMap, Measurement
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome, Prediction

RUN = Run("0" * 32, datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), "RESEARCH", "17")


def save(dataset: Dataset, path: Path) -> None:
    """Write a DICOM file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def in_slice_order(files: Sequence[Path]) -> tuple[Image, list[Path], list[Dataset]]:
    """The image of a series, and its files and headers in the image's slice order."""
    image = read_series(list(files))
    by_uid = {str(h.SOPInstanceUID): (f, h) for f, h in zip(files, read_headers(files), strict=True)}
    ordered = [by_uid[uid] for uid in image.source["SOPInstanceUIDs"]]
    return image, [f for f, _ in ordered], [h for _, h in ordered]


def objects(
    package: Package,
    files: Sequence[Path],
    out: Path,
    result: Prediction | Failure | Answer | None = None,
    label_codes: LabelCodes | None = None,
) -> dict[str, Path]:
    """SEG (where there is a mask) and SR of a series answered by a package, or with a given result, as files."""
    image, files, headers = in_slice_order(files)
    if result is None:
        result = predict(package, image)
    elif not isinstance(result, (Prediction, Failure)):
        result = given(package, result, image.spatial)
    made: dict[str, Path] = {}
    seg, mask = None, mask_of(result)
    if mask is not None and mask.any():
        seg = make_seg(mask, package, files, headers, RUN)
        made["seg"] = out / "seg.dcm"
        save(seg, made["seg"])
    made["sr"] = out / "sr.dcm"
    save(make_sr(result, package, files, headers, RUN, seg=seg, label_codes=label_codes), made["sr"])
    return made


def given(package: Package, answer: Answer, spatial: tuple[int, ...]) -> Prediction:
    """A prediction with this answer."""
    m = package.manifest
    return Prediction(
        Outcome.OK, m.task, m.name, m.version, package.sha256, answer=answer, quality={"size": list(spatial)}
    )


def given_mask(mask: np.ndarray, *measurements: Measurement) -> LabelMap:
    """An answer with this mask."""
    return LabelMap(mask.astype(np.uint8), measurements)


def material(
    package: Package,
    files: Sequence[Path],
    result: Prediction | Failure | None = None,
    **settings: Any,
) -> Material:
    """What every object of a series is made of, all objects wanted."""
    image, files, headers = in_slice_order(files)
    return Material(
        result=predict(package, image, maps=True) if result is None else result,
        package=package,
        files=files,
        headers=headers,
        run=RUN,
        read=lambda: read_series(list(files)),
        settings=Results.model_validate({"objects": OBJECT_NAMES, **settings}),
    )


def all_objects(made_of: Material, out: Path) -> dict[str, Path]:
    """Every object of the material by its name, as files; none may have failed."""
    made = make_objects(made_of)
    assert made.faults == []
    names = {place.file: name for name, place in PLACES.items()}
    for file, dataset in made.datasets.items():
        save(dataset, out / file)
    return {names[file]: out / file for file in made.datasets}
