"""NIfTI against nibabel, and its refusals."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.imaging.formats.nifti import read_nifti, write_nifti
from overread.imaging.read import read

AFFINE = np.array([[-0.5, 0, 0.1, 10], [0, 0.7, 0, -20], [0.05, 0, 3, 30], [0, 0, 0, 1]])


def test_real_volumes(data_dir: Path) -> None:
    for path in sorted((data_dir / "ct_spleen_and_spine_nifti").glob("*.nii.gz")):
        image, expected = read_nifti(path), nibabel.load(path)
        np.testing.assert_allclose(image.array[0], expected.get_fdata(), rtol=1e-6)
        np.testing.assert_array_equal(image.affine, expected.affine)
        assert image.spacing == pytest.approx(expected.header.get_zooms()[:3], rel=1e-4)
        assert image.array.dtype.kind == "f" or image.array.dtype == expected.get_data_dtype()


def test_real_volumes_equal_simpleitk(data_dir: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    files = sorted((data_dir / "ct_spleen_and_spine_nifti").glob("*.nii.gz"))
    files += sorted((data_dir / "msd_hippocampus_3d").rglob("hippocampus_00*.nii.gz"))
    assert len(files) >= 15
    for path in files:
        image, theirs = read_nifti(path), sitk.ReadImage(str(path))
        values = sitk.GetArrayFromImage(theirs).transpose(2, 1, 0)
        np.testing.assert_allclose(image.array[0], values, rtol=1e-4)
        last = tuple(n - 1 for n in image.spatial)
        for index in ((0, 0, 0), last, (last[0], 0, 0), (0, last[1], 0)):
            lps = image.affine @ [*index, 1] * [-1, -1, 1, 1]
            np.testing.assert_allclose(lps[:3], theirs.TransformIndexToPhysicalPoint(index), atol=1e-3)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_round_trip(tmp_path: Path, suffix: str, dtype) -> None:
    array = np.random.default_rng(0).integers(0, 200, (4, 5, 6)).astype(dtype)
    write_nifti(tmp_path / f"a{suffix}", array, AFFINE)
    image = read_nifti(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(image.array[0], array)
    assert image.array.dtype == dtype
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    assert image.notes == ()
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


def test_same_content_gives_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_nifti(tmp_path / f"{name}.nii.gz", np.ones((3, 3, 3), bool), AFFINE)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert read_nifti(tmp_path / "a.nii.gz").array.dtype == np.uint8


def test_channels_come_first(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((3, 4, 5, 2)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, AFFINE), tmp_path / "a.nii")
    np.testing.assert_array_equal(read_nifti(tmp_path / "a.nii").array, np.moveaxis(array, -1, 0))
    nibabel.save(nibabel.Nifti1Image(array[:, :, :, None], AFFINE), tmp_path / "b.nii")
    np.testing.assert_array_equal(read_nifti(tmp_path / "b.nii").array, np.moveaxis(array, -1, 0))


def test_scaled_values_and_big_endian(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(np.arange(24, dtype=">i2").reshape(2, 3, 4), AFFINE, header)
    image.header.set_slope_inter(0.5, -3)
    nibabel.save(image, tmp_path / "a.nii")
    found = read_nifti(tmp_path / "a.nii").array
    assert found.dtype == np.float32 and found.dtype.isnative
    np.testing.assert_allclose(found[0], nibabel.load(tmp_path / "a.nii").get_fdata(), rtol=1e-6)


def test_doubts_are_noted(tmp_path: Path) -> None:
    array = np.ones((2, 2, 2), np.float32)
    array[0, 0, 0] = np.nan
    image = nibabel.Nifti1Image(array, None)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    found = read_nifti(tmp_path / "a.nii")
    text = " ".join(found.notes)
    for part in ("1 voxels were not finite", "left and right are not known", "micrometres became mm"):
        assert part in text
    assert np.isfinite(found.array).all()
    assert max(found.spacing) < 0.01


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001), ("mm", 1)])
def test_units_scale_spacing_and_origin(tmp_path: Path, unit: str, factor: float) -> None:
    affine = AFFINE / factor
    affine[3, 3] = 1
    image = nibabel.Nifti1Image(np.ones((2, 3, 4), np.uint8), affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_nifti(tmp_path / "a.nii").affine, AFFINE, atol=1e-4)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_nifti(tmp_path / "a.nii")
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 2, 2), np.complex64), AFFINE), tmp_path / "c.nii")
    with pytest.raises(InputError, match="voxels are complex64"):
        read_nifti(tmp_path / "c.nii")
    flat = nibabel.Nifti1Image(np.ones((2, 2, 2), np.uint8), None)
    flat.header.set_sform(np.diag([1, 1, 0, 1]), code=1)
    nibabel.save(flat, tmp_path / "s.nii")
    with pytest.raises(InputError, match="singular"):
        read_nifti(tmp_path / "s.nii")
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 2, 2, 3, 2), np.uint8), AFFINE), tmp_path / "t.nii")
    with pytest.raises(InputError, match="one time point"):
        read_nifti(tmp_path / "t.nii")
    with pytest.raises(InputError, match=r"\.nii"):
        write_nifti(tmp_path / "x.img", np.ones((2, 2, 2)), AFFINE)
    with pytest.raises(InputError, match="do not fit"):
        write_nifti(tmp_path / "x.nii", np.full((2, 2, 2), 2**40), AFFINE)
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage(tmp_path: Path, suffix: str, data) -> None:
    whole = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), AFFINE).to_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, 360))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(content) if suffix == ".nii.gz" else content)
    try:
        assert np.isfinite(read_nifti(path).array).all()
    except InputError as error:
        assert str(path) in str(error) and "\n" not in str(error)


def test_gzip_of_several_members_and_of_wrong_bits(tmp_path: Path) -> None:
    array = np.random.default_rng(3).integers(0, 9, (90, 80, 70)).astype(np.int16)
    content = nibabel.Nifti1Image(array, AFFINE).to_bytes()
    path = tmp_path / "a.nii.gz"
    whole = gzip.compress(content)
    parts = [gzip.compress(content[a:b]) for a, b in ((0, 100_000), (100_000, 700_001), (700_001, None))]
    for packed in (whole, whole + bytes(512), b"".join(parts), whole + gzip.compress(b"more")):
        path.write_bytes(packed)
        found = read_nifti(path).array[0]
        np.testing.assert_array_equal(found, array)
        found += 1
    # The checksum at the end, and a stored block's bit in the middle.
    flipped = bytearray(whole)
    flipped[-6] ^= 1
    stored = bytearray(gzip.compress(content, 0))
    stored[len(stored) // 2] ^= 1
    for damaged in (flipped, stored):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a.nii.gz: cannot be read as NIfTI"):
            read_nifti(path)


ROWS = np.arange(15, dtype=np.uint16).reshape(3, 5)


def test_a_picture_has_rows_and_columns_as_from_every_format(tmp_path: Path) -> None:
    """The file's first axis counts columns, as SimpleITK and dcm2niix write it."""
    nibabel.Nifti1Image(ROWS.T.copy(), np.diag([-0.5, -0.25, 1, 1])).to_filename(tmp_path / "a.nii")
    image = read_nifti(tmp_path / "a.nii")
    np.testing.assert_array_equal(image.array[0], ROWS)
    assert image.spacing == pytest.approx((0.25, 0.5))
    np.testing.assert_allclose(image.affine @ [2, 4, 0, 1], [-2, -0.5, 0, 1])
    assert image.array.flags.c_contiguous and image.array.flags.writeable
    write_nifti(tmp_path / "b.nii.gz", image.array[0], image.affine)
    again = read_nifti(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(again.array, image.array)
    np.testing.assert_allclose(again.affine, image.affine)


def test_a_picture_as_simpleitk_reads_it(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    there = sitk.GetImageFromArray(ROWS)
    there.SetSpacing((0.5, 0.25))
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        sitk.WriteImage(there, tmp_path / name)
        image = read(tmp_path / name)
        np.testing.assert_array_equal(image.array[0], ROWS)
        assert image.spacing == pytest.approx((0.25, 0.5))


def headed(tmp_path: Path, sform: bool = True, **fields: float) -> Path:
    """A good volume with some fields of its header changed."""
    affine = np.diag([2.0, 2, 3, 1])
    affine[:3, 3] = -10, -20, -30
    image = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), affine)
    image.set_sform(affine, int(sform))
    image.set_qform(affine, 1)
    content = bytearray(image.to_bytes())
    header = np.frombuffer(content, nibabel.Nifti1Header.template_dtype, 1)
    for name, value in fields.items():
        header[name] = value
    path = tmp_path / "a.nii"
    path.write_bytes(bytes(content))
    return path


