from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from overread.stats.segmentation import (
    VoxelCounts,
    accuracy,
    assd,
    boundary_iou,
    cldice,
    dice,
    hausdorff,
    hausdorff95,
    iou,
    lesion_detection,
    masd,
    mean_over_cases,
    nsd,
    precision,
    sensitivity,
    skeleton,
    specificity,
    volume_error,
    voxel_counts,
)

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
    assert dice(pred, truth, label=1) == pytest.approx(2 / 3)
    assert dice(pred, truth, label=2) == pytest.approx(6 / 7)
    assert dice(pred, truth, label=3) == 1


def test_volume() -> None:
    truth, pred = np.zeros((2, 4, 4, 4), dtype=int)
    truth[:2, :2, :2] = 1
    pred[:2, :2, :3] = 1
    found = volume_error(pred, truth, spacing=(1, 0.5, 2))
    assert (found.predicted, found.true, found.difference, found.relative) == (12, 8, 4, 0.5)
    assert volume_error(truth, truth * 0).relative is None
    assert volume_error(truth * 0, truth * 0).relative == 0
    assert volume_error(truth * 0, truth).relative == -1


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


def test_published_square_with_a_cross() -> None:
    """G20: the tests of Metrics Reloaded. A square and the same with a cross over it (11 x 11)."""
    square, cross = np.zeros((2, 11, 11), dtype=int)
    square[3:8, 3:8] = 1
    cross[3:8, 3:8] = cross[[1, 2, 8, 9], 5] = cross[5, [1, 2, 8, 9]] = 1
    assert dice(cross, square) == pytest.approx(0.862, abs=0.001)
    assert iou(cross, square) == pytest.approx(0.76, abs=0.01)
    assert assd(cross, square) == pytest.approx(0.44, abs=0.01)
    assert masd(cross, square) == pytest.approx(0.425, abs=0.01)
    assert nsd(cross, square, tolerance=1) == pytest.approx(0.89, abs=0.01)
    assert nsd(cross, square, tolerance=2) == 1


@pytest.mark.parametrize(
    ("rows", "columns", "masd_", "assd_", "nsd_", "counts"),
    [
        (slice(6, 8), slice(6, 8), 1.07, 1.1, 0.75, (4, 0, 12, 180)),
        (slice(4, 10), slice(4, 10), 1.04, 1.05, 0.875, (16, 20, 0, 160)),
    ],
)
def test_published_too_small_and_too_large(
    rows: slice, columns: slice, masd_: float, assd_: float, nsd_: float, counts: tuple[int, ...]
) -> None:
    """G20: SN2.10 of Metrics Reloaded, a 4 x 4 square against a smaller and a larger one (14 x 14)."""
    truth, pred = np.zeros((2, 14, 14), dtype=int)
    truth[5:9, 5:9] = pred[rows, columns] = 1
    assert hausdorff(pred, truth) == pytest.approx(1.41, abs=0.01)
    assert masd(pred, truth) == pytest.approx(masd_, abs=0.01)
    assert assd(pred, truth) == pytest.approx(assd_, abs=0.01)
    assert nsd(pred, truth, tolerance=1) == pytest.approx(nsd_, abs=0.01)
    assert voxel_counts(pred, truth) == VoxelCounts(*counts)


def test_published_missed_pixel() -> None:
    """G20: figure 5c of Reinke et al., a truth with one pixel far off (14 x 14)."""
    truth, pred = np.zeros((2, 14, 14), dtype=int)
    truth[9:12, 9:12] = pred[9:12, 9:12] = 1
    truth[1, 1] = 1
    assert hausdorff(pred, truth) == pytest.approx(11.31, abs=0.01)
    assert hausdorff95(pred, truth) == pytest.approx(6.79, abs=0.01)


