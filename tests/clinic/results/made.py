"""Objects made of a small study, for the tests of the results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from overread.clinic.results.groups import Failure
from overread.clinic.results.seg import make_seg
from overread.clinic.results.source import Run, read_headers
from overread.clinic.results.sr import make_sr
from overread.clinic.work import save
from overread.imaging.dicom.series import read_series
from overread.imaging.image import Image
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome, Prediction

RUN = Run("0" * 32, datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), "RESEARCH", "17")


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
    answer: Prediction | Failure | None = None,
    run: Run = RUN,
) -> dict[str, Path]:
    """SEG (where there is a mask) and SR of a series answered by a package, as files."""
    image, files, headers = in_slice_order(files)
    answer = predict(package, image) if answer is None else answer
    made: dict[str, Path] = {}
    seg = None
    if isinstance(answer, Prediction) and answer.mask is not None and answer.mask.any():
        seg = make_seg(answer.mask, package, files, headers, RUN)
        made["seg"] = out / "seg.dcm"
        save(seg, made["seg"])
    made["sr"] = out / "sr.dcm"
    save(make_sr(answer, package, files, headers, RUN, seg), made["sr"])
    return made


def given_mask(package: Package, mask: np.ndarray) -> Prediction:
    """A prediction with this mask and no measurement."""
    m = package.manifest
    return Prediction(Outcome.OK, m.task, m.name, m.version, package.sha256, mask=mask.astype(np.uint8))
