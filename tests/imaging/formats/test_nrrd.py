"""NRRD: voxels and world coordinates as SimpleITK and pynrrd write and read them; damage to an InputError."""

from __future__ import annotations

import gzip
from pathlib import Path

import nrrd
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.imaging.formats.nrrd import read_nrrd
from overread.imaging.read import read

LPS = np.diag([-1.0, -1, 1, 1])
RANDOM = np.random.default_rng(0)
VOLUME = RANDOM.integers(-300, 300, (4, 5, 6)).astype(np.int16)
DIRECTIONS = (Rotation.from_euler("xyz", (0.3, -0.5, 1.0)).as_matrix() * (0.7, 0.9, 2.5)).T


def header(**more) -> dict:
    return {
        "space": "left-posterior-superior",
        "space directions": DIRECTIONS,
        "space origin": np.array([-12.5, 3.25, 40.0]),
        "kinds": ["domain"] * 3,
    } | more


def itk_affine(image) -> np.ndarray:
    d = image.GetDimension()
    affine = np.eye(4)
    affine[:d, :d] = np.reshape(image.GetDirection(), (d, d)) * image.GetSpacing()
    affine[:d, 3] = image.GetOrigin()
    return LPS @ affine


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_as_simpleitk_writes_it(tmp_path: Path, dtype: str, packed: bool) -> None:
    sitk = pytest.importorskip("SimpleITK")
    array = RANDOM.integers(0, 100, (3, 4, 5)).astype(dtype)
    there = sitk.GetImageFromArray(array)
    there.SetSpacing((0.5, 0.6, 2))
    there.SetOrigin((1, -2, 3))
    there.SetDirection(Rotation.from_euler("xyz", (0.3, 0.2, -0.7)).as_matrix().ravel().tolist())
    for name in ("a.nrrd", "a.nhdr"):
        sitk.WriteImage(there, tmp_path / name, packed)
        image = read(tmp_path / name)
        np.testing.assert_array_equal(image.array[0], array.T)
        assert image.array.dtype == (np.float32 if dtype == "float64" else dtype)
        np.testing.assert_allclose(image.affine, itk_affine(there), atol=1e-6)
        assert image.notes == ()
        assert image.array.flags.writeable and image.array.flags.c_contiguous


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("detached", [False, True])
def test_encodings(tmp_path: Path, encoding: str, detached: bool) -> None:
    path = tmp_path / ("a.nhdr" if detached else "a.nrrd")
    nrrd.write(str(path), VOLUME, header(encoding=encoding), detached_header=detached)
    image = read_nrrd(path)
    np.testing.assert_array_equal(image.array[0], VOLUME)
    expected = np.eye(4)
    expected[:3, :3], expected[:3, 3] = DIRECTIONS.T, (-12.5, 3.25, 40.0)
    np.testing.assert_allclose(image.affine, LPS @ expected, atol=1e-9)


@pytest.mark.parametrize(
    ("space", "signs"),
    [("right-anterior-superior", (1, 1, 1)), ("RAS", (1, 1, 1)), ("left-anterior-superior", (-1, 1, 1))],
)
def test_other_spaces(tmp_path: Path, space: str, signs: tuple[int, ...]) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), VOLUME, header(space=space))
    image = read_nrrd(tmp_path / "a.nrrd")
    np.testing.assert_allclose(image.affine[:3, :3], np.diag(signs) @ DIRECTIONS.T, atol=1e-9)
    np.testing.assert_allclose(image.affine[:3, 3], np.multiply(signs, (-12.5, 3.25, 40.0)))
    sitk = pytest.importorskip("SimpleITK")
    if space.startswith("right"):
        np.testing.assert_allclose(image.affine, itk_affine(sitk.ReadImage(tmp_path / "a.nrrd")), atol=1e-6)


