"""Further measures on the test: columns of a case, errors where the structure is, intervals that hold as said."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import SIZE, manifest_of

from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.measured import KEYS, measure_spreads, offered_measures, taken_of
from overread.evaluate.run import evaluation_of, offered
from overread.evaluate.tasks import segmentation
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap, Measurement

LABELS = ["background", "tumour"]
MEASURES = {"tumour": ["long_axis"]}


def _row(number: int, true: int, found: int) -> dict:
    """A bar of so many pixels of half a millimetre, found as another one, with an interval of a millimetre."""
    truth, mask = np.zeros((2, SIZE, SIZE), np.uint8)
    truth[4, 2 : 2 + true] = 1
    mask[4, 2 : 2 + found] = 1
    stated = (Measurement("tumour", "long axis", found / 2, found / 2 - 1, found / 2 + 1, "mm"),)
    image = Image(np.zeros((1, SIZE, SIZE), np.float32), np.diag([0.5, 0.5, 1, 1]))
    about = {"case": f"c{number}", "patient": f"p{number}", "outcome": "ok"}
    manifest = manifest_of("segmentation", LABELS, measures=MEASURES)
    return about | segmentation.row(LabelMap(mask, stated), truth, image, manifest)


def test_errors_are_of_the_cases_that_show_it_a_miss_as_long_as_nothing() -> None:
    rows = [_row(i, *pair) for i, pair in enumerate([(10, 12), (10, 9), (10, 0), (0, 6), (16, 18), (8, 8)])]
    assert rows[0]["long_axis_true_tumour"] == pytest.approx(5)
    manifest = manifest_of("segmentation", LABELS, measures=MEASURES)
    found = evaluation_of(rows, manifest)
    error, absolute, held = (found.of(f"long_axis_{k}", "tumour") for k in ("error", "abs_error", "coverage"))
    assert error is not None and absolute is not None and held is not None
    assert error.interval.estimate == pytest.approx((1 - 0.5 - 5 + 1 + 0) / 5) and error.interval.n == 5
    assert absolute.interval.estimate == pytest.approx(1.5) and absolute.unit == "mm"
    assert held.interval.estimate == pytest.approx(4 / 5)


def test_goals_can_be_set_for_declared_measures_only() -> None:
    pairs = offered(segmentation, LABELS, None, [], MEASURES)
    assert {(m.key, k) for m, k in offered_measures(MEASURES)} <= {(m.key, k) for m, k in pairs}
    without = {m.key for m, _ in offered(segmentation, LABELS, None, [])}
    assert not without & KEYS


def test_spreads_go_by_what_was_found() -> None:
    """Small ones are off by larger shares: limits of one kind for all would be too wide for the others."""
    generator = np.random.default_rng(0)
    size = generator.uniform(1, 10, 90)
    found = size * np.exp(generator.normal(0, 0.3 / size))
    taken = [
        ({"long_axis": f, "centroid_x": f}, {"long_axis": s, "centroid_x": s})
        for f, s in zip(found, size, strict=True)
    ]
    spreads = measure_spreads(taken, found, ["long_axis", "centroid_x"], None)
    small, *_, large = spreads["long_axis"]
    assert large.high - large.low < 0.5 * (small.high - small.low)
    assert all(part.offset == 0 for part in spreads["centroid_x"])


def test_a_pair_measures_on_its_own_grid() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[2, 1:5] = 1
    pair = MaskPair.of(mask, mask, Image(np.zeros((1, 8, 8), np.float32), np.diag([2.0, 3, 1, 1])), {})
    assert taken_of(pair.found == 1, pair, ["long_axis"])["long_axis"] == pytest.approx(12)
