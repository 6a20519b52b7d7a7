"""Burned-in text: blanked where declared, and nowhere else; held back where it is not."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, examples
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array

from overread.deidentify import Key, WithheldError, deidentify_dataset
from overread.deidentify.pixels import cut_to_size
from overread.deidentify.regions import boxes_for, load_regions
from overread.errors import InputError

Small = Callable[..., Dataset]


def test_a_box_is_blanked_and_the_rest_is_not(small: Small, key: Key) -> None:
    source = small(BurnedInAnnotation="YES")
    with pytest.raises(WithheldError, match="burned-in"):
        deidentify_dataset(source, key)
    assert deidentify_dataset(source, key, allow_burned_in=True)[0].BurnedInAnnotation == "YES"
    new, changes = deidentify_dataset(source, key, boxes=[(1, 0, 3, 2)])
    before, after = source.pixel_array, new.pixel_array
    assert (after[:2, 1:3] == 100).all()
    after[:2, 1:3] = before[:2, 1:3]
    assert np.array_equal(before, after)
    assert new.BurnedInAnnotation == "NO"
    assert "113101" in [i.CodeValue for i in new.DeidentificationMethodCodeSequence]
    assert ("PixelData", "regions blanked") in {(c.keyword, c.action) for c in changes}


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_2frame.dcm", "examples_palette.dcm"])
def test_every_frame_and_colour(name: str, key: Key) -> None:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} is in pydicom-data, which is not installed")
    source = dcmread(path)
    x, y = source.Columns // 2, source.Rows // 2
    new, _ = deidentify_dataset(source, key, boxes=[(x, y, x + 9, y + 7)])
    assert not new.file_meta.TransferSyntaxUID.is_encapsulated
    frames = int(source.get("NumberOfFrames", 1))
    shape = (frames, source.Rows, source.Columns, source.SamplesPerPixel)
    before, after = pixel_array(source).reshape(shape), pixel_array(new).reshape(shape).copy()
    box = (slice(None), slice(y, y + 7), slice(x, x + 9))
    assert (after[box] == 0).all() and (before[box] != 0).any()
    after[box] = before[box]
    assert np.array_equal(before, after)


def test_planar_colours_and_bright_zero(small: Small, key: Key) -> None:
    rgb = small(
        SamplesPerPixel=3,
        PlanarConfiguration=1,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=bytes(range(72)),
    )
    new, _ = deidentify_dataset(rgb, key, boxes=[(0, 0, 2, 1)])
    planes = np.frombuffer(new.PixelData, np.uint8).reshape(3, 4, 6)
    assert (planes[:, 0, :2] == 0).all() and planes[2, 3, 5] == 71 and planes[1, 1, 0] == 30
    inverse, _ = deidentify_dataset(small(PhotometricInterpretation="MONOCHROME1"), key, boxes=[(0, 0, 1, 1)])
    assert inverse.pixel_array[0, 0] == 123


def test_compressed_pixels_stay_as_they_are_without_a_region(key: Key) -> None:
    source = examples.jpeg2k
    new, _ = deidentify_dataset(source, key, allow_burned_in=True)
    assert (new.pixel_array == source.pixel_array).all()
    again, changes = deidentify_dataset(new, key, allow_burned_in=True)
    assert again.PixelData == new.PixelData and "PixelData" not in {c.keyword for c in changes}
    assert new.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID


def test_overlays_in_unused_bits_are_cleared(small: Small, key: Key) -> None:
    values = [v | (0x8000 if v % 2 else 0) for v in range(100, 124)]
    source = small(PixelData=struct.pack("<24H", *values))
    source[0x60000010] = DataElement(0x60000010, "US", 4)
    source[0x60000100] = DataElement(0x60000100, "US", 16)
    source[0x60000102] = DataElement(0x60000102, "US", 15)
    new, changes = deidentify_dataset(source, key)
    assert struct.unpack("<24H", new.PixelData) == tuple(range(100, 124))
    assert not any(e.tag.group == 0x6000 for e in new)
    assert ("PixelData", "overlay bits cleared") in {(c.keyword, c.action) for c in changes}


def test_labels_of_slides_are_withheld(small: Small, key: Key) -> None:
    with pytest.raises(WithheldError, match="burned-in"):
        deidentify_dataset(small(ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"]), key)
    with pytest.raises(WithheldError, match="burned-in"):
        deidentify_dataset(small(SpecimenLabelInImage="YES"), key)


def test_a_box_outside_the_image_is_withheld(small: Small, key: Key) -> None:
    with pytest.raises(WithheldError, match="outside the image"):
        deidentify_dataset(small(), key, boxes=[(6, 0, 7, 1)])
    with pytest.raises(WithheldError, match="cannot be blanked"):
        deidentify_dataset(small(BitsAllocated=1, BitsStored=1, HighBit=0), key, boxes=[(0, 0, 1, 1)])


def test_regions_are_matched_by_attributes(tmp_path: Path, small: Small) -> None:
    path = tmp_path / "regions.yaml"
    path.write_text(
        "- match: {Modality: [CT, US], Rows: 4}\n  boxes: [[0, 0, 6, 1]]\n"
        "- match: {Manufacturer: acme}\n  boxes: [[0, 2, 1, 3], [1, 2, 2, 3]]\n"
    )
    regions = load_regions(path)
    assert boxes_for(regions, small()) == ((0, 0, 6, 1),)
    assert len(boxes_for(regions, small(Manufacturer="ACME"))) == 3
    assert boxes_for(regions, small(Rows=5)) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list of entries"),
        ("- {match: {Modality: CT}}", "match and boxes"),
        ("- {match: {}, boxes: [[0, 0, 1, 1]]}", "no attribute"),
        ("- {match: {Modalty: CT}, boxes: [[0, 0, 1, 1]]}", "not a DICOM keyword"),
        ("- {match: {Modality: CT}, boxes: [[0, 0, 0, 1]]}", "expected"),
        ("- {match: {Modality: CT}, boxes: []}", "boxes is empty"),
        ("{", "is not YAML"),
    ],
)
def test_wrong_regions_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "regions.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_regions(path)


@pytest.mark.parametrize("yes", ["YES", "Yes", "yes ", "yEs"])
@pytest.mark.parametrize("keyword", ["BurnedInAnnotation", "SpecimenLabelInImage"])
def test_declared_flags_count_in_any_letters(
    small: Callable[..., Dataset], key: Key, keyword: str, yes: str
) -> None:
    with pytest.raises(WithheldError, match="burned-in"):
        deidentify_dataset(small(**{keyword: yes}), key)
    assert deidentify_dataset(small(**{keyword: "NO"}), key)
    assert deidentify_dataset(small(**{keyword: yes}), key, allow_burned_in=True)


@pytest.mark.parametrize("kind", ["LABEL", "Label", "label "])
def test_the_picture_of_a_label_in_any_letters(small: Callable[..., Dataset], key: Key, kind: str) -> None:
    with pytest.raises(WithheldError, match="burned-in"):
        deidentify_dataset(small(ImageType=["ORIGINAL", "PRIMARY", kind, "NONE"]), key)
    assert deidentify_dataset(small(ImageType=["ORIGINAL", "LABEL", "VOLUME"]), key)


HIDDEN = b"Zwyxelburg^Anna 19610504"


@pytest.mark.parametrize(
    "tail", [b"\0\0", HIDDEN, bytes(4000) + HIDDEN, struct.pack("<24H", *range(24)) + HIDDEN]
)
def test_bytes_behind_native_pixels_are_cut(small: Small, key: Key, tail: bytes) -> None:
    source = small()
    clean = source.PixelData
    source.PixelData = clean + tail
    new, changes = deidentify_dataset(source, key)
    assert new.PixelData == clean and source.PixelData == clean + tail
    assert ("PixelData", "cut to the size that the header declares") in {
        (c.keyword, c.action) for c in changes
    }
    again, changes = deidentify_dataset(new, key)
    assert again.PixelData == clean and "PixelData" not in {c.keyword for c in changes}


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({}, 48),
        ({"NumberOfFrames": 3}, 144),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, 24),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, 4),
        ({"BitsAllocated": 12, "BitsStored": 12}, 36),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 8}, 72),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "BitsAllocated": 8}, 48),
        ({"Rows": 5, "Columns": 5, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, 26),
    ],
)
def test_the_declared_size(small: Small, attributes: dict[str, object], size: int) -> None:
    source = small(**attributes, PixelData=b"\1" * 400)
    assert cut_to_size(source, "file") and len(source.PixelData) == size
    assert not cut_to_size(source, "file")


def test_pixels_of_real_numbers_are_cut(small: Small, key: Key) -> None:
    source = small()
    del source.PixelData
    source.FloatPixelData = np.arange(24, dtype=np.float32).tobytes() + HIDDEN
    new, _ = deidentify_dataset(source, key)
    assert np.frombuffer(new.FloatPixelData, np.float32).tolist() == list(range(24))


def test_a_name_within_native_pixels_is_found(small: Small, key: Key) -> None:
    source = small(PixelData=(HIDDEN + bytes(48))[:48])
    with pytest.raises(WithheldError, match="inside the pixel data"):
        deidentify_dataset(source, key)


def test_pixels_without_a_size_are_withheld(small: Small, key: Key) -> None:
    source = small()
    del source.Rows
    with pytest.raises(WithheldError, match="size the header does not tell"):
        deidentify_dataset(source, key)
