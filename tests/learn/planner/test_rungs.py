"""From coarse pictures and a narrow network to fine ones and a wide one, as far as the objects allow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.learn.looks import look, room

from overread.learn.planner.rungs import allowed_zooms, passes, rungs


def seen(shape: tuple[int, ...], extent: float, width: float, around: float = 300.0):
    return replace(
        look(shape, (1.0,) * len(shape)),
        extent_mm={"thing": {"p5": extent / 2, "p50": extent, "p95": extent, "typical": extent}},
        width_mm={"background": around, "thing": width},
    )


HEAD, VESSELS, NUCLEI = seen((270, 400), 178, 73), seen((960, 999), 301, 5.8), seen((256, 256), 46, 9)


@pytest.mark.parametrize(
    ("extents", "widths", "zooms"),
    [
        ([178], [73, 390], [1 / 4, 1 / 2, 1]),
        ([301], [5.8, 80], [1]),
        ([301], [8, 80], [1 / 2, 1]),
        ([46], [9, 80], [1]),
        ([300, 40], [100, 100], [1]),
        ([1000], [7, 400], [1]),
        ([], [], [1]),
    ],
)
def test_what_is_thin_or_small_stays_visible(extents, widths, zooms) -> None:
    assert allowed_zooms(extents, widths) == zooms


def test_cheapest_first() -> None:
    found = [(r.zoom, r.first_stride, r.first_width) for r in rungs(HEAD, room(2), "label_map")]
    assert found == [(0.25, 2, 16), (0.5, 2, 16), (1, 2, 16), (1, 1, 16), (1, 1, 32)]
    assert [r.zoom for r in rungs(VESSELS, room(2), "label_map")] == [1, 1, 1]
    assert rungs(VESSELS, room(2), "label_map")[0].first_stride == 2


def test_specks_are_seen_at_full_resolution() -> None:
    assert all(
        r.first_stride == 1 and r.zoom == 1 for r in rungs(seen((256, 256), 6, 2), room(2), "label_map")
    )


def test_others_have_one_way() -> None:
    volume = seen((96, 96, 60), 60, 20)
    for look_, room_, answer in (
        (volume, room(3), "label_map"),
        (HEAD, room(2, gpu=True), "label_map"),
        (HEAD, room(2), "classes"),
        (look((270, 400), (1, 1)), room(2), "label_map"),
    ):
        assert rungs(look_, room_, answer) == [room_]


def test_spacing_of_pictures_that_have_one() -> None:
    fine = replace(
        HEAD, median_spacing=(0.1, 0.1), extent_mm={"thing": {"typical": 17.8}}, width_mm={"thing": 7.3}
    )
    assert rungs(fine, room(2), "label_map") == rungs(HEAD, room(2), "label_map")


def test_passes() -> None:
    assert passes(steps=100, batch=8, patch=100, cases=80, image=100) == 10
    assert passes(steps=100, batch=8, patch=50, cases=80, image=100) == 5
    # What lies beyond the image shows nothing.
    assert passes(steps=100, batch=8, patch=400, cases=80, image=100) == 10


def test_whole_volumes_begin_with_a_strided_first_layer() -> None:
    small = look((28, 28, 28), (1.0, 1.0, 1.0))
    found = rungs(small, room(3), "classes")
    assert [(r.first_stride, r.first_width) for r in found] == [(2, None), (1, 16), (1, None)]
    # A GPU has time enough; what starts from weights has its network; pictures cost little.
    assert rungs(small, replace(room(3), gpu=True), "classes") == [replace(room(3), gpu=True)]
    assert len(rungs(small, replace(room(3), weights="resnet18"), "value")) == 1
    assert len(rungs(look((28, 28), (1.0, 1.0)), room(2), "findings")) == 1
