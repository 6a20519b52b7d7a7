"""Segmentations against highdicom, and against the label maps that they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from highdicom.seg import segread

from overread.errors import InputError
from overread.imaging.dicom.seg import read_segmentation
from overread.imaging.read import read

NAMES = [
    "dcmqi_segmentations/23x38x3/seg/label.seg",
    "dcmqi_segmentations/24x38x3/seg/label.seg",
    "dcmqi_segmentations/liver.dcm",
    "dcmqi_segmentations/partial_overlaps.dcm",
    "dcmqi_segmentations/sparse-labelmap-noppv.dcm",
    "dcmqi_segmentations/sparse-labelmap-ppv5.dcm",
    "dcmqi_sr/seg.dcm",
    "highdicom_test_files/seg_image_ct_binary.dcm",
    "highdicom_test_files/seg_image_ct_binary_fractional.dcm",
    "highdicom_test_files/seg_image_ct_binary_overlap.dcm",
    "highdicom_test_files/seg_image_ct_true_fractional.dcm",
]
SLIDES = [
    "control",
    "control_labelmap",
    "control_labelmap_palette_color",
    "dots",
    "dots_tiled_full",
    "numbers",
]


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    return data_dir / "dicom_seg_sr"


@pytest.mark.parametrize("name", NAMES)
def test_equals_highdicom(folder: Path, name: str) -> None:
    image = read(folder / name)
    segmentation = segread(folder / name)
    volume = segmentation.get_volume(combine_segments=False)
    numbers = [n for n in segmentation.segment_numbers if n > 0]
    theirs = volume.array[..., [list(segmentation.segment_numbers).index(n) for n in numbers]]
    # highdicom indexes (slice, row, column) in LPS, and may run the slices either way.
    where = np.linalg.inv(volume.affine) @ np.diag([-1.0, -1, 1, 1]) @ image.affine
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.spatial), indexing="ij")).reshape(3, -1)
    at = (where @ np.vstack([index, np.ones(index.shape[1])]))[:3]
    np.testing.assert_allclose(at, np.round(at), atol=2e-3)
    found = theirs[tuple(np.round(at).astype(int))].reshape(*image.spatial, len(numbers))
    if image.channels == ("label",):
        for k, n in enumerate(numbers):
            np.testing.assert_array_equal(image.array[0] == n, found[..., k] > 0)
    else:
        np.testing.assert_allclose(np.moveaxis(image.array, 0, -1), found, atol=1e-6)
    assert [n for n in image.source["segments"] if n > 0] == numbers


@pytest.mark.parametrize("name", SLIDES)
def test_tiles_of_a_slide(folder: Path, name: str) -> None:
    path = folder / "highdicom_test_files" / f"seg_image_sm_{name}.dcm"
    image = read(path)
    theirs = segread(path).get_total_pixel_matrix(combine_segments=True)
    np.testing.assert_array_equal(image.array[0], theirs)


@pytest.mark.parametrize(
    ("name", "label"),
    [("23x38x3/seg/label.seg", "23x38x3/nrrd/label.nrrd"), ("liver.dcm", "liver_seg.nrrd")],
)
def test_equals_the_label_map_it_was_made_from(folder: Path, name: str, label: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = read(folder / "dcmqi_segmentations" / name)
    source = sitk.ReadImage(str(folder / "dcmqi_segmentations" / label))
    values = sitk.GetArrayFromImage(source)
    inside = np.argwhere(image.array[0] > 0)
    lps = (image.affine @ np.column_stack([inside, np.ones(len(inside))]).T)[:3] * [[-1], [-1], [1]]
    found = [source.TransformPhysicalPointToContinuousIndex(p) for p in lps.T[:50]]
    np.testing.assert_allclose(found, np.round(found), atol=5e-3)
    assert all(values[tuple(np.round(i).astype(int)[::-1])] > 0 for i in found)
    assert len(inside) == np.count_nonzero(values)


def test_image_and_mask_lie_on_one_another(folder: Path) -> None:
    mask = read(folder / "dcmqi_segmentations" / "liver.dcm")
    image = read(folder / "dcmqi_segmentations" / "ct-3slice")
    np.testing.assert_allclose(mask.affine, image.affine, atol=1e-3)
    assert mask.spatial == image.spatial


def test_refusals(folder: Path) -> None:
    import pydicom

    from overread.imaging.dicom.instance import Instance

    path = folder / "highdicom_test_files" / "seg_image_ct_binary.dcm"
    for change, message in {
        "segment": "frames refer to segments",
        "named": "names no segment",
        "kind": "SegmentationType is",
        "aside": "shifted against each other",
        "uneven": "no multiples of one slice distance",
    }.items():
        ds = pydicom.dcmread(path)
        frame = ds.PerFrameFunctionalGroupsSequence[1]
        position = frame.PlanePositionSequence[0]
        if change == "segment":
            frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 7
        elif change == "named":
            del ds.SegmentSequence
        elif change == "kind":
            ds.SegmentationType = "OTHER"
        elif change == "aside":
            position.ImagePositionPatient = [*(float(x) + 40 for x in position.ImagePositionPatient[:2]), 3.0]
        else:
            position.ImagePositionPatient = [*position.ImagePositionPatient[:2], 107.31]
        with pytest.raises(InputError, match=message):
            read_segmentation(Instance("x.dcm", ds), "x.dcm")
