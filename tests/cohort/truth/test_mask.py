"""Label maps and images of one case must lie on one grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.errors import InputError

AFFINE = np.diag([2.0, 2, 3, 1])


def _nifti(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return _nifti(tmp_path / "image.nii.gz", np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6))


def _case(image: Path, mask: Path | None) -> Case:
    return Case("c1", "p1", {"image": image}, mask=mask)


def test_mask_of_a_volume(tmp_path: Path, image: Path) -> None:
    truth = np.zeros((4, 5, 6), np.uint8)
    truth[1, 2, 3] = 2
    for name, array in (("a.nii.gz", truth), ("b.nii", truth.astype(np.float32))):
        case = _case(image, _nifti(tmp_path / name, array))
        found = read_mask(case, load_case(case))
        assert np.issubdtype(found.dtype, np.integer)
        np.testing.assert_array_equal(found, truth)


def test_other_shape_is_named(tmp_path: Path, image: Path) -> None:
    case = _case(image, _nifti(tmp_path / "mask.nii.gz", np.zeros((4, 5, 7), np.uint8)))
    with pytest.raises(InputError, match=r"case c1: mask .*mask\.nii\.gz has shape \(4, 5, 7\).*\(4, 5, 6\)"):
        read_mask(case, load_case(case))


def test_other_affine_is_named(tmp_path: Path, image: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] = 2
    case = _case(image, _nifti(tmp_path / "mask.nii.gz", np.zeros((4, 5, 6), np.uint8), moved))
    with pytest.raises(InputError, match=r"has affine \[2 0 0 2;.*has \[2 0 0 0;"):
        read_mask(case, load_case(case))


def test_fractions_are_no_labels(tmp_path: Path, image: Path) -> None:
    case = _case(image, _nifti(tmp_path / "mask.nii.gz", np.full((4, 5, 6), 0.5, np.float32)))
    with pytest.raises(InputError, match=r"case c1: .*holds 0\.5; a label map has whole numbers"):
        read_mask(case, load_case(case))


def test_value_without_a_label(tmp_path: Path, image: Path) -> None:
    for value in (3, -1):
        truth = np.zeros((4, 5, 6), np.int16)
        truth[1, 2, 3] = value
        case = _case(image, _nifti(tmp_path / "mask.nii.gz", truth))
        loaded = load_case(case)
        np.testing.assert_array_equal(read_mask(case, loaded), truth)
        with pytest.raises(
            InputError, match=rf"case c1: mask .*mask\.nii\.gz holds {value}, expected .* 0 to 2"
        ):
            read_mask(case, loaded, labels=3)
    truth[1, 2, 3] = 2
    case = _case(image, _nifti(tmp_path / "mask.nii.gz", truth))
    np.testing.assert_array_equal(read_mask(case, loaded, labels=3), truth)


def test_no_mask_and_a_missing_one(tmp_path: Path, image: Path) -> None:
    loaded = load_case(_case(image, None))
    with pytest.raises(InputError, match="case c1: has no mask"):
        read_mask(_case(image, None), loaded)
    with pytest.raises(InputError, match=r"case c1: .*gone\.nii\.gz: no such file"):
        read_mask(_case(image, tmp_path / "gone.nii.gz"), loaded)


def test_mask_of_a_picture(tmp_path: Path, picture: Callable[[Path, np.ndarray], Path]) -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    truth = (pixels > 20).astype(np.uint16) * 300
    case = _case(picture(tmp_path / "image.png", pixels), picture(tmp_path / "mask.png", truth))
    np.testing.assert_array_equal(read_mask(case, load_case(case)), truth)
    small = _case(case.images["image"], picture(tmp_path / "small.png", truth[:5]))
    with pytest.raises(InputError, match=r"\(5, 8\).*\(6, 8\)"):
        read_mask(small, load_case(small))


def test_channels_are_stacked_by_name(tmp_path: Path, image: Path) -> None:
    other = _nifti(tmp_path / "flair.nii.gz", np.ones((4, 5, 6), np.int16))
    loaded = load_case(Case("c1", "p1", {"T1": image, "FLAIR": other}))
    assert loaded.channels == ("T1", "FLAIR") and loaded.spatial == (4, 5, 6)
    np.testing.assert_array_equal(loaded.array[1], 1)
    assert load_case(_case(image, None)).channels == ("image",)


def test_colour_keeps_its_channels(tmp_path: Path, picture: Callable[[Path, np.ndarray], Path]) -> None:
    path = picture(tmp_path / "image.png", np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8))
    assert load_case(_case(path, None)).array.shape == (3, 6, 8)


def test_channels_on_other_grids_are_named(tmp_path: Path, image: Path) -> None:
    other = _nifti(tmp_path / "flair.nii.gz", np.ones((4, 5, 7), np.int16))
    with pytest.raises(InputError, match=r"case c1: channel FLAIR lies on another grid than T1"):
        load_case(Case("c1", "p1", {"T1": image, "FLAIR": other}))
