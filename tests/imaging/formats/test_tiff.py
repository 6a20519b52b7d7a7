"""TIFF: stacks, OME and ImageJ spacing, colour models and compressions; damage to an InputError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from overread.errors import InputError
from overread.imaging.read import read, read_label_raster

RANDOM = np.random.default_rng(0)
STACK = RANDOM.integers(0, 60000, (4, 5, 7)).astype(np.uint16)
RGB = RANDOM.integers(0, 256, (5, 7, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_every_type_of_picture_and_stack(tmp_path: Path, dtype: str, compression: str | None) -> None:
    path, stack = tmp_path / "a.tif", STACK.astype(dtype)
    tifffile.imwrite(path, stack[0], compression=compression, photometric="minisblack")
    image = read(path)
    np.testing.assert_array_equal(image.array[0], stack[0].astype(image.array.dtype))
    assert image.array.dtype == (np.float32 if dtype == "float64" else dtype)
    for big in (False, True):
        tifffile.imwrite(path, stack, compression=compression, photometric="minisblack", bigtiff=big)
        image = read(path)
        np.testing.assert_array_equal(image.array[0], stack.astype(image.array.dtype).T)
        assert image.source["spacing_known"] is False
        assert "distance of slices and size of pixels" in image.notes[0]
        # Columns run to the left, rows to posterior, slices to superior.
        np.testing.assert_array_equal(image.affine, np.diag([-1, -1, 1, 1]))
        assert image.array.flags.writeable


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_pages_that_only_pillow_unpacks(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    pages = [Pillow.fromarray(p) for p in STACK]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression=compression)
    np.testing.assert_array_equal(read(path).array[0], STACK.T)
    colour = [Pillow.fromarray(RGB), Pillow.fromarray(RGB[::-1])]
    colour[0].save(path, save_all=True, append_images=colour[1:], compression=compression)
    expected = np.stack([RGB, RGB[::-1]]).transpose(3, 2, 1, 0)
    np.testing.assert_array_equal(read(path).array, expected)
    # Resolution tags aside, a page in itself is the same picture.
    Pillow.fromarray(STACK[0]).save(path, compression=compression)
    np.testing.assert_array_equal(read(path).array[0], STACK[0])


def test_ome_spacing_and_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    about = {"axes": "CZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    both = np.stack([STACK, STACK // 2])
    tifffile.imwrite(path, both, metadata=about, ome=True, photometric="minisblack")
    image = read(path)
    np.testing.assert_array_equal(image.array, both.transpose(0, 3, 2, 1))
    np.testing.assert_allclose(image.spacing, (0.00025, 0.0005, 0.002))
    assert "spacing_known" not in image.source
    about |= {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "mm", "axes": "YX"}
    tifffile.imwrite(path, STACK[0], metadata=about, ome=True)
    np.testing.assert_allclose(read(path).spacing, (0.5, 0.25e-6))
    tifffile.imwrite(path, both, metadata={"axes": "TZYX"}, ome=True, photometric="minisblack")
    with pytest.raises(InputError, match="2 time points"):
        read(path)


def test_imagej_spacing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        STACK,
        imagej=True,
        resolution=(1 / 0.25, 1 / 0.5),
        metadata={"spacing": 3.0, "unit": "um", "axes": "ZYX"},
    )
    image = read(path)
    np.testing.assert_array_equal(image.array[0], STACK.T)
    np.testing.assert_allclose(image.spacing, (0.00025, 0.0005, 0.003), rtol=1e-5)


@pytest.mark.parametrize(
    ("per_unit", "unit", "expected"),
    [((100, 50), 3, (0.2, 0.1)), ((508, 254), 2, (0.1, 0.05)), ((96, 96), 2, None), ((72, 72), 2, None),
     ((1, 1), 2, None), ((100, 50), 1, None), ((0, 0), 3, None)],
)  # fmt: skip
def test_resolution_tags(tmp_path: Path, per_unit, unit: int, expected) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK[0], resolution=per_unit, resolutionunit=unit, metadata=None)
    image = read(path)
    if expected is None:
        assert image.spacing == (1, 1) and image.source["spacing_known"] is False
    else:
        np.testing.assert_allclose(image.spacing, expected)
        assert "spacing_known" not in image.source


def test_orientation_turns_pixels_and_spacing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tag = [(274, "H", 1, 6, True)]
    for array in (STACK[0], STACK[0].astype(np.uint8)):
        tifffile.imwrite(path, array, resolution=(100, 50), resolutionunit=3, extratags=tag, metadata=None)
        image = read(path)
        np.testing.assert_array_equal(image.array[0], np.rot90(array, -1))
        np.testing.assert_allclose(image.spacing, (0.1, 0.2))
        assert any("rotated" in n for n in image.notes)


def test_colour_models(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    deep = RANDOM.integers(0, 65536, (5, 7, 3)).astype(np.uint16)
    for planar in ("contig", "separate"):
        array = deep if planar == "contig" else deep.transpose(2, 0, 1)
        tifffile.imwrite(path, array, photometric="rgb", planarconfig=planar)
        np.testing.assert_array_equal(read(path).array, deep.transpose(2, 0, 1))
    tifffile.imwrite(
        path, np.concatenate([deep, deep[..., :1]], -1), photometric="rgb", extrasamples=["unassalpha"]
    )
    image = read(path)
    np.testing.assert_array_equal(image.array, deep.transpose(2, 0, 1))
    assert "transparency dropped" in image.notes
    tifffile.imwrite(path, STACK[0], photometric="miniswhite")
    image = read(path)
    np.testing.assert_array_equal(image.array[0], 65535 - STACK[0])
    assert "min-is-white inverted" in image.notes
    tifffile.imwrite(path, STACK[0].astype(np.uint8), photometric="miniswhite")
    np.testing.assert_array_equal(read(path).array[0], 255 - STACK[0].astype(np.uint8))
    table = RANDOM.integers(0, 65536, (3, 256)).astype(np.uint16)
    index = STACK.astype(np.uint8)
    tifffile.imwrite(path, index, photometric="palette", colormap=table)
    np.testing.assert_array_equal(read(path).array, (table >> 8)[:, index].transpose(0, 3, 2, 1))
    np.testing.assert_array_equal(read_label_raster(path), index.T)
    tifffile.imwrite(path, index[0], photometric="palette", colormap=table)
    np.testing.assert_array_equal(read_label_raster(path), index[0])
    tifffile.imwrite(path, np.zeros((5, 7, 4), np.uint16), photometric="separated")
    with pytest.raises(InputError, match="SEPARATED"):
        read(path)


def test_label_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack")
    np.testing.assert_array_equal(read_label_raster(path), STACK.T)
    np.testing.assert_array_equal(read_label_raster(path), read(path).array[0])
    tifffile.imwrite(path, STACK.astype(np.float32), photometric="minisblack")
    with pytest.raises(InputError, match="float32"):
        read_label_raster(path)


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(STACK[0])
        file.write(STACK[0][:3])
    with pytest.raises(InputError, match="2 images of shapes"):
        read(path)
    tifffile.imwrite(path, np.zeros((2, 3, 5, 7), np.uint8), photometric="minisblack")
    with pytest.raises(InputError, match="has axes"):
        read(path)
    for sides, message in (((100000, 100000), "too large"), ((60000, 6000), "cannot hold")):
        tifffile.imwrite(path, STACK[0])
        with tifffile.TiffFile(path, mode="r+b") as file:
            for name, side in zip(("ImageWidth", "ImageLength"), sides, strict=True):
                file.pages[0].tags[name].overwrite(side)
        with pytest.raises(InputError, match=message):
            read(path)
