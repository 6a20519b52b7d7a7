"""Surface distances: both definitions against the libraries that define them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from overread.stats.segmentation import (
    assd,
    hausdorff,
    hausdorff95,
    masd,
    nearest,
    nsd,
    segmentation_metrics,
    surface,
    surface_distances,
)
from overread.stats.segmentation.surfels import neighbour_codes, surfel_sizes

shapes = st.sampled_from([(7, 6), (1, 5), (4, 5, 4), (3, 1, 6)])
both = shapes.flatmap(
    lambda s: st.tuples(arrays(bool, s, elements=st.booleans()), arrays(bool, s, elements=st.booleans()))
).filter(lambda pair: pair[0].any() and pair[1].any())
thickness = st.sampled_from([1.0, 0.5, 3.0, 1.3])
# No distance of these spacings equals such a tolerance, where rounding would decide.
tolerances = st.sampled_from([0.0, 1.07, 2.18])


def _sphere(size: int, centre: tuple[float, float, float], radius: float) -> NDArray:
    axes = np.ogrid[:size, :size, :size]
    return sum((x - c) ** 2 for x, c in zip(axes, centre, strict=True)) <= radius**2


def _spacing(ndim: int, last: float) -> list[float]:
    return [1.0, 2.0, 1.0][: ndim - 1] + [last]


@settings(max_examples=50)
@given(both, thickness, tolerances)
def test_surface_area_agrees_with_surface_distance(
    pair: tuple[NDArray, NDArray], last: float, tolerance: float
) -> None:
    theirs = pytest.importorskip("surface_distance")
    a, b = pair
    spacing = _spacing(a.ndim, last)
    expected = theirs.compute_surface_distances(b, a, spacing)
    found = surface_distances(a, b, spacing=spacing, definition="surface-area")
    assert np.allclose(np.sort(found.pred_to_truth), expected["distances_pred_to_gt"])
    assert np.allclose(np.sort(found.truth_to_pred), expected["distances_gt_to_pred"])
    assert found.pred_weight.sum() == pytest.approx(expected["surfel_areas_pred"].sum())
    # No set of pieces holds exactly such a share of the area, where rounding would decide.
    for percentile in (47.3, 94.7, 100):
        assert hausdorff(
            a, b, label=1, spacing=spacing, definition="surface-area", percentile=percentile
        ) == pytest.approx(theirs.compute_robust_hausdorff(expected, percentile))
    to_truth, to_pred = theirs.compute_average_surface_distance(expected)
    assert masd(a, b, label=1, spacing=spacing, definition="surface-area") == pytest.approx(
        (to_truth + to_pred) / 2
    )
    total = np.concatenate([expected["surfel_areas_gt"], expected["surfel_areas_pred"]])
    distances = np.concatenate([expected["distances_gt_to_pred"], expected["distances_pred_to_gt"]])
    assert assd(a, b, label=1, spacing=spacing, definition="surface-area") == pytest.approx(
        np.average(distances, weights=total)
    )
    assert nsd(
        a, b, label=1, spacing=spacing, tolerance=tolerance, definition="surface-area"
    ) == pytest.approx(theirs.compute_surface_dice_at_tolerance(expected, tolerance))


@pytest.mark.parametrize("spacing", [(1, 1, 1), (1.3, 0.7, 2.1)])
def test_areas_agree_with_the_published_table(spacing: tuple[float, float, float]) -> None:
    tables = pytest.importorskip("surface_distance.lookup_tables")
    # The published code of a neighbourhood counts its voxels from the highest bit.
    mirrored = [int(f"{code:08b}"[::-1], 2) for code in range(256)]
    expected = np.array(tables.create_table_neighbour_code_to_surface_area(spacing))[mirrored]
    assert np.allclose(surfel_sizes(np.array(spacing)), expected, rtol=1e-12)


def test_areas_of_known_bodies() -> None:
    slab = np.ones((4, 3, 2), dtype=bool)
    codes = neighbour_codes(slab)
    # A box whose edges and corners are cut off half a voxel in.
    flat = 2 * (3 * 2 + 3 * 1 + 2 * 1)
    edges, corners = 4 * (3 + 2 + 1) * np.sqrt(0.5), 8 * np.sqrt(3) / 8
    assert surfel_sizes(np.ones(3))[codes].sum() == pytest.approx(flat + edges + corners)
    assert surfel_sizes(np.array([2.0, 0.5]))[neighbour_codes(np.ones((1, 1), dtype=bool))].sum() == (
        pytest.approx(4 * np.hypot(1, 0.25))
    )


@settings(max_examples=30)
@given(both, thickness, tolerances)
def test_voxel_boundary_agrees_with_monai(
    pair: tuple[NDArray, NDArray], last: float, tolerance: float
) -> None:
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    a, b = pair
    spacing = _spacing(a.ndim, last)
    onehot = [torch.from_numpy(np.stack([~m, m])[None].astype(np.float32)) for m in (a, b)]
    hd = metrics.compute_hausdorff_distance(*onehot, spacing=spacing)
    hd95 = metrics.compute_hausdorff_distance(*onehot, percentile=95, spacing=spacing)
    mean = metrics.compute_average_surface_distance(*onehot, symmetric=True, spacing=spacing)
    dice = metrics.compute_surface_dice(*onehot, class_thresholds=[tolerance], spacing=spacing)
    assert hausdorff(a, b, spacing=spacing) == pytest.approx(float(hd), abs=1e-5)
    assert hausdorff95(a, b, spacing=spacing) == pytest.approx(float(hd95), abs=1e-5)
    assert assd(a, b, spacing=spacing) == pytest.approx(float(mean), abs=1e-5)
    assert nsd(a, b, spacing=spacing, tolerance=tolerance) == pytest.approx(float(dice), abs=1e-6)


@settings(max_examples=30)
@given(both, thickness)
def test_pooled_agrees_with_medpy(pair: tuple[NDArray, NDArray], last: float) -> None:
    theirs = pytest.importorskip("medpy.metric.binary")
    a, b = pair
    spacing = _spacing(a.ndim, last)
    assert hausdorff(a, b, spacing=spacing) == pytest.approx(theirs.hd(a, b, spacing))
    assert hausdorff95(a, b, label=1, spacing=spacing, definition="pooled") == pytest.approx(
        theirs.hd95(a, b, spacing)
    )
    assert assd(a, b, spacing=spacing) == pytest.approx(theirs.assd(a, b, spacing))
    to_truth, to_pred = theirs.asd(a, b, spacing), theirs.asd(b, a, spacing)
    assert masd(a, b, spacing=spacing) == pytest.approx((to_truth + to_pred) / 2)


@settings(max_examples=50)
@given(
    both, thickness, st.sampled_from([0.4, 1.0]), st.sampled_from([np.inf, 2.1]), st.sampled_from([400, 20])
)
def test_columns_and_tree_find_the_nearest(
    pair: tuple[NDArray, NDArray], last: float, first: float, reach: float, most: int
) -> None:
    a, b = pair
    spacing = np.array([first, *_spacing(a.ndim, last)[1:]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "MOST_COLUMNS", most)
        found = nearest.nearest_distances(a, b, spacing, reach=reach)
    expected = cdist(np.argwhere(a) * spacing, np.argwhere(b) * spacing).min(axis=1)
    assert np.allclose(found, np.where(expected <= reach, expected, np.inf))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (0.1, 3.0, 10.0)])
def test_far_points_go_to_the_tree(spacing: tuple[float, float, float]) -> None:
    generator = np.random.default_rng(0)
    a, b = np.zeros((2, 40, 60, 50), dtype=bool)
    a[tuple(generator.integers(0, s, 80) for s in a.shape)] = True
    b[tuple(generator.integers(0, s // 5, 9) for s in a.shape)] = True
    for reach in (np.inf, 30.0):
        found = nearest.nearest_distances(a, b, np.array(spacing), reach=reach)
        expected = cdist(np.argwhere(a) * spacing, np.argwhere(b) * spacing).min(axis=1)
        assert np.allclose(found, np.where(expected <= reach, expected, np.inf))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.7, 0.7)])
def test_hd95_by_area_agrees_with_surface_distance(spacing: tuple[float, float, float]) -> None:
    theirs = pytest.importorskip("surface_distance")
    a, b = _sphere(48, (22, 23, 24), 12) | _sphere(48, (40, 40, 40), 3), _sphere(48, (24, 22, 25), 14)
    expected = theirs.compute_surface_distances(b, a, spacing)
    assert hausdorff95(a, b, label=1, spacing=spacing, definition="surface-area") == pytest.approx(
        theirs.compute_robust_hausdorff(expected, 95)
    )


def test_definitions_differ_on_spheres() -> None:
    """The trap: one pair of spheres, two values of HD95, each right by its definition."""
    a, b = _sphere(128, (64, 64, 64), 40), _sphere(128, (64, 66, 66), 42)
    assert hausdorff95(a, b) == pytest.approx(4.3589, abs=5e-5)
    assert hausdorff95(a, b, definition="surface-area") == pytest.approx(4.1231, abs=5e-5)
    d = surface_distances(a, b, definition="surface-area")
    # Marching cubes over voxels: about 9% more than the ball's surface, whatever its size.
    assert d.pred_weight.sum() == pytest.approx(4 * np.pi * 40**2, rel=0.12)


@pytest.mark.parametrize("definition", ["voxel-boundary", "surface-area"])
def test_spacing_scales_distances(definition: surface.Definition) -> None:
    a, b = _sphere(24, (11, 11, 11), 6), _sphere(24, (12, 11, 13), 7)
    for metric in (hausdorff, hausdorff95, assd, masd):
        once = metric(a, b, definition=definition)
        assert metric(a, b, spacing=(2.5, 2.5, 2.5), definition=definition) == pytest.approx(2.5 * once)
        assert metric(b, a, definition=definition) == pytest.approx(once)
    assert nsd(a, b, tolerance=1, definition=definition) == pytest.approx(
        nsd(a, b, spacing=(2.5, 2.5, 2.5), tolerance=2.5, definition=definition)
    )


def test_a_distance_of_exactly_the_tolerance_is_within() -> None:
    a, b = np.zeros((2, 12, 3), dtype=bool)
    a[2, 1] = b[5, 1] = True
    assert nsd(a, b, spacing=(0.1, 1), tolerance=0.3) == 1
    assert nsd(a, b, spacing=(0.1, 1), tolerance=0.29) == 0


@pytest.mark.parametrize("definition", ["voxel-boundary", "surface-area"])
def test_empty_masks_are_never_nan(definition: surface.Definition) -> None:
    some, none = np.zeros((2, 3, 4), dtype=bool)
    some[1, 1] = True
    for metric in (hausdorff, hausdorff95, assd, masd):
        assert metric(none, none, definition=definition) == 0
        for pair in ((some, none), (none, some)):
            assert metric(*pair, definition=definition) == 5
            assert metric(*pair, definition=definition, missed=374) == 374
            assert np.isnan(metric(*pair, definition=definition, missed=float("nan")))
    assert nsd(none, none, tolerance=1, definition=definition) == 1
    assert nsd(some, none, tolerance=1, definition=definition) == 0 == nsd(none, some, tolerance=1)
    with pytest.raises(ValueError, match="empty"):
        surface_distances(some, none)


def test_one_axis_and_any_layout() -> None:
    assert hausdorff([0, 1, 1], [1, 1, 0]) == 1 and nsd([0, 1, 1], [1, 1, 0], tolerance=1) == 1
    assert hausdorff([1, 0, 0, 0], [0, 0, 0, 1], spacing=[2]) == 6
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 9, 8, 7)) < 0.4
    for definition in ("voxel-boundary", "surface-area"):
        expected = hausdorff95(a, b, definition=definition)
        assert hausdorff95(np.asfortranarray(a), b[::-1][::-1], definition=definition) == expected


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint16, np.uint64, float])
def test_any_type_of_labels(kind: type) -> None:
    mask = np.eye(4).astype(kind)
    assert segmentation_metrics(mask, mask)[1].hausdorff95 == 0 == hausdorff95(mask, mask)


def test_bad_arguments() -> None:
    mask = np.ones((3, 3), dtype=bool)
    with pytest.raises(ValueError, match="tolerance"):
        nsd(mask, mask, tolerance=-1)
    with pytest.raises(ValueError, match="percentile"):
        hausdorff(mask, mask, percentile=0)
    with pytest.raises(ValueError, match="'surface-area'"):
        assd(mask, mask, definition="pooled")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 or 3 axes"):
        assd(np.ones(4), np.ones(4), definition="surface-area")


@settings(max_examples=30)
@given(
    st.sampled_from([(6, 5), (3, 4, 4)]).flatmap(
        lambda s: st.tuples(*[arrays(np.uint8, s, elements=st.integers(0, 3))] * 2)
    ),
    thickness,
)
def test_all_labels_at_once(pair: tuple[NDArray, NDArray], last: float) -> None:
    from overread.stats.segmentation import volume_error, voxel_counts

    a, b = pair
    spacing = _spacing(a.ndim, last)
    for definition in ("voxel-boundary", "surface-area"):
        found = segmentation_metrics(a, b, spacing=spacing, tolerance=1.07, definition=definition)
        assert sorted(found) == sorted((set(np.unique(a)) | set(np.unique(b))) - {0})
        for label, m in found.items():
            options = {"label": label, "spacing": spacing, "definition": definition}
            assert m.counts == voxel_counts(a, b, label=label) and m.dice == m.counts.dice
            assert m.volume == volume_error(a, b, label=label, spacing=spacing)
            assert m.hausdorff95 == pytest.approx(hausdorff95(a, b, **options))
            assert m.hausdorff == pytest.approx(hausdorff(a, b, **options))
            assert m.assd == pytest.approx(assd(a, b, **options))
            assert m.masd == pytest.approx(masd(a, b, **options))
            assert m.nsd == pytest.approx(
                nsd(a, b, label=label, spacing=spacing, tolerance=1.07, definition=definition)
            )


def test_labels_asked_for_by_name() -> None:
    a, b = np.zeros((2, 4, 3), dtype=int)
    a[1, 1] = 2
    found = segmentation_metrics(a, b, labels=[1, 2], missed=99)
    assert found[1].dice == 1 and found[1].hausdorff95 == 0 and found[1].nsd is None
    assert found[2].dice == 0 and found[2].hausdorff95 == 99 and found[2].volume.relative is None
    with pytest.raises(ValueError, match="label is 0"):
        segmentation_metrics(a, b, labels=[0])
    with pytest.raises(ValueError, match="not whole"):
        segmentation_metrics(a + 0.5, b)
    with pytest.raises(ValueError, match="label -1"):
        segmentation_metrics(a - 1, b)


def test_hippocampus(data_dir) -> None:
    """Truths of two patients against themselves moved by a voxel: known shift, known distance."""
    nibabel = pytest.importorskip("nibabel")
    for path in sorted((data_dir / "msd_hippocampus_3d" / "labelsTr").glob("*.nii.gz"))[:2]:
        truth = np.asarray(nibabel.load(path).dataobj).astype(np.uint8)
        moved = np.roll(truth, 1, axis=0)
        found = segmentation_metrics(moved, truth, spacing=(2.0, 1.0, 1.0), tolerance=2.0)
        assert sorted(found) == [1, 2]
        for m in found.values():
            assert 0.5 < m.dice < 1 and m.volume.relative == 0
            # Every surface voxel has its image one voxel of 2 mm off, or something nearer.
            assert m.hausdorff == 2.0 and m.nsd == 1.0 and 0 < m.assd < 2
            assert m.counts.sensitivity == m.counts.precision