LONG = dict(zip(("quatern_b", "quatern_c", "quatern_d"), (0.8, 0.5, 0.3317), strict=True))


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        (LONG, "the qform is damaged"),
        ({"quatern_b": np.nan}, "the qform is damaged|differ"),
        ({"quatern_b": 5.0}, "the qform is damaged"),
        ({"xyzt_units": 7}, "code 7 of the units"),
        ({"xyzt_units": 5}, "code 5 of the units"),
        ({"xyzt_units": 2 | 56}, ""),
        ({"intent_code": 9999}, ""),
        ({"slice_code": 99}, ""),
    ],
    ids=lambda v: str(v)[:40],
)
def test_what_the_header_says_beside_stops_nothing(
    tmp_path: Path, fields: dict[str, float], note: str
) -> None:
    path = headed(tmp_path, **fields)
    image = read_nifti(path)
    np.testing.assert_allclose(image.affine, nibabel.load(path).get_sform())
    assert re.search(note, " ".join(image.notes)) and (bool(note) or not image.notes)


def test_a_qform_that_rounding_made_too_long(tmp_path: Path) -> None:
    path = headed(tmp_path, sform=False, **LONG)
    image = read_nifti(path)
    np.testing.assert_allclose(image.spacing, (2, 2, 3), rtol=1e-6)
    assert "shortened" in image.notes[0]
    with pytest.raises(InputError, match="longer than 1"):
        read_nifti(headed(tmp_path, sform=False, quatern_b=1.2))
