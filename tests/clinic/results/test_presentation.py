"""GSPS: outlines and boxes in pixels of the image that they were found on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import (
    BRIGHT,
    BRIGHT_BOX,
    write_classifier,
    write_detector,
    write_segmenter,
    write_series,
)

from overread.clinic.results.presentation import outlines
from overread.runtime.package import Package


def presentation(tmp_path: Path, package: Package, **attributes: str) -> Dataset:
    files = write_series(tmp_path / "in", **attributes)
    made = all_objects(material(package, files, objects=["presentation"]), tmp_path / "out")
    return dcmread(made["presentation"])


def extents(ds: Dataset) -> dict[str, tuple[float, float, float, float]]:
    """By image: columns and rows from and to of its graphics."""
    found = {}
    for annotation in ds.GraphicAnnotationSequence:
        for graphic in annotation.get("GraphicObjectSequence", []):
            points = np.array(graphic.GraphicData).reshape(-1, 2)
            uid = str(annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID)
            found[uid] = (*points.min(axis=0), *points.max(axis=0))
    return found


def test_outline_runs_round_the_block(tmp_path: Path) -> None:
    found = extents(presentation(tmp_path, write_segmenter(tmp_path / "p.overread")))
    slices = range(BRIGHT[2].start, BRIGHT[2].stop)
    assert set(found) == {f"1.2.3.1.{k + 1}" for k in slices}
    columns, rows = BRIGHT[:2]
    # The line runs half a pixel within the outer edge of the region, or on it.
    for c0, r0, c1, r1 in found.values():
        assert (c0, r0) == pytest.approx((columns.start, rows.start), abs=0.5)
        assert (c1, r1) == pytest.approx((columns.stop, rows.stop), abs=0.5)


def test_boxes_lie_where_the_objects_are(tmp_path: Path) -> None:
    found = extents(presentation(tmp_path, write_detector(tmp_path / "p.overread")))
    (c0, r0, k0), (c1, r1, k1) = BRIGHT_BOX
    assert set(found) == {f"1.2.3.1.{k + 1}" for k in range(k0, k1)}
    for box in found.values():
        assert box == pytest.approx((c0, r0, c1, r1), abs=1e-3)


def test_an_answer_without_a_place_is_words_on_one_image(tmp_path: Path) -> None:
    ds = presentation(tmp_path, write_classifier(tmp_path / "p.overread"))
    (annotation,) = ds.GraphicAnnotationSequence
    assert "GraphicObjectSequence" not in annotation
    assert "bright" in annotation.TextObjectSequence[0].UnformattedTextValue
    assert len(ds.ReferencedSeriesSequence[0].ReferencedImageSequence) == 6


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_hold_every_pixel_of_the_region_and_no_other(region: np.ndarray) -> None:
    zoom = 10
    drawn = Image.new("1", (zoom * region.shape[1], zoom * region.shape[0]))
    inside = np.zeros((drawn.height, drawn.width), bool)
    for points in outlines(region):
        np.testing.assert_array_equal(points[0], points[-1])
        one = drawn.copy()
        ImageDraw.Draw(one).polygon([tuple(p) for p in zoom * points], fill=1)
        # Of a hole's line inside another's: what two lines hold is out again.
        inside ^= np.asarray(one)
    middles = inside[zoom // 2 :: zoom, zoom // 2 :: zoom]
    np.testing.assert_array_equal(middles, region)
