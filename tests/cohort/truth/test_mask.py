"""Label maps and images of one case must lie on one grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import mask
from overread.cohort.truth.mask import read_mask
from overread.errors import InputError
from overread.imaging.read import read

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


def _pictures(folder: Path, values: list[list[int]], kind: type = np.uint8) -> list[Case]:
    cases = []
    for n, shown in enumerate(values):
        array = np.resize(np.array(shown, kind), (4, 6))
        Pillow.fromarray(array).save(folder / f"m{n}.png")
        cases.append(Case(f"c{n}", f"c{n}", {"image": folder / f"m{n}.png"}, mask=folder / f"m{n}.png"))
    return cases


@pytest.mark.parametrize(("white", "kind"), [(255, np.uint8), (65535, np.uint16)])
def test_black_and_white_masks_are_one_label(white: int, kind: type, tmp_path: Path) -> None:
    """Never 256 labels: what painting programs write, understood and said; a mask without the label stays 0."""
    cases = _pictures(tmp_path, [[0, white], [0, 0], [white, white, 0]], kind)
    labels = mask.infer(cases)
    assert labels == ["background", "foreground"]
    for case, share in zip(cases, (1 / 2, 0, 2 / 3), strict=True):
        image = read(case.images["image"])
        assert np.mean(read_mask(case, image, labels=2)) == pytest.approx(share, abs=0.01)
        assert set(np.unique(read_mask(case, image, labels=2)).tolist()) <= {0, 1}
        shown = mask.look(case, image, labels)
        assert set(shown.counts) <= {"0", "1"}
        assert any("255 (65535 of 16 bits) is taken for the label" in n for n in shown.notes) == (share > 0)
    assert not mask.faults([(c, mask.look(c, read(c.images["image"]), labels)) for c in cases], labels)[2:]


def test_255_among_more_labels_is_what_it_is(tmp_path: Path) -> None:
    (case, *_) = cases = _pictures(tmp_path, [[0, 255], [0, 1, 2]])
    with pytest.raises(InputError, match="holds 255, expected whole numbers from 0 to 2"):
        read_mask(case, read(case.images["image"]), labels=3)
    with pytest.raises(
        InputError, match=r"c0: mask .*m0\.png holds 255; the masks hold 4 values .*--foreground NAME"
    ):
        mask.infer(cases)
    assert mask.infer(cases[1:]) == ["background", "label1", "label2"]


def test_what_the_reader_of_a_mask_notes_is_told(tmp_path: Path) -> None:
    array = np.zeros((4, 4, 4), np.float32)
    array[0], array[1, 0, 0] = 1.0002, np.nan
    nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / "m.nii.gz")
    case = Case("a", "a", {"image": tmp_path / "m.nii.gz"}, mask=tmp_path / "m.nii.gz")
    notes = mask.look(case, read(tmp_path / "m.nii.gz"), ["background", "organ"]).notes
    assert all(n.startswith("mask: ") for n in notes) and any("off a whole number" in n for n in notes)
