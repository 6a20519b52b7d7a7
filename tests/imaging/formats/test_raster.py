"""PNG, JPEG, TIFF: every mode to the stated array, damage to an InputError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.errors import InputError
from overread.imaging.formats.raster import oriented, write_png
from overread.imaging.read import read_label_raster, read_raster

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 256, (5, 7)).astype(np.uint8)
RGB = RANDOM.integers(0, 256, (5, 7, 3)).astype(np.uint8)
DEEP = RANDOM.integers(0, 65536, (5, 7)).astype(np.uint16)


def test_gray_colour_and_deep(tmp_path: Path) -> None:
    for array in (GRAY, DEEP, RGB):
        write_png(tmp_path / "a.png", array)
        image = read_raster(tmp_path / "a.png")
        expected = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
        np.testing.assert_array_equal(image.array, expected)
        assert image.array.dtype == array.dtype
        assert image.spacing == (1.0, 1.0)
        assert "without physical spacing" in image.notes[0]
        assert image.source["spacing_known"] is False
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_rows_run_to_posterior_and_columns_to_left(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", GRAY)
    affine = read_raster(tmp_path / "a.png").affine
    np.testing.assert_array_equal(affine @ [1, 0, 0, 0], [0, -1, 0, 0])
    np.testing.assert_array_equal(affine @ [0, 1, 0, 0], [-1, 0, 0, 0])


@pytest.mark.parametrize("kind", ["LA", "RGBA"])
def test_alpha_is_dropped(tmp_path: Path, kind: str) -> None:
    solid = GRAY[..., None] if kind == "LA" else RGB
    alpha = RANDOM.integers(0, 256, (5, 7, 1)).astype(np.uint8)
    Pillow.fromarray(np.concatenate([solid, alpha], axis=2)).save(tmp_path / "a.png")
    image = read_raster(tmp_path / "a.png")
    np.testing.assert_array_equal(image.array, np.moveaxis(solid, -1, 0))
    assert "transparency dropped" in image.notes


def test_palette(tmp_path: Path) -> None:
    index = (GRAY % 3).astype(np.uint8)
    picture = Pillow.fromarray(index)
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / "a.png")
    image = read_raster(tmp_path / "a.png")
    np.testing.assert_array_equal(image.array, (index == np.arange(3)[:, None, None]) * np.uint8(255))
    assert any("mode P" in note for note in image.notes)
    np.testing.assert_array_equal(read_label_raster(tmp_path / "a.png"), index)


def test_tiff_float_and_jpeg(tmp_path: Path) -> None:
    Pillow.fromarray(DEEP.astype(np.float32) / 7).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif").array[0], DEEP.astype(np.float32) / 7)
    Pillow.fromarray(np.full((8, 8), 90, np.uint8)).save(tmp_path / "a.jpg")
    assert np.abs(read_raster(tmp_path / "a.jpg").array.astype(int) - 90).max() <= 1


def test_exif_rotation(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.fromarray(GRAY).save(tmp_path / "a.png", exif=exif)
    image = read_raster(tmp_path / "a.png")
    np.testing.assert_array_equal(image.array[0], np.rot90(GRAY, -1))
    assert any("EXIF" in note for note in image.notes)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colour_of_16_bit(tmp_path: Path, suffix: str, samples: int) -> None:
    sitk = pytest.importorskip("SimpleITK")
    deep = RANDOM.integers(0, 65536, (9, 11, samples)).astype(np.uint16)
    for packed in (False, True):
        sitk.WriteImage(sitk.GetImageFromArray(deep, isVector=True), tmp_path / f"a.{suffix}", packed)
        image = read_raster(tmp_path / f"a.{suffix}")
        assert image.array.dtype == np.uint16
        np.testing.assert_array_equal(image.array, np.moveaxis(deep[..., :3], -1, 0))
        assert ("transparency dropped" in image.notes) == (samples == 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_16_bit_colour(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(tmp_path / "a.png")))
    np.testing.assert_array_equal(oriented(RGB, orientation), expected)
    np.testing.assert_array_equal(read_raster(tmp_path / "a.png").array, np.moveaxis(expected, -1, 0))


def test_gray_with_alpha_of_16_bit_is_reduced_with_a_note(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + np.stack([r, r], -1).astype(">u2").tobytes() for r in DEEP)
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 4, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    image = read_raster(tmp_path / "a.png")
    np.testing.assert_array_equal(image.array[0], DEEP >> 8)
    assert "16 bit reduced to 8 bit" in image.notes


def test_the_first_of_a_cameras_pictures(tmp_path: Path) -> None:
    one = Pillow.fromarray(np.full((16, 16), 90, np.uint8))
    one.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[one.resize((8, 8))])
    image = read_raster(tmp_path / "a.jpg")
    assert image.spatial == (16, 16)
    assert "the first of 2 pictures" in image.notes[1]


def test_labels(tmp_path: Path) -> None:
    for array in (GRAY, DEEP):
        write_png(tmp_path / "a.png", array)
        np.testing.assert_array_equal(read_label_raster(tmp_path / "a.png"), array)
    Pillow.fromarray(GRAY > 99).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_label_raster(tmp_path / "a.png"), GRAY > 99)
    write_png(tmp_path / "a.png", RGB)
    with pytest.raises(InputError, match="mode is RGB"):
        read_label_raster(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Pillow.fromarray(RANDOM.integers(0, 256, (40, 50)).astype(np.uint8)).save(path)
    content = path.read_bytes()
    for end in range(0, len(content) * 9 // 10, 29):
        path.write_bytes(content[:end])
        with pytest.raises(InputError, match=f"a.{suffix}"):
            read_raster(path)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_raster(tmp_path / "a.png")
    pages = [Pillow.fromarray(GRAY), Pillow.fromarray(GRAY)]
    pages[0].save(tmp_path / "a.png", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="2 pages"):
        read_raster(tmp_path / "a.png")
    for array in (GRAY.astype(np.float32), np.zeros((2, 2, 4), np.uint8), RGB.astype(np.uint16)):
        with pytest.raises(InputError, match="a PNG holds"):
            write_png(tmp_path / "b.png", array)
    assert not (tmp_path / "b.png").exists()
