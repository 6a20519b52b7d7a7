"""MetaImage: as SimpleITK writes it; damage to an InputError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.imaging.formats.metaimage import read_metaimage
from overread.imaging.read import read

LPS = np.diag([-1.0, -1, 1, 1])
RANDOM = np.random.default_rng(0)
VOLUME = RANDOM.integers(-300, 300, (4, 5, 6)).astype(np.int16)
HEADER = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 0.5 0.6 2\nDimSize = 4 5 6\n"
    "ElementType = MET_SHORT\n"
)


def write(
    path: Path, header: str = HEADER, data: bytes = VOLUME.tobytes(order="F"), file: str = "LOCAL"
) -> Path:
    path.write_bytes(f"{header}ElementDataFile = {file}\n".encode() + (data if file == "LOCAL" else b""))
    return path


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_as_simpleitk_writes_it(tmp_path: Path, dtype: str, packed: bool) -> None:
    sitk = pytest.importorskip("SimpleITK")
    array = RANDOM.integers(0, 100, (3, 4, 5)).astype(dtype)
    there = sitk.GetImageFromArray(array)
    there.SetSpacing((0.5, 0.6, 2))
    there.SetOrigin((1, -2, 3))
    direction = Rotation.from_euler("xyz", (0.3, 0.2, -0.7)).as_matrix()
    there.SetDirection(direction.ravel().tolist())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = direction * (0.5, 0.6, 2), (1, -2, 3)
    for name in ("a.mha", "b.mhd"):
        sitk.WriteImage(there, tmp_path / name, packed)
        image = read(tmp_path / name)
        np.testing.assert_array_equal(image.array[0], array.T)
        assert image.array.dtype == (np.float32 if dtype == "float64" else dtype)
        np.testing.assert_allclose(image.affine, LPS @ affine, atol=1e-9)
        assert image.notes == ()


def test_channels_and_flat_images(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    colour = RANDOM.integers(0, 255, (3, 4, 5, 3)).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(colour, isVector=True), tmp_path / "a.mha")
    np.testing.assert_array_equal(read(tmp_path / "a.mha").array, colour.T)
    flat = sitk.GetImageFromArray(colour[0, ..., 0])
    flat.SetSpacing((0.3, 0.7))
    sitk.WriteImage(flat, tmp_path / "b.mha")
    image = read(tmp_path / "b.mha")
    np.testing.assert_array_equal(image.array[0], colour[0, ..., 0])
    np.testing.assert_allclose(image.spacing, (0.7, 0.3))


def test_byte_order_header_size_and_lists(tmp_path: Path) -> None:
    big = HEADER.replace("MSB = False", "MSB = True")
    path = write(tmp_path / "a.mha", big, VOLUME.astype(">i2").tobytes(order="F"))
    np.testing.assert_array_equal(read_metaimage(path).array[0], VOLUME)
    for k in range(6):
        (tmp_path / f"s{k}.raw").write_bytes(b"junk" + VOLUME[:, :, k].tobytes(order="F"))
    for skip in ("HeaderSize = 4\n", "HeaderSize = -1\n"):
        for file in ("s%d.raw 0 5 1", "LIST\n" + "\n".join(f"s{k}.raw" for k in range(6))):
            path = write(tmp_path / "b.mhd", HEADER + skip, file=file)
            np.testing.assert_array_equal(read_metaimage(path).array[0], VOLUME)


def test_what_is_missing_is_noted(tmp_path: Path) -> None:
    lines = HEADER.splitlines(keepends=True)
    bare = "".join(t for t in lines if not t.startswith(("TransformMatrix", "ElementSpacing")))
    image = read_metaimage(write(tmp_path / "a.mha", bare))
    assert image.source["spacing_known"] is False
    assert any("no TransformMatrix" in n for n in image.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MET_SHORT", "MET_STRING", "ElementType"),
        ("DimSize = 4 5 6", "DimSize = 4 5", "sizes"),
        ("DimSize = 4 5 6", "DimSize = 4 5 0", "shape"),
        ("DimSize = 4 5 6", "DimSize = 40000 50000 60000", "cannot hold"),
        ("BinaryData = True", "BinaryData = False", "as text"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "singular"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0", "MetaImage"),
        ("NDims = 3\n", "", "lacks NDims"),
        ("CompressedData = False", "CompressedData = True", "MetaImage"),
    ],
)
def test_refusals(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in HEADER
    with pytest.raises(InputError, match=message):
        read_metaimage(write(tmp_path / "a.mha", HEADER.replace(old, new)))


def test_data_files_lie_beside_the_header(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.raw").write_bytes(VOLUME.tobytes())
    for file in ("../out.raw", "missing.raw"):
        with pytest.raises(InputError, match="beside"):
            read_metaimage(write(tmp_path / "in" / "a.mhd", file=file))
    with pytest.raises(InputError, match="no such file"):
        read_metaimage(tmp_path / "none.mha")
