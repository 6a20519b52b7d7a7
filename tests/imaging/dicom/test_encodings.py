"""Transfer syntaxes, photometric interpretations and odd bits: the same picture however it is written."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset, FileDataset, Sequence
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from overread.errors import InputError
from overread.imaging.dicom.series import read_datasets, read_series

Make = Callable[..., FileDataset]
Save = Callable[..., Path]
TWELVE = {"BitsStored": 12, "HighBit": 11}
HTJ2K = (
    "/0//UQApQAAAAAAQAAAADAAAAAAAAAAAAAAAEAAAAAwAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQ"
    "kJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAUoAAf+TwAAmNfoFB3QAAMAAEsAAE0AAEoBoAod0AM7+Agd0APoAR3QA"
    "wAAVEAAE0AAEwJxA4VcBArQAfIoAQjQAwfMAIjQAwAAWnAABakAAFqB4j/WJbAPF1IJnggBn/4QARrgAeivnSaTF/wGykkr5BXv8AAEuuAC4/fkr"
    "ISYAJSezrw5tAs4IgLuXAMAALvYAAXcwAAuzqyvA4FWiwBqwokWGhIFRCWRd6SpoVUkRVLECC7IVK8EUlcCCrhXBQBWYBqk5+AyE7UcMcHCAAQ0I"
    "ADhfANUVAYwKTOBKoFrRBqqoVAVKdO1aKVApaO0STAyELzjaqqdCueJqEWij4AisDNCg0CCEAAYEAGhfAK1a2bVgKwy60uVytbJgK66uGLTqyhWD"
    "urqiq9WuBbt2FfMNSnUNt1T9XeAQB/4QgKRRAf/Z"
)
"""A picture of 12 x 16 pixels by the formula in the test, encoded by OpenJPH 0.26.3 (reversible)."""


def gray(rows: int = 40, columns: int = 48, top: int = 4095) -> np.ndarray:
    r, c = np.mgrid[:rows, :columns]
    return ((r * 37 + c * 101 + (r * c) % 7 * 50) % (top + 1)).astype(np.uint16)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless]
)
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_syntaxes(make_slice: Make, tmp_path: Path, syntax: UID, signed: bool) -> None:
    pixels = gray().astype(np.int16) - 2048 if signed else gray()
    ds = make_slice(0, pixels, **TWELVE)
    if syntax.is_encapsulated:
        ds.compress(syntax)
    else:
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "a.dcm"
    pydicom.dcmwrite(path, ds, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    image = read_series(path)
    np.testing.assert_array_equal(image.array[0], pixels)
    assert image.notes == ()


@pytest.mark.parametrize(
    ("command", "worst"),
    [
        (("dcmcjpeg", "+e1"), 0),
        (("dcmcjpeg", "+el"), 0),
        (("dcmcjpeg", "+ee", "+q", "100"), 3),
        (("dcmcjpls", "+el"), 0),
        (("dcmcjpls", "+en", "+md", "2"), 2),
        (("dcmcrle",), 0),
        (("dcmconv", "+td"), 0),
        (("dcmconv", "+tb"), 0),
    ],
    ids=lambda c: "".join(c) if isinstance(c, tuple) else "",
)
def test_written_by_dcmtk(make_slice: Make, save_series: Save, tmp_path: Path, command, worst: int) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} of DCMTK is not installed")
    made = [make_slice(k, gray(), **TWELVE) for k in range(3)]
    folder, out = save_series(made), tmp_path / "out"
    out.mkdir()
    for file in sorted(folder.iterdir()):
        subprocess.run([*command, file, out / file.name], check=True, capture_output=True)
    image = read_series(out)
    off = np.abs(image.array[0, :, :, 1].astype(int) - gray().T)
    assert off.max() <= worst
    assert (
        pydicom.dcmread(next(out.iterdir())).file_meta.TransferSyntaxUID
        != made[0].file_meta.TransferSyntaxUID
    )


def test_high_throughput_jpeg_2000(make_slice: Make) -> None:
    pixels = gray(12, 16)
    ds = make_slice(0, pixels)
    ds.PixelData = encapsulate([base64.b64decode(HTJ2K)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = HTJ2KLossless
    np.testing.assert_array_equal(read_datasets([ds]).array[0], pixels)


def test_video_is_refused_by_name(make_slice: Make) -> None:
    ds = make_slice()
    ds.PixelData = encapsulate([bytes(64)])
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    with pytest.raises(InputError, match=r"transfer syntax MPEG-4 AVC/H\.264 .* cannot be decoded"):
        read_datasets([ds])


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize(("stored", "high"), [(12, 15), (10, 12), (9, 8)])
def test_high_bit_elsewhere(make_slice: Make, dtype: type, stored: int, high: int) -> None:
    values = np.arange(-(1 << (stored - 1)), 1 << (stored - 1), 7)[:60].reshape(6, 10)
    values = values if dtype == np.int16 else values + (1 << (stored - 1))
    pixels = (values.astype(np.int64) << (high + 1 - stored)).astype(np.uint16).view(dtype)
    # Whatever lies in the unused bits is ignored.
    mask = ((1 << stored) - 1) << (high + 1 - stored)
    noise = np.random.default_rng(0).integers(0, 1 << 16, (6, 10)) & ~mask & 0xFFFF
    made = make_slice(0, (pixels.view(np.uint16) & mask | noise).astype(np.uint16).view(dtype))
    made.BitsStored, made.HighBit = stored, high
    image = read_datasets([made])
    np.testing.assert_array_equal(image.array[0], values)
    assert len(image.notes) == 1


def test_impossible_high_bit_is_noted(make_slice: Make) -> None:
    image = read_datasets([make_slice(0, gray(), BitsStored=12, HighBit=3)])
    np.testing.assert_array_equal(image.array[0], gray())
    assert image.notes == ("HighBit 3 cannot be with BitsStored 12 and was taken as 11",)


def test_overlays_in_the_pixels_and_beside_them(make_slice: Make) -> None:
    drawn = gray()
    drawn[5:9, 5:9] |= 0x8000
    inside = make_slice(0, drawn, **TWELVE)
    inside.add_new(0x60000010, "US", 40)
    inside.add_new(0x60000011, "US", 48)
    inside.add_new(0x60000102, "US", 15)
    image = read_datasets([inside])
    np.testing.assert_array_equal(image.array[0], gray())
    assert image.notes == ("overlay graphics in the unused bits of the pixels were left out",)
    beside = make_slice(0, gray(), **TWELVE)
    beside.add_new(0x60003000, "OW", bytes(40 * 48 // 8))
    image = read_datasets([beside])
    np.testing.assert_array_equal(image.array[0], gray())
    assert image.notes == ("overlay graphics were left out",)


def test_one_bit_per_pixel(make_slice: Make) -> None:
    bits = np.random.default_rng(3).integers(0, 2, (6, 5)).astype(np.uint8)
    ds = make_slice(0, bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    np.testing.assert_array_equal(read_datasets([ds]).array[0], bits)


def test_float_pixels(make_slice: Make) -> None:
    values = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    ds = make_slice(
        0, np.zeros((6, 5)), BitsAllocated=32, BitsStored=None, HighBit=None, PixelRepresentation=None
    )
    del ds.PixelData
    ds.FloatPixelData = values.tobytes()
    image = read_datasets([ds])
    assert image.array.dtype == np.float32
    np.testing.assert_array_equal(image.array[0], values)


def test_planar_colour_and_ybr(make_slice: Make) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    planar = make_slice(0, rgb, PlanarConfiguration=1)
    planar.PixelData = np.moveaxis(rgb, -1, 0).tobytes()
    np.testing.assert_array_equal(read_datasets([planar]).array, np.moveaxis(rgb, -1, 0))
    r, g, b = np.moveaxis(rgb.astype(float), -1, 0)
    # ITU-R BT.601 as PS3.3 C.7.6.3.1.2 gives it for YBR_FULL.
    y = 0.2990 * r + 0.5870 * g + 0.1140 * b
    cb = -0.1687 * r - 0.3313 * g + 0.5000 * b + 128
    cr = 0.5000 * r - 0.4187 * g - 0.0813 * b + 128
    ybr = np.rint(np.clip(np.stack([y, cb, cr], -1), 0, 255)).astype(np.uint8)
    found = read_datasets([make_slice(0, ybr, PhotometricInterpretation="YBR_FULL")]).array
    assert np.abs(found.astype(int) - np.moveaxis(rgb, -1, 0)).max() <= 2


@pytest.mark.parametrize("depth", [8, 16])
def test_palette(make_slice: Make, depth: int) -> None:
    indices = np.array([[0, 1, 2], [3, 2, 9]], np.uint8)
    table = np.random.default_rng(depth).integers(0, 1 << depth, (3, 4)).astype(np.uint16)
    ds = make_slice(0, indices, PhotometricInterpretation="PALETTE COLOR")
    for name, column in zip(("Red", "Green", "Blue"), table, strict=True):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [4, 0, depth])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        content = column.astype(np.uint8 if depth == 8 else np.uint16).tobytes()
        setattr(ds, f"{name}PaletteColorLookupTableData", content)
    # An index beyond the table takes its last entry (PS3.3 C.7.6.3.1.5).
    np.testing.assert_array_equal(read_datasets([ds]).array, table[:, np.minimum(indices, 3)])


def test_windows_and_padding_are_facts(make_slice: Make) -> None:
    ds = make_slice(
        0,
        gray().astype(np.int16),
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=[40, 600],
        WindowWidth=[80, 2800],
        WindowCenterWidthExplanation=["BRAIN", "BONE"],
        VOILUTFunction="LINEAR_EXACT",
    )
    ds.add_new("PixelPaddingValue", "SS", -2000)
    image = read_datasets([ds])
    assert image.source["window"] == ((40.0, 80.0, "BRAIN"), (600.0, 2800.0, "BONE"))
    assert image.source["voi_lut_function"] == "LINEAR_EXACT"
    assert image.source["pixel_padding"] == -3024
    np.testing.assert_array_equal(image.array[0], gray().astype(int) - 1024)
    ds.add_new("PixelPaddingRangeLimit", "SS", -1990)
    lut = Dataset()
    lut.LUTDescriptor = [2, 0, 8]
    ds.VOILUTSequence = Sequence([lut])
    image = read_datasets([ds])
    assert image.source["pixel_padding"] == (-3024, -3014)
    assert image.source["voi_lut"] is True


def test_facts_of_inverted_values_are_inverted_too(make_slice: Make) -> None:
    pixels = np.array([[0, 63], [600, 1023]], np.uint16)
    ten = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 10, "HighBit": 9, "Modality": "CR"}
    ds = make_slice(0, pixels, **ten, RescaleSlope=2, RescaleIntercept=-5, WindowCenter=1195, WindowWidth=100)
    ds.add_new("PixelPaddingValue", "US", 63)
    image = read_datasets([ds])
    # The window's centre and the padding are those of the pixels that they were set for.
    assert image.source["window"][0][:2] == (image.array[0, 1, 0], 100)
    assert image.source["pixel_padding"] == image.array[0, 0, 1]
    plain = make_slice(0, pixels, **ten | {"PhotometricInterpretation": "MONOCHROME2"}, WindowCenter=300)
    plain.WindowWidth = 50
    assert read_datasets([plain]).source["window"][0][0] == 300


def test_monochrome1_is_inverted_after_the_modality_lut(make_slice: Make) -> None:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 0, 16])
    table.add_new("LUTData", "US", [0, 100, 1000, 65535])
    pixels = np.array([[0, 1], [2, 3]], np.uint16)
    lut = Sequence([table])
    ds = make_slice(
        0, pixels, PhotometricInterpretation="MONOCHROME1", Modality="CR", ModalityLUTSequence=lut
    )
    ds.WindowCenter, ds.WindowWidth = 1000, 10
    image = read_datasets([ds])
    np.testing.assert_array_equal(image.array[0], [[65535, 65435], [64535, 0]])
    assert image.source["window"][0][0] == 64535


def test_padding_written_as_the_bits_of_a_negative_value(make_slice: Make) -> None:
    ds = make_slice(
        0, np.array([[-2000, 5]], np.int16), Modality="CT", RescaleSlope=1, RescaleIntercept=-1024
    )
    ds.add_new("PixelPaddingValue", "US", 65536 - 2000)
    assert read_datasets([ds]).source["pixel_padding"] == -3024


def test_a_mosaic_is_no_picture(make_slice: Make) -> None:
    with pytest.raises(InputError, match="mosaic"):
        read_datasets([make_slice(ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])])


def test_jpeg_with_a_wrong_scan_header_is_repaired() -> None:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    image = read_series(folder / "JPEG-lossy.dcm")
    assert "JPEG scan header corrected" in image.notes[0]
    np.testing.assert_array_equal(image.array, read_series(folder / "JPGExtended.dcm").array)
    sitk = pytest.importorskip("SimpleITK")
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "JPEG-lossy.dcm")))
    assert np.abs(image.array.astype(int) - theirs).max() <= 1
