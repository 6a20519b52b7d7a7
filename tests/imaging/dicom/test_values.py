"""Values of elements as numbers and text, sound and damaged; every fault names its keyword."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

from overread.errors import InputError
from overread.imaging.dicom.files import reading
from overread.imaging.dicom.values import first_item, floats, integer, items, number, private_value, text

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def raw(keyword: str, content: bytes, vr: str | None = None, little: bool = True) -> Dataset:
    """A data set with one element as it comes from a file."""
    tag = Tag(tag_for_keyword(keyword))
    vr = dictionary_VR(tag) if vr is None else vr
    ds = Dataset()
    ds[tag] = RawDataElement(tag, vr, len(content), content, 0, False, little)
    return ds


@pytest.mark.parametrize(
    ("keyword", "content", "shown"),
    [
        ("Modality", b"MR", "MR"),
        ("Modality", b"MR \0", "MR"),
        ("ImageType", b"ORIGINAL\\PRIMARY \\AXIAL ", "ORIGINAL\\PRIMARY\\AXIAL"),
        ("SOPInstanceUID", b"1.2.3\0", "1.2.3"),
        ("Modality", b"M\xd6", "MÖ"),
        ("InstanceNumber", b"1.5", "1.5"),
        ("InstanceNumber", b"x\\\\y", "x\\\\y"),
        ("PatientAge", b"", ""),
        ("SeriesDescription", b"head ", "head"),
        ("Rows", b"\x05\x00", "5"),
    ],
)
def test_text(keyword: str, content: bytes, shown: str) -> None:
    assert text(raw(keyword, content), keyword) == shown


@pytest.mark.parametrize("vr", ["XX", "DS", "SQ", "FD", "AT"])
def test_text_of_another_representation_is_text(vr: str) -> None:
    assert isinstance(text(raw("SeriesDescription", b"head+1", vr), "SeriesDescription"), str)


def test_text_that_is_not_there() -> None:
    assert text(Dataset(), "Modality") == ""
    with pytest.raises(KeyError):
        text(Dataset(), "NoSuchKeyword")


def test_numbers() -> None:
    np.testing.assert_array_equal(
        floats(raw("PixelSpacing", b"0.5\\0.25 "), "PixelSpacing", 2, "a"), [0.5, 0.25]
    )
    assert number(raw("Rows", b"\x01\x00"), "Rows", "a") == 1
    assert number(raw("Rows", b"\x01\x00", little=False), "Rows", "a") == 256
    assert integer(raw("InstanceNumber", b"-7"), "InstanceNumber", "a") == -7
    assert number(Dataset(), "Rows", "a") is None
    assert integer(Dataset(), "Rows", "a", default=3) == 3


@pytest.mark.parametrize(
    ("keyword", "content", "vr", "message"),
    [
        ("PixelSpacing", b"0.5", None, "PixelSpacing is .*expected 2"),
        ("PixelSpacing", b"0.5\\x", None, "PixelSpacing is .*expected 2 numbers|PixelSpacing cannot be read"),
        ("PixelSpacing", b"0.5\\nan", None, "PixelSpacing is .*finite"),
        ("PixelSpacing", b"0.5\\0,5", None, "PixelSpacing"),
        ("PixelSpacing", b"\x01\x02\x03", "FD", "PixelSpacing"),
        ("PixelSpacing", b"abcd", "XX", "PixelSpacing"),
        ("PixelSpacing", b"abcd", "SQ", "PixelSpacing"),
    ],
)
def test_damaged_numbers_name_file_and_keyword(
    keyword: str, content: bytes, vr: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=f"a.dcm: .*({message})"):
        floats(raw(keyword, content, vr), keyword, 2, "a.dcm")


def test_integers_that_are_none() -> None:
    with pytest.raises(InputError, match="a: Rows is missing"):
        integer(Dataset(), "Rows", "a")
    with pytest.raises(InputError, match=r"SliceThickness is 1.5, expected a whole number"):
        integer(raw("SliceThickness", b"1.5"), "SliceThickness", "a")


@pytest.mark.parametrize(("content", "vr"), [(b"text", "LO"), (b"\x01\x00", "US"), (b"abcd", "XX")])
def test_a_sequence_that_is_none(content: bytes, vr: str) -> None:
    ds = raw("PixelMeasuresSequence", content, vr)
    with pytest.raises(InputError, match=r"a.dcm: .*PixelMeasuresSequence"), reading("a.dcm"):
        items(ds, "PixelMeasuresSequence")


def test_items() -> None:
    ds, item = Dataset(), Dataset()
    item.PixelSpacing = [1, 1]
    ds.PixelMeasuresSequence = [item, Dataset()]
    assert len(items(ds, "PixelMeasuresSequence")) == 2
    assert first_item(ds, "PixelMeasuresSequence") == item
    assert first_item(Dataset(), "PixelMeasuresSequence") is None


def test_private_values() -> None:
    ds = Dataset()
    ds.add(DataElement(0x00190010, "LO", "SIEMENS MR HEADER"))
    ds.add(DataElement(0x0019100C, "IS", "800"))
    assert private_value(ds, 0x0019, "SIEMENS MR HEADER", 0x0C) == 800
    assert private_value(ds, 0x0019, "SIEMENS MR HEADER", 0x0D) is None
    assert private_value(ds, 0x0019, "GEMS_PARM_01", 0x0C) is None
    creator, damaged = Tag(0x0019, 0x0010), Tag(0x0019, 0x100C)
    ds = Dataset(
        {
            creator: DataElement(creator, "LO", "SIEMENS MR HEADER"),
            damaged: RawDataElement(damaged, "XX", 3, b"800", 0, False, True),
        }
    )
    assert private_value(ds, 0x0019, "SIEMENS MR HEADER", 0x0C) is None