def test_real_files_equal_simpleitk(data_dir: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    files = sorted((data_dir / "dicom_seg_sr").rglob("*.nrrd"))
    assert len(files) > 8
    for path in files:
        image, there = read(path), sitk.ReadImage(path)
        np.testing.assert_array_equal(image.array[0], sitk.GetArrayFromImage(there).T, err_msg=str(path))
        np.testing.assert_allclose(image.affine, itk_affine(there), atol=1e-4, err_msg=str(path))


def test_axis_that_is_not_spatial_gives_channels(tmp_path: Path) -> None:
    both = np.stack([VOLUME, VOLUME + 1000])
    more = header(kinds=["vector", *["domain"] * 3])
    more["space directions"] = np.vstack([np.full(3, np.nan), DIRECTIONS])
    nrrd.write(str(tmp_path / "a.nrrd"), both, more)
    image = read_nrrd(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(image.array, both)
    last = header(kinds=[*["domain"] * 3, "list"])
    last["space directions"] = np.vstack([DIRECTIONS, np.full(3, np.nan)])
    nrrd.write(str(tmp_path / "b.nrrd"), np.moveaxis(both, 0, 3), last)
    np.testing.assert_array_equal(read_nrrd(tmp_path / "b.nrrd").array, both)
    last["kinds"][3] = "time"
    nrrd.write(str(tmp_path / "c.nrrd"), np.moveaxis(both, 0, 3), last)
    with pytest.raises(InputError, match="axis 3 of 2 is time"):
        read_nrrd(tmp_path / "c.nrrd")


def test_flat_images_are_rows_and_columns(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), VOLUME[0], {"spacings": np.array([0.4, 0.6])})
    image = read_nrrd(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(image.array[0], VOLUME[0].T)
    np.testing.assert_allclose(image.spacing, (0.6, 0.4))
    assert "names no anatomical space" in image.notes[0]
    nrrd.write(str(tmp_path / "b.nrrd"), VOLUME[0])
    image = read_nrrd(tmp_path / "b.nrrd")
    assert image.source["spacing_known"] is False


def test_units_and_what_must_be_noted(tmp_path: Path) -> None:
    more = header(**{"space units": ["microns"] * 3, "measurement frame": np.eye(3)})
    del more["space origin"]
    nrrd.write(str(tmp_path / "a.nrrd"), VOLUME, more)
    image = read_nrrd(tmp_path / "a.nrrd")
    np.testing.assert_allclose(image.spacing, (0.0007, 0.0009, 0.0025))
    text = "; ".join(image.notes)
    assert "lengths in microns" in text and "no space origin" in text and "measurement frame" in text
    nrrd.write(str(tmp_path / "b.nrrd"), VOLUME, header(**{"space units": ["furlong"] * 3}))
    with pytest.raises(InputError, match="furlong"):
        read_nrrd(tmp_path / "b.nrrd")


def test_list_and_pattern_of_data_files(tmp_path: Path) -> None:
    text = "NRRD0004\ntype: short\ndimension: 3\nsizes: 4 5 6\nencoding: raw\nendian: big\nspacings: 1 1 2\n"
    for k in range(6):
        (tmp_path / f"s{k:02d}.raw").write_bytes(VOLUME[:, :, k].astype(">i2").tobytes(order="F"))
    (tmp_path / "a.nhdr").write_text(
        text + "data file: LIST\n" + "".join(f"s{k:02d}.raw\n" for k in range(6))
    )
    (tmp_path / "b.nhdr").write_text(text + "data file: s%02d.raw 0 5 1\n")
    for name in ("a.nhdr", "b.nhdr"):
        np.testing.assert_array_equal(read_nrrd(tmp_path / name).array[0], VOLUME)
    (tmp_path / "c.nhdr").write_text(text + "data file: s%02d.raw 0 3 1\n")
    with pytest.raises(InputError, match="4 data files"):
        read_nrrd(tmp_path / "c.nhdr")


@pytest.mark.parametrize("name", ["../out.raw", "missing.raw"])
def test_data_files_lie_beside_the_header(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.raw").write_bytes(bytes(240))
    text = f"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 5 6\nencoding: raw\nendian: little\ndata file: {name}\n"
    (tmp_path / "in" / "a.nhdr").write_text(text)
    with pytest.raises(InputError, match="beside"):
        read_nrrd(tmp_path / "in" / "a.nhdr")


def test_absurd_sizes(tmp_path: Path) -> None:
    text = (
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 100000 100000 100000\nencoding: {}\nendian: little\n\n"
    )
    for encoding in ("raw", "gzip", "bzip2", "hex", "ascii"):
        (tmp_path / "a.nrrd").write_bytes(text.format(encoding).encode() + gzip.compress(bytes(100)))
        with pytest.raises(InputError, match="GiB that are read" if encoding == "bzip2" else "cannot hold"):
            read_nrrd(tmp_path / "a.nrrd")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"type: int16", b"type: block", "voxels are 'block'"),
        (b"encoding: raw", b"encoding: zstd", "encoding is 'zstd'"),
        (b"endian: little", b"endian: middle", "endian"),
        (b"sizes: 4 5 6", b"sizes: 4 5 -6", "has shape"),
        (b"sizes: 4 5 6", b"sizes: 4 5", "sizes"),
        (b"NRRD000", b"NRRX000", "does not start"),
    ],
)
def test_impossible_headers(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    path = tmp_path / "a.nrrd"
    nrrd.write(str(path), VOLUME, header(encoding="raw"))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_nrrd(path)


def test_singular_affine_and_four_unnamed_axes(tmp_path: Path) -> None:
    flat = header()
    flat["space directions"] = np.array([[1.0, 0, 0], [2, 0, 0], [0, 0, 1]])
    nrrd.write(str(tmp_path / "a.nrrd"), VOLUME, flat)
    with pytest.raises(InputError, match="singular"):
        read_nrrd(tmp_path / "a.nrrd")
    nrrd.write(str(tmp_path / "b.nrrd"), VOLUME[None])
    with pytest.raises(InputError, match="4 of its 4 axes are spatial"):
        read_nrrd(tmp_path / "b.nrrd")
