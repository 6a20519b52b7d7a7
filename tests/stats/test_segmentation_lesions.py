"""Lesions and objects one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from overread.stats.segmentation import (
    components,
    dice,
    lesion_detection,
    lesion_wise_dice,
    panoptic_quality,
    panoptic_quality_by_class,
)

masks = arrays(bool, st.sampled_from([(7, 6), (4, 5, 4)]), elements=st.booleans())
both = masks.flatmap(lambda a: st.tuples(st.just(a), arrays(bool, a.shape, elements=st.booleans())))


def _lesions() -> tuple[NDArray, NDArray]:
    truth, pred = np.zeros((2, 20, 20, 20), dtype=np.uint8)
    truth[1:4, 1:4, 1:4] = 1  # found
    truth[10:13, 10:13, 10:13] = 1  # touched by one voxel
    truth[17, 17, 17] = 1  # missed
    pred[1:4, 1:4, 1:5] = 1
    pred[12:15, 12:15, 12:15] = 1
    pred[5, 15, 5] = 1  # false
    return pred, truth


def test_lesions_are_counted() -> None:
    pred, truth = _lesions()
    any_voxel = lesion_detection(pred, truth)
    assert (any_voxel.tp, any_voxel.fp, any_voxel.fn) == (2, 1, 1)
    assert any_voxel.f1 == pytest.approx(4 / 6)
    a_tenth = lesion_detection(pred, truth, min_overlap=0.1)
    assert (a_tenth.tp, a_tenth.fp, a_tenth.fn) == (1, 2, 2)


def test_lesions_of_empty_masks() -> None:
    pred, truth = _lesions()
    assert lesion_detection(truth * 0, truth * 0).f1 == 1
    assert lesion_detection(truth * 0, truth).fn == 3 and lesion_detection(truth * 0, truth).f1 == 0
    assert lesion_detection(pred, truth * 0).fp == 3 and lesion_detection(pred, truth * 0).f1 == 0


@pytest.mark.parametrize(("connectivity", "count"), [(6, 3), (18, 2), (26, 1)])
def test_lesion_connectivity(connectivity: int, count: int) -> None:
    truth = np.zeros((4, 4, 4), dtype=bool)
    truth[0, 0, 0] = truth[0, 1, 1] = truth[1, 2, 2] = True
    assert lesion_detection(truth, truth, connectivity=connectivity).tp == count  # type: ignore[arg-type]


def test_lesions_in_two_dimensions() -> None:
    truth = np.eye(3, dtype=bool)
    assert lesion_detection(truth, truth).tp == 1
    assert lesion_detection(truth, truth, connectivity=4).tp == 3
    with pytest.raises(ValueError, match="connectivity 18"):
        lesion_detection(truth, truth, connectivity=18)


@given(both.filter(lambda pair: pair[0].ndim == 3), st.floats(0, 1))
def test_lesion_counts_agree_with_scipy(pair: tuple[NDArray, NDArray], share: float) -> None:
    from scipy.ndimage import label

    pred, truth = pair
    sums = []
    for mask, other in ((truth, pred), (pred, truth)):
        components, count = label(mask, np.ones((3, 3, 3)))
        parts = [other[components == k + 1] for k in range(count)]
        sums.append(([part.mean() > share or part.all() for part in parts], count))
    found = lesion_detection(pred, truth, min_overlap=share)
    assert found.tp + found.fn == sums[0][1]
    assert found.tp == sum(sums[0][0])
    assert found.fp == sums[1][1] - sum(sums[1][0])


def test_background_is_in_no_lesion() -> None:
    """Of bool masks in 2D cc3d numbers some pixels of the background, which then counted as common ones."""
    from scipy.ndimage import label

    rng, eight = np.random.default_rng(0), np.ones((3, 3))
    for _ in range(60):
        pred, truth = (rng.random((30, 20)) < share for share in rng.uniform(0.05, 0.4, 2))
        (a, found), (b, lesions) = label(pred, eight), label(truth, eight)
        hit, right = len(np.unique(b[pred & truth])), len(np.unique(a[pred & truth]))
        counted = lesion_detection(pred, truth)
        assert (counted.tp, counted.fn, counted.fp) == (hit, lesions - hit, found - right)


def test_every_lesion_counts_once() -> None:
    pred, truth = _lesions()
    found = lesion_wise_dice(pred, truth, spacing=(1, 1, 2))
    first, touched = 2 * 27 / (27 + 36), 2 * 1 / (27 + 27)
    assert found.per_lesion == pytest.approx((first, touched, 0))
    assert found.volume == (54, 54, 2)
    assert (found.tp, found.fp, found.fn) == (2, 1, 1)
    assert found.dice == pytest.approx((first + touched) / 4)
    without_dot = lesion_wise_dice(pred, truth, min_volume=1)
    assert (without_dot.tp, without_dot.fp, without_dot.fn) == (2, 1, 0)
    assert without_dot.dice == pytest.approx((first + touched) / 3)


def test_lesion_wise_dice_of_empty_masks() -> None:
    pred, truth = _lesions()
    assert lesion_wise_dice(truth * 0, truth * 0).dice == 1
    missed, false = lesion_wise_dice(truth * 0, truth), lesion_wise_dice(pred, truth * 0)
    assert (missed.dice, missed.fn, missed.per_lesion) == (0, 3, (0, 0, 0))
    assert (false.dice, false.fp, false.per_lesion) == (0, 3, ())


def test_dilation_joins_parts_of_a_lesion() -> None:
    truth, pred = np.zeros((2, 9, 20), dtype=bool)
    truth[4, 2:5] = truth[4, 7:10] = truth[4, 16:19] = True
    pred[4, 2:10] = True
    apart, joined = lesion_wise_dice(pred, truth), lesion_wise_dice(pred, truth, dilation=1)
    assert apart.per_lesion == pytest.approx((6 / 11, 6 / 11, 0))
    assert joined.per_lesion == pytest.approx((12 / 14, 0)) and joined.dice == pytest.approx(6 / 14)
    beside = np.roll(truth, 1, axis=0)
    assert lesion_wise_dice(beside, truth).fp == 3
    near = lesion_wise_dice(beside, truth, dilation=1)
    assert (near.tp, near.fp, near.dice) == (2, 0, 0)


@settings(max_examples=40)
@given(both, st.integers(0, 2), st.sampled_from([0.0, 2.0]))
def test_lesion_wise_dice_agrees_with_the_loop(
    pair: tuple[NDArray, NDArray], dilation: int, least: float
) -> None:
    """The published procedure, lesion by lesion, with SciPy's labels and dilations."""
    from scipy.ndimage import binary_dilation, generate_binary_structure, label

    pred, truth = pair
    full = np.ones((3,) * pred.ndim)
    grow = generate_binary_structure(pred.ndim, 2)
    grown = binary_dilation(truth, grow, iterations=dilation) if dilation else truth
    regions, n = label(grown, full)
    parts, m = label(pred, full)
    scores, used, missed = [], set(), 0
    for k in range(1, n + 1):
        lesion = truth & (regions == k)
        region = binary_dilation(lesion, grow, iterations=dilation) if dilation else lesion
        hits = set(np.unique(parts[region])) - {0}
        used |= hits
        if lesion.sum() > least:
            scores.append(dice(np.isin(parts, list(hits)), lesion))
            missed += not hits
    false = m - len(used)
    found = lesion_wise_dice(pred, truth, dilation=dilation, min_volume=least)
    assert (found.tp, found.fp, found.fn) == (len(scores) - missed, false, missed)
    assert sorted(found.per_lesion) == pytest.approx(sorted(scores))
    assert found.dice == pytest.approx(sum(scores) / (len(scores) + false) if scores or false else 1)