def test_published_tree() -> None:
    """G20: SN2.14 of Metrics Reloaded (24 x 24, a row of pixels in six hexadecimal digits)."""
    pytest.importorskip("skimage")
    trunk = "000000 " + 9 * "01f000 "
    truth = _rows(
        trunk
        + "1fffe0 1fffe0 1801e2 1801e2 7801ff 280184 280184 0f0990 0c09f0 040f80 000800 000800 000000 000000"
    )
    coarse = _rows(trunk + "1ffe00 1ffe00 " + 12 * "000000 ")
    fine = _rows(
        "000000 "
        + 10 * "004000 "
        + "0fffc0 080042 080042 7800ff 280084 280084 0f0890 0c08f0 040f80 000800 000800 000000 000000"
    )
    assert cldice(coarse, truth) == pytest.approx(0.475, abs=0.01)
    assert cldice(fine, truth) == pytest.approx(0.78, abs=0.01)
    assert dice(coarse, truth) == pytest.approx(0.666, abs=0.01)
    assert dice(fine, truth) == pytest.approx(0.685, abs=0.01)


def _rows(text: str) -> NDArray:
    return np.array([[int(bit) for bit in f"{int(row, 16):024b}"] for row in text.split()])


def test_published_short_branch() -> None:
    """Metrics Reloaded's test of clDice on a small structure that loses its end (14 x 14)."""
    pytest.importorskip("skimage")
    truth = np.zeros((14, 14), dtype=int)
    truth[1:4, 1] = truth[3, 1:4] = 1
    for start, expected in ((2, 0.86), (3, 0.67)):
        pred = truth.copy()
        pred[1:start, 1] = 0
        assert cldice(pred, truth) == pytest.approx(expected, abs=0.01)


def test_published_boundary_iou() -> None:
    """Metrics Reloaded's test after figure SN2.12: a large square without its first row (22 x 22)."""
    truth, pred = np.zeros((2, 22, 22), dtype=int)
    truth[2:21, 2:21] = pred[3:21, 2:21] = 1
    for method in ("euclidean", "chessboard"):
        found = [boundary_iou(pred, truth, distance=d, method=method) for d in (1, 2)]  # type: ignore[arg-type]
        assert found == pytest.approx([53 / 89, 117 / 151])
        np.testing.assert_allclose(found, [0.6, 0.8], atol=0.1)


def test_masks_of_image_files_and_probabilities_are_no_empty_masks() -> None:
    """Without label 1 on either side a Dice of 1 would say that all is well."""
    white = np.array([[0, 255, 255]], dtype=np.uint8)
    with pytest.raises(ValueError, match="label=255"):
        dice(white, white[:, ::-1])
    assert dice(white, white[:, ::-1], label=255) == 0.5
    assert dice(white, np.array([[0, 1, 255]])) == 0
    for function in (dice, hausdorff95, cldice):
        with pytest.raises(ValueError, match="not whole"):
            function([[0.2, 0.9]], [[0, 1]])
        with pytest.raises(ValueError, match="infinite"):
            function([[0, np.inf]], [[0, 1]])


def test_published_empty_masks() -> None:
    """G20: both empty 0 and 1. One empty is NaN there; here a penalty, unless NaN is asked for."""
    none, some = np.zeros((14, 14)), np.eye(14)
    assert hausdorff(none, none) == 0 and nsd(none, none, tolerance=1) == 1
    assert hausdorff(none, some) == pytest.approx(np.hypot(14, 14))
    assert np.isnan(hausdorff(none, some, missed=float("nan")))


@given(both)
def test_ratios_agree_with_scikit_learn(pair: tuple[NDArray, NDArray]) -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    a, b = pair
    if not a.any() or not b.any() or b.all():
        return
    x, y = a.ravel(), b.ravel()
    assert sensitivity(a, b) == pytest.approx(theirs.recall_score(y, x))
    assert precision(a, b) == pytest.approx(theirs.precision_score(y, x))
    assert specificity(a, b) == pytest.approx(theirs.recall_score(~y, ~x))
    assert accuracy(a, b) == pytest.approx(theirs.accuracy_score(y, x))


