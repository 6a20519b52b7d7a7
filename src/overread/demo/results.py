"""Reading results back as a PACS user would: from the DICOM objects alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.imaging.dicom.series import read_series
from overread.imaging.grid.geometry import resample_to
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
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue.strip("{}")
            text = f"{name}: {float(value.NumericValue):.4g} {'' if unit == '1' else unit}".rstrip()
        elif item.ValueType == "CODE" and depth > 1:
            text = f"{name}: {item.ConceptCodeSequence[0].CodeMeaning}"
        if text:
            yield "  " * max(0, depth - 2) + text
        if "ContentSequence" in item:
            yield from _lines(item.ContentSequence, depth + 1)


def read_segmentation(segmentation: Dataset, series: Path, grid: Image) -> NDArray[np.bool_]:
    """The first segment of a binary SEG over the source ``series``, on ``grid``."""
    from highdicom.seg import Segmentation

    source = read_series(series)
    frames = Segmentation.from_dataset(segmentation).get_pixels_by_source_instance(
        source.source["SOPInstanceUIDs"],
        segment_numbers=[1],
        assert_missing_frames_are_empty=True,
        ignore_spatial_locations=True,
    )
    mask = Image(np.ascontiguousarray(frames[..., 0].transpose(2, 1, 0))[None], source.affine)
    return resample_to(mask, grid.spatial, grid.affine, order=0).array[0] > 0