def test_bad_lesion_arguments() -> None:
    mask = np.ones((3, 3, 3), dtype=bool)
    with pytest.raises(ValueError, match="dilation is -1"):
        lesion_wise_dice(mask, mask, dilation=-1)
    with pytest.raises(ValueError, match="min_volume"):
        lesion_wise_dice(mask, mask, min_volume=float("nan"))
    with pytest.raises(ValueError, match="connectivity 8"):
        lesion_wise_dice(mask, mask, connectivity=8)
    with pytest.raises(ValueError, match="min_overlap"):
        lesion_detection(mask, mask, min_overlap=2)


ids = st.sampled_from([(6, 5), (3, 4, 3)]).flatmap(
    lambda s: st.tuples(*[arrays(np.int32, s, elements=st.integers(0, 3))] * 2)
)


def _by_hand(pred: NDArray, truth: NDArray, threshold: float) -> tuple[float, int, int, int]:
    t_ids, p_ids = (sorted(set(np.unique(x)) - {0}) for x in (truth, pred))
    overlaps = [
        ((truth == t) & (pred == p)).sum() / ((truth == t) | (pred == p)).sum() for t in t_ids for p in p_ids
    ]
    matched = [o for o in overlaps if o > threshold]
    return sum(matched), len(matched), len(p_ids) - len(matched), len(t_ids) - len(matched)


