from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from overread.stats.segmentation import dice, hausdorff95, iou, lesion_detection, volume_error

masks = arrays(bool, st.sampled_from([(7, 6), (4, 5, 4)]), elements=st.booleans())
both = masks.flatmap(lambda a: st.tuples(st.just(a), arrays(bool, a.shape, elements=st.booleans())))


def _sphere(size: int, centre: float, radius: float) -> NDArray:
    return ((np.indices((size,) * 3) - centre) ** 2).sum(axis=0) <= radius**2


@given(both)
def test_overlap_agrees_with_counting(pair: tuple[NDArray, NDArray]) -> None:
    a, b = pair
    x, y = set(np.flatnonzero(a)), set(np.flatnonzero(b))
    assert dice(a, b) == pytest.approx(2 * len(x & y) / (len(x) + len(y)) if x | y else 1)
    assert iou(a, b) == pytest.approx(len(x & y) / len(x | y) if x | y else 1)
    assert dice(a, b) == pytest.approx(2 * iou(a, b) / (1 + iou(a, b)))
    assert dice(a, b) == dice(b, a) and dice(a, a) == 1


def _boundary(mask: NDArray) -> NDArray:
    """Voxels with a face neighbour outside, one neighbour at a time."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(mask.ndim):
        for shift in (-1, 1):
            inner &= np.roll(padded, shift, axis)[(slice(1, -1),) * mask.ndim]
    return mask & ~inner


@given(both, st.sampled_from([1.0, 0.5, 3.0]))
def test_hd95_agrees_with_all_distances(pair: tuple[NDArray, NDArray], thickness: float) -> None:
    a, b = pair
    spacing = np.array([1.0, 2.0, 1.0][: a.ndim - 1] + [thickness])
    found = hausdorff95(a, b, spacing=spacing)
    if not a.any() or not b.any():
        diagonal = np.sqrt(((np.array(a.shape) * spacing) ** 2).sum())
        assert found == (0 if not a.any() and not b.any() else pytest.approx(diagonal))
        return
    distances = cdist(np.argwhere(_boundary(a)) * spacing, np.argwhere(_boundary(b)) * spacing)
    expected = max(np.percentile(distances.min(axis=1), 95), np.percentile(distances.min(axis=0), 95))
    assert found == pytest.approx(expected)
    assert hausdorff95(b, a, spacing=spacing) == found


@settings(deadline=None, max_examples=25)
@given(both)
def test_hd95_agrees_with_monai(pair: tuple[NDArray, NDArray]) -> None:
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    a, b = pair
    if not a.any() or not b.any():
        return
    onehot = [torch.from_numpy(np.stack([~m, m])[None].astype(np.float32)) for m in (a, b)]
    spacing = [1.0, 2.0, 1.5][: a.ndim]
    expected = metrics.compute_hausdorff_distance(*onehot, percentile=95, spacing=spacing)
    assert hausdorff95(a, b, spacing=spacing) == pytest.approx(float(expected), abs=1e-5)


def test_hd95_definition_on_the_sphere_pair() -> None:
    """On such a pair an area-weighted definition gives another number: ours is that between voxel centres."""
    a, b = _sphere(64, 30.0, 20.0), _sphere(64, 33.0, 20.0)
    nearest = cdist(*(np.argwhere(_boundary(m)) for m in (a, b)))
    expected = max(np.percentile(nearest.min(axis=axis), 95) for axis in (0, 1))
    assert hausdorff95(a, b) == pytest.approx(expected)
    with pytest.raises(ValueError, match="voxel-boundary"):
        hausdorff95(a, b, definition="surface")  # type: ignore[arg-type]


def test_a_missed_structure_counts_against_the_mean() -> None:
    found, missed, none = np.zeros((3, 10, 20, 20), dtype=int)
    found[2:5, 2:5, 2:5] = 1
    assert dice(missed, found) == 0 == dice(found, missed) == iou(missed, found)
    assert hausdorff95(missed, found, spacing=(2, 1, 1)) == pytest.approx(np.sqrt(3 * 20**2))
    assert dice(missed, none) == iou(missed, none) == 1 and hausdorff95(missed, none) == 0


def test_labels_are_apart() -> None:
    truth = np.array([[1, 1, 2], [0, 2, 2]])
    pred = np.array([[1, 2, 2], [0, 2, 2]])
    assert dice(pred, truth, 1) == pytest.approx(2 / 3)
    assert dice(pred, truth, 2) == pytest.approx(6 / 7)
    assert dice(pred, truth, 3) == 1


def test_volume() -> None:
    truth, pred = np.zeros((2, 4, 4, 4), dtype=int)
    truth[:2, :2, :2] = 1
    pred[:2, :2, :3] = 1
    found = volume_error(pred, truth, spacing=(1, 0.5, 2))
    assert (found.predicted, found.true, found.difference, found.relative) == (12, 8, 4, 0.5)
    assert volume_error(truth, truth * 0).relative is None
    assert volume_error(truth * 0, truth * 0).relative == 0
    assert volume_error(truth * 0, truth).relative == -1


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


@pytest.mark.parametrize("function", [dice, iou, hausdorff95, volume_error, lesion_detection])
def test_bad_input(function) -> None:
    with pytest.raises(ValueError, match="expected one shape"):
        function(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        function(np.full((2, 2), np.nan), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="at least one voxel"):
        function(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("spacing", [(1, 1), (1, 0, 1), (1, np.nan, 1), (1, -1, 1)])
def test_bad_spacing(spacing: tuple) -> None:
    mask = np.ones((2, 2, 2))
    for function in (hausdorff95, volume_error):
        with pytest.raises(ValueError, match="positive numbers"):
            function(mask, mask, spacing=spacing)


def test_published_small_arrays() -> None:
    """G20: Metrics Reloaded's tests. A square with a cross over it (11 x 11); a missed pixel (14 x 14)."""
    square, cross = np.zeros((2, 11, 11), dtype=int)
    square[3:8, 3:8] = 1
    cross[3:8, 3:8] = cross[[1, 2, 8, 9], 5] = cross[5, [1, 2, 8, 9]] = 1
    assert dice(cross, square) == pytest.approx(0.862, abs=0.001)
    assert iou(cross, square) == pytest.approx(0.76, abs=0.01)
    truth, pred = np.zeros((2, 14, 14), dtype=int)
    truth[9:12, 9:12] = pred[9:12, 9:12] = 1
    truth[1, 1] = 1
    assert hausdorff95(pred, truth) == pytest.approx(6.79, abs=0.01)
