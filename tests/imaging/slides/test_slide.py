"""Whole slides: levels, microns per pixel, DICOM, and nothing leaks or is held that need not be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile

from overread.errors import InputError
from overread.imaging.read import read
from overread.imaging.slides.slide import Slide, read_slide
from overread.imaging.slides.sources import DicomSource

MPP = 0.5


def picture(width: int, height: int) -> np.ndarray:
    """A smooth colourful picture, so that halving and JPEG-free tiling can be compared."""
    y, x = np.mgrid[:height, :width]
    red = 127 + 100 * np.sin(x / 40)
    green = 127 + 100 * np.cos(y / 30)
    return np.stack([red, green, np.full_like(red, 60)], axis=-1).astype(np.uint8)


def write_pyramid(
    path: Path, finest: np.ndarray, levels: int = 3, mpp: float | None = MPP
) -> list[np.ndarray]:
    arrays = [finest]
    while len(arrays) < levels:
        a = arrays[-1].astype(np.float64)
        arrays.append(
            np.rint((a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4).astype(np.uint8)
        )
    with tifffile.TiffWriter(path) as file:
        for k, array in enumerate(arrays):
            how = {} if mpp is None else {"resolution": (1e4 / (mpp * 2**k),) * 2, "resolutionunit": 3}
            file.write(
                array, tile=(256, 256), photometric="rgb", compression="zlib", metadata=None,
                subfiletype=int(k > 0), **how,
            )  # fmt: skip
    return arrays


@pytest.fixture
def pyramid(tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
    pytest.importorskip("openslide")
    return tmp_path / "a.tiff", write_pyramid(tmp_path / "a.tiff", picture(1024, 768))


def test_levels_and_regions(pyramid) -> None:
    path, arrays = pyramid
    with read_slide(path) as slide:
        assert [level.size for level in slide.levels] == [(1024, 768), (512, 384), (256, 192)]
        assert slide.mpp == pytest.approx((MPP, MPP))
        assert slide.levels[2].mpp == pytest.approx((4 * MPP, 4 * MPP))
        for k, array in enumerate(arrays):
            image = slide.read_region((64, 128), (100, 50), level=k)
            x, y = 64 >> k, 128 >> k
            np.testing.assert_array_equal(image.array, array[y : y + 50, x : x + 100].transpose(2, 0, 1))
            np.testing.assert_allclose(image.spacing, (MPP * 2**k / 1000,) * 2)
            assert image.modality == "SM"


def test_microns_per_pixel(pyramid) -> None:
    path, _ = pyramid
    with read_slide(path) as slide:
        for k in range(3):
            at_level = slide.read_region((64, 128), (60, 50), level=k)
            at_mpp = slide.read_region((64, 128), (60, 50), mpp=MPP * 2**k)
            np.testing.assert_array_equal(at_level.array, at_mpp.array)
            # The first coarse pixel's centre is the middle of the fine ones that it stands for.
            centre = np.array([64, 128]) + (2**k - 1) / 2
            np.testing.assert_allclose(at_level.affine[:2, 3], -centre * MPP / 1000, rtol=1e-6)
        # Between levels: the smooth picture at the places that the affine tells.
        image = slide.read_region((100, 60), (80, 70), mpp=0.8)
        assert image.source["level"] == 0
        rows, columns = np.mgrid[:70, :80]
        place = (
            np.tensordot(image.affine[:3, :2], np.stack([rows, columns]), 1) + image.affine[:3, 3, None, None]
        )
        x, y = -place[0] * 1000 / MPP, -place[1] * 1000 / MPP
        np.testing.assert_allclose(image.array[0], 127 + 100 * np.sin(x / 40), atol=2)
        np.testing.assert_allclose(image.array[1], 127 + 100 * np.cos(y / 30), atol=2)
        assert slide.read_region((0, 0), (10, 10), mpp=3.0).source["level"] == 2
        # Finer than the slide itself: enlarged, from the finest level.
        assert slide.read_region((0, 0), (10, 10), mpp=0.1).source["level"] == 0


def test_background_beyond_the_slide(pyramid) -> None:
    path, arrays = pyramid
    with read_slide(path) as slide:
        image = slide.read_region((1000, 700), (100, 100), level=0)
        np.testing.assert_array_equal(image.array[:, :68, :24], arrays[0][700:, 1000:].transpose(2, 0, 1))
        assert (image.array[:, 68:] == 255).all() and (image.array[:, :, 24:] == 255).all()


def test_overview_is_the_whole_slide(pyramid) -> None:
    path, arrays = pyramid
    with read_slide(path) as slide:
        view = slide.overview(256)
        np.testing.assert_array_equal(view.array, arrays[2].transpose(2, 0, 1))
        small = slide.overview(100)
        assert max(small.spatial) == 100
        np.testing.assert_allclose(small.array.mean((1, 2)), arrays[0].mean((0, 1)), atol=2)


def test_overview_in_parts_is_seamless(pyramid, monkeypatch: pytest.MonkeyPatch) -> None:
    from overread.imaging.slides import slide as module

    path, _ = pyramid
    with read_slide(path) as slide:
        whole = slide.overview(150).array.astype(int)
        monkeypatch.setattr(module, "BLOCK", 64)
        parts = slide.overview(150).array.astype(int)
        assert np.abs(whole - parts).max() <= 6


def test_refusals(pyramid, tmp_path: Path) -> None:
    path, _ = pyramid
    with read_slide(path) as slide:
        for wrong in ({}, {"level": 0, "mpp": 1.0}, {"level": 3}, {"mpp": 0.0}):
            with pytest.raises(ValueError):
                slide.read_region((0, 0), (5, 5), **wrong)
        with pytest.raises(ValueError):
            slide.read_region((0, 0), (0, 5), level=0)
        with pytest.raises(InputError, match="too many at once"):
            slide.read_region((0, 0), (100_000, 100_000), level=0)
        with pytest.raises(InputError, match="no picture 'label'"):
            slide.associated("label")
    write_pyramid(tmp_path / "b.tiff", picture(512, 512), mpp=None)
    with read_slide(tmp_path / "b.tiff") as slide:
        assert slide.mpp is None
        with pytest.raises(InputError, match="no microns per pixel"):
            slide.read_region((0, 0), (5, 5), mpp=1.0)
        assert slide.read_region((0, 0), (5, 5), level=0).source["spacing_known"] is False
    (tmp_path / "c.svs").write_bytes(b"nothing of a slide")
    for name, message in (("c.svs", "whole slide"), ("d.svs", "no such file"), (".", "is a folder")):
        with pytest.raises(InputError, match=message):
            read_slide(tmp_path / name)


def test_damage_is_an_input_error(pyramid) -> None:
    path, _ = pyramid
    content = bytearray(path.read_bytes())
    for at in range(3000, len(content), 7):
        content[at] ^= 0x5A
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged|cannot be read"), read_slide(path) as slide:
        slide.read_region((0, 0), (1024, 768), level=0)


class WithLabel:
    """A source of one pixel beside a label and a thumbnail."""

    vendor, mpp, notes = "test", None, ()
    sizes = ((1, 1),)
    associated = ("label", "macro image", "thumbnail")

    def picture(self, name: str) -> np.ndarray:
        return np.zeros((2, 2, 3), np.uint8)

    def close(self) -> None:
        pass


def test_labels_do_not_leak() -> None:
    slide = Slide(Path("a.svs"), WithLabel())
    assert slide.associated("thumbnail").shape == (2, 2, 3)
    for name in ("label", "macro image"):
        with pytest.raises(InputError, match="may show names"):
            slide.associated(name)
        assert slide.associated(name, allow_label=True).shape == (2, 2, 3)


def test_read_points_to_read_slide(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"II*\0")
    with pytest.raises(InputError, match="read_slide"):
        read(tmp_path / "a.svs")


SM = ["sm_image.dcm", "sm_image_control.dcm", "sm_image_dots.dcm", "sm_image_grayscale.dcm",
      "sm_image_grayscale_reversed.dcm", "sm_image_jpegls.dcm", "sm_image_jpegls_nobot.dcm",
      "sm_image_numbers.dcm"]  # fmt: skip


@pytest.mark.parametrize("name", SM)
def test_dicom_equals_its_frames(data_dir: Path, name: str, tmp_path: Path) -> None:
    import shutil

    path = Path(shutil.copy(data_dir / "dicom_seg_sr" / "highdicom_test_files" / name, tmp_path))
    frames = pydicom.dcmread(path).pixel_array
    frames = frames.reshape(25, 10, 10, -1)
    whole = frames.reshape(5, 5, 10, 10, -1).swapaxes(1, 2).reshape(50, 50, -1)
    with read_slide(path) as slide:
        assert slide.size == (50, 50)
        assert slide.mpp == pytest.approx((0.499, 0.499), rel=1e-6)
        image = slide.read_region((0, 0), (50, 50), level=0)
        np.testing.assert_array_equal(image.array, whole.transpose(2, 0, 1))
        part = slide.read_region((13, 27), (30, 30), level=0)
        np.testing.assert_array_equal(part.array[:, :23], whole[27:, 13:43].transpose(2, 0, 1))
        assert image.array.dtype == frames.dtype
        coarse = slide.read_region((0, 0), (25, 25), mpp=0.998)
        means = whole.reshape(25, 2, 25, 2, -1).mean((1, 3)).mean((0, 1))
        np.testing.assert_allclose(coarse.array.mean((1, 2)), means, rtol=0.03)


def test_both_ways_to_dicom_agree(data_dir: Path, tmp_path: Path) -> None:
    import shutil

    pytest.importorskip("openslide")
    path = Path(shutil.copy(data_dir / "dicom_seg_sr" / "highdicom_test_files" / "sm_image.dcm", tmp_path))
    with read_slide(path) as one, Slide(path, DicomSource(path)) as other:
        assert one.levels == other.levels
        assert one._source.__class__ is not other._source.__class__
        for place in ((0, 0), (7, 3), (-5, 45)):
            a, b = (s.read_region(place, (20, 20), level=0) for s in (one, other))
            np.testing.assert_array_equal(a.array, b.array)
            np.testing.assert_array_equal(a.affine, b.affine)


def test_sparse_tiles_and_a_second_level(data_dir: Path, tmp_path: Path) -> None:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    ds = pydicom.dcmread(data_dir / "dicom_seg_sr" / "highdicom_test_files" / "sm_image_grayscale.dcm")
    frames = ds.pixel_array
    ds.DimensionOrganizationType = "TILED_SPARSE"
    groups = []
    for k in (3, 12):
        place = Dataset()
        place.ColumnPositionInTotalImagePixelMatrix = 1 + 10 * (k % 5)
        place.RowPositionInTotalImagePixelMatrix = 1 + 10 * (k // 5)
        group = Dataset()
        group.PlanePositionSlideSequence = Sequence([place])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    ds.NumberOfFrames = 2
    ds.PixelData = frames[[3, 12]].tobytes()
    ds.save_as(tmp_path / "fine.dcm")
    ds.SOPInstanceUID = "1.2.3.4"
    ds.TotalPixelMatrixColumns = ds.TotalPixelMatrixRows = 25
    ds.save_as(tmp_path / "coarse.dcm")
    with Slide(tmp_path / "coarse.dcm", DicomSource(tmp_path / "coarse.dcm")) as slide:
        assert [level.size for level in slide.levels] == [(50, 50), (25, 25)]
        expected = np.zeros((50, 50), np.uint16)
        expected[0:10, 30:40], expected[20:30, 20:30] = frames[3], frames[12]
        np.testing.assert_array_equal(slide.read_region((0, 0), (50, 50), level=0).array[0], expected)
    ds.NumberOfFrames = 3
    ds.save_as(tmp_path / "fine.dcm")
    with pytest.raises(InputError, match="2 tile positions for 3 frames"):
        DicomSource(tmp_path / "fine.dcm")


def test_dicom_refusals(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "dicom_seg_sr" / "highdicom_test_files"
    with pytest.raises(InputError, match="no whole slide"):
        DicomSource(folder / "ct_image.dcm")
    ds = pydicom.dcmread(folder / "sm_image_grayscale.dcm")
    ds.NumberOfFrames = 20
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="20 frames, expected 25"):
        DicomSource(tmp_path / "a.dcm")
    ds.NumberOfFrames = 25
    ds.PixelData = ds.PixelData[:2000]
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="cannot be decoded"):
        Slide(tmp_path / "a.dcm", DicomSource(tmp_path / "a.dcm")).read_region((0, 0), (50, 50), level=0)


def test_without_openslide(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    (tmp_path / "a.svs").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"pip install 'overread\[formats\]'"):
        read_slide(tmp_path / "a.svs")
    with read_slide(data_dir / "dicom_seg_sr" / "highdicom_test_files" / "sm_image.dcm") as slide:
        assert slide.size == (50, 50)


def test_tiles_in_constant_memory(tmp_path: Path) -> None:
    pytest.importorskip("openslide")
    side, tile = 8192, 512
    rng = np.random.default_rng(0)
    kinds = [np.full((tile, tile, 3), rng.integers(0, 255, 3), np.uint8) for _ in range(8)]
    with tifffile.TiffWriter(tmp_path / "a.tiff", bigtiff=True) as file:
        pieces = (kinds[k % 8] for k in range((side // tile) ** 2))
        file.write(
            pieces, shape=(side, side, 3), dtype=np.uint8, tile=(tile, tile), photometric="rgb", compression="zlib",
            compressionargs={"level": 1}, metadata=None, resolution=(20000, 20000), resolutionunit=3,
        )  # fmt: skip
    code = """if True:
        import resource, sys
        from overread.imaging.slides.slide import read_slide
        from overread.imaging.slides.tissue import tiles, tissue_mask
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with read_slide(sys.argv[1]) as slide:
            slide.read_region((0, 0), (1024, 1024), level=0)
            before, count = peak(), 0
            mask = tissue_mask(slide)
            for tile in tiles(slide, 1024, level=0, tissue=mask, min_tissue=0.1):
                count += tile.image.array.shape == (3, 1024, 1024)
        print(count, peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.tiff"], capture_output=True, text=True, check=True
    )
    count, grown = done.stdout.split()
    assert int(count) > 30
    # The slide has 192 MiB.
    assert float(grown) < 96


@pytest.mark.parametrize(
    ("resolution", "unit", "mpp"),
    [
        ((72, 72), "INCH", None),
        ((96, 96), "INCH", None),
        ((300, 300), "INCH", None),
        ((1, 1), "CENTIMETER", None),
        ((20_000, 20_000), "CENTIMETER", 0.5),
        ((1000, 1000), "CENTIMETER", 10.0),
    ],
)
def test_resolution_of_a_print_is_not_of_a_microscope(
    tmp_path: Path, resolution: tuple[int, int], unit: str, mpp: float | None
) -> None:
    pytest.importorskip("openslide")
    pixels = np.random.default_rng(0).integers(0, 255, (512, 768, 3)).astype(np.uint8)
    path = tmp_path / "s.tif"
    options = {"photometric": "rgb", "resolution": resolution, "resolutionunit": unit, "metadata": None}
    tifffile.imwrite(path, pixels, tile=(256, 256), **options)
    with read_slide(path) as slide:
        region = slide.read_region((0, 0), (8, 8), level=0)
        if mpp is None:
            assert slide.mpp is None and "no microscope" in slide.notes[0]
            assert region.source["spacing_known"] is False
        else:
            assert slide.mpp == pytest.approx((mpp, mpp)) and slide.notes == ()