@given(ids, st.sampled_from([0.5, 0.7]))
def test_panoptic_quality_agrees_with_counting(pair: tuple[NDArray, NDArray], threshold: float) -> None:
    pred, truth = pair
    total, tp, fp, fn = _by_hand(pred, truth, threshold)
    found = panoptic_quality(pred, truth, iou_threshold=threshold)
    assert (found.tp, found.fp, found.fn) == (tp, fp, fn)
    if tp + fp + fn:
        assert found.pq == pytest.approx(total / (tp + fp / 2 + fn / 2))
        assert found.pq == pytest.approx(found.sq * found.rq)
    else:
        assert found.pq == found.sq == found.rq == 1
    loose = panoptic_quality(pred, truth, iou_threshold=0.0)
    assert loose.tp >= tp and loose.tp <= min(tp + fp, tp + fn)


def test_low_thresholds_match_one_to_one() -> None:
    truth, pred = np.array([[1, 1, 1, 2, 2, 2]]), np.array([[5, 5, 7, 7, 7, 7]])
    found = panoptic_quality(pred, truth, iou_threshold=0.2)
    assert (found.tp, found.fp, found.fn) == (2, 0, 0)
    assert found.sq == pytest.approx((2 / 3 + 3 / 4) / 2)


def test_void_is_neither_found_nor_false() -> None:
    truth, pred = np.array([[1, 1, 1, 9, 9, 9, 0, 0]]), np.array([[1, 1, 1, 1, 2, 2, 2, 3]])
    assert panoptic_quality(pred, truth).fp == 2
    found = panoptic_quality(pred, truth, void=9)
    assert (found.pq, found.sq) == (pytest.approx(1 / 1.5), 1) and (found.tp, found.fp, found.fn) == (1, 1, 0)


def test_panoptic_quality_by_class() -> None:
    truth, pred = np.array([[1, 1, 2, 2, 3, 3]]), np.array([[4, 4, 5, 5, 6, 0]])
    found = panoptic_quality_by_class(
        pred, truth, pred_classes={4: 1, 5: 2, 6: 2}, truth_classes={1: 1, 2: 1, 3: 2}
    )
    assert found[1].rq == pytest.approx(1 / 1.5) and found[1].fn == 1
    assert (found[2].tp, found[2].fp, found[2].fn) == (0, 2, 1) and found[2].pq == 0
    with pytest.raises(ValueError, match="pred_classes lacks object 6"):
        panoptic_quality_by_class(pred, truth, pred_classes={4: 1, 5: 2}, truth_classes={1: 1, 2: 1, 3: 2})
    with pytest.raises(ValueError, match="iou_threshold"):
        panoptic_quality(pred, truth, iou_threshold=1.0)


def test_nuclei(data_dir) -> None:
    """Real nuclei: the truth against itself, against its components, and with every third nucleus lost."""
    image = pytest.importorskip("PIL.Image")
    seen = 0
    for path in sorted((data_dir / "dsb2018_nuclei" / "labels").glob("*.png"))[:4]:
        truth = np.asarray(image.open(path)).astype(np.int64)
        n = len(np.unique(truth)) - 1
        assert panoptic_quality(truth, truth).tp == n and panoptic_quality(truth, truth).pq == 1
        joined, count = components(truth > 0, connectivity=8)
        found = panoptic_quality(joined, truth)
        # Nuclei that touch melt into one: never more objects, never a better figure.
        assert found.tp + found.fp == count <= n and found.pq <= 1 and found.tp + found.fn == n
        lost = np.where(truth % 3 == 0, 0, truth)
        kept = len(np.unique(lost)) - 1
        assert panoptic_quality(lost, truth).pq == pytest.approx(kept / (kept + (n - kept) / 2))
        seen += n
    assert seen > 20


def test_published_panoptic_quality() -> None:
    """Figure 3.51 of Metrics Reloaded (Reinke et al.), in its tests: three cells and four predictions (18 x 18)."""
    truth, pred = np.zeros((2, 18, 18), dtype=int)
    truth[2:7, 1:3] = truth[2:5, 3:6] = 1
    truth[6:12, 12:17] = 2
    truth[14, 7:10] = truth[13:16, 8] = 3
    pred[3:7, 1:3] = pred[3:6, 3:7] = 1
    pred[13:16, 4:6] = 2
    pred[7:12, 13:17] = 3
    pred[13:15, 13:17] = pred[15, 15] = 4
    found = panoptic_quality(pred, truth)
    assert found.pq == pytest.approx(0.350, abs=0.001)
    assert (found.tp, found.fp, found.fn) == (2, 2, 1)