def test_ratios_of_empty_masks() -> None:
    some, none = np.eye(3), np.zeros((3, 3))
    for ratio in (sensitivity, precision):
        assert ratio(none, none) == 1 and ratio(some, none) == 0 == ratio(none, some)
    assert specificity(some, np.ones((3, 3))) == 1 and specificity(some, none) == pytest.approx(6 / 9)
    assert accuracy(none, none) == 1


@given(both, st.integers(1, 3))
def test_boundary_iou_agrees_with_erosion(pair: tuple[NDArray, NDArray], steps: int) -> None:
    from scipy.ndimage import binary_erosion

    a, b = pair
    square = np.ones((3,) * a.ndim)
    bands = [m & ~binary_erosion(m, square, iterations=steps) for m in (a, b)]
    union = (bands[0] | bands[1]).sum()
    expected = (bands[0] & bands[1]).sum() / union if union else 1
    assert boundary_iou(a, b, distance=steps, method="chessboard") == pytest.approx(expected)
    edges = _boundary(a), _boundary(b)
    expected = (edges[0] & edges[1]).sum() / max((edges[0] | edges[1]).sum(), 1) if union else 1
    assert boundary_iou(a, b, distance=1) == pytest.approx(expected)


def test_boundary_iou_sees_what_iou_of_a_large_object_hides() -> None:
    truth, pred = np.zeros((2, 200, 200), dtype=bool)
    truth[20:180, 20:180] = True
    pred[24:176, 24:176] = True
    assert iou(pred, truth) > 0.9 and boundary_iou(pred, truth) < 0.25
    assert boundary_iou(pred, truth, spacing=(3, 3)) == boundary_iou(pred, truth)
    assert boundary_iou(pred * 0, truth) == 0 and boundary_iou(pred * 0, truth * 0) == 1
    with pytest.raises(ValueError, match="distance"):
        boundary_iou(pred, truth, distance=0)


def test_cldice_takes_skeletons() -> None:
    truth = np.zeros((9, 15), dtype=bool)
    truth[3:6, 1:14] = True
    line = np.zeros_like(truth)
    line[4, 2:13] = True
    half = truth.copy()
    half[:, 7:] = False
    assert cldice(half, truth, skeletons=(line & half, line)) == pytest.approx(2 * (5 / 11) / (1 + 5 / 11))
    assert cldice(truth * 0, truth) == 0 and cldice(truth * 0, truth * 0) == 1
    with pytest.raises(ValueError, match="skeleton of truth has shape"):
        cldice(truth, truth, skeletons=(line, line[1:]))
    with pytest.raises(ValueError, match="leaves its mask"):
        cldice(half, truth, skeletons=(line, line))


def test_skeleton_in_three_dimensions() -> None:
    pytest.importorskip("skimage")
    tube = np.zeros((20, 9, 9), dtype=bool)
    tube[2:18, 3:6, 3:6] = True
    line = skeleton(tube)
    assert line.any() and not (line & ~tube).any() and line.sum() <= 16
    assert cldice(tube, tube) == 1
    assert not skeleton(tube * 0).any()


def test_mean_over_cases() -> None:
    found = mean_over_cases([0.8, 0.9, 0.0, 0.7], bounds=(0, 1))
    assert found.estimate == pytest.approx(0.6) and found.low < 0.6 < found.high and found.n == 4
    with pytest.raises(ValueError, match="give missed"):
        mean_over_cases([0.8, np.nan, None])
    assert mean_over_cases([3.0, np.nan, None, 4, 5], missed=100).estimate == pytest.approx(212 / 5)
    assert mean_over_cases([0.8], bounds=(0, 1)).high == 1
    assert mean_over_cases([0.8, 0.9, 0.5], cluster=["a", "a", "b"], bounds=(0, 1)).n == 2
