"""Reading results back as a PACS user would: from the DICOM objects alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.imaging.dicom import read_series
from overread.imaging.geometry import resample_to
from overread.imaging.image import Image


def report_lines(report: Dataset) -> list[str]:
    """Measurements and coded findings of an SR's content tree, indented by depth."""
    return list(_lines(report.ContentSequence, 0))


def _lines(items: Any, depth: int) -> Iterator[str]:
    for item in items:
        name = item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""
        text = None
        if item.ValueType == "NUM" and item.MeasuredValueSequence:
            value = item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            text = f"{name}: {float(value.NumericValue):.4g} {'' if unit == '1' else unit}".rstrip()
        elif item.ValueType == "CODE" and depth > 1:
            text = f"{name}: {item.ConceptCodeSequence[0].CodeMeaning}"
        if text:
            yield "  " * max(0, depth - 2) + text
        if "ContentSequence" in item:
            yield from _lines(item.ContentSequence, depth + 1)


def read_segmentation(segmentation: Dataset, series: Path, grid: Image) -> NDArray[np.bool_]:
    """The first segment of a binary SEG over the source ``series``, on ``grid``."""
    source = read_series(series)
    place = {uid: k for k, uid in enumerate(source.source["SOPInstanceUIDs"])}
    mask = np.zeros(source.spatial, np.uint8)
    frames = segmentation.pixel_array
    frames = frames[None] if frames.ndim == 2 else frames
    for frame, item in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        if item.SegmentIdentificationSequence[0].ReferencedSegmentNumber != 1:
            continue
        uid = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        mask[:, :, place[uid]] = frame.T
    moved = resample_to(Image(mask[None], source.affine), grid.spatial, grid.affine, order=0)
    return moved.array[0] > 0
