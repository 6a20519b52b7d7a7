"""Damaged Specific Character Set: text all the same, and a note; never another exception than InputError."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import FileDataset

from overread.imaging.dicom.charset import charset_notes, is_defined
from overread.imaging.dicom.files import open_dataset
from overread.imaging.dicom.series import group_series, read_all, read_headers
from overread.imaging.dicom.values import items, text
from overread.imaging.read import read

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
MARK = b"CHARACTERS"
LATIN = "Größe".encode("latin-1").ljust(len(MARK))
DAMAGED = [
    b"\0A",
    b"ISO_IR\x00100",
    b"ISO_IR 100\\\0\0A",
    b"ISO 2022 IR 999",
    b"ISO-IR\xff100",
    b"\xff\xfe\xfd",
    b"a\\b\\c",
    b"hex",
    b"rot13\\base64",
    b"undefined",
    b"idna",
    b"punycode",
    b"utf_16",
    b"unicode_escape",
    b"\x1b$B",
    b"latin-1\\\x7f" * 8,
]


def encoded(ds: FileDataset, charset: bytes, content: bytes = LATIN) -> bytes:
    """The file of ``ds`` with these bytes as its character set and as the text of MARK."""
    ds.SpecificCharacterSet = "ISO_IR 100"
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    whole = buffer.getvalue()
    at = whole.index(b"\x08\x00\x05\x00CS")
    (length,) = struct.unpack_from("<H", whole, at + 6)
    padded = charset + b" " * (len(charset) % 2)
    head = whole[: at + 6] + struct.pack("<H", len(padded)) + padded
    return head + whole[at + 8 + length :].replace(MARK, content)


@pytest.mark.parametrize("charset", DAMAGED, ids=repr)
def test_every_way_in(tmp_path: Path, make_slice: Callable[..., FileDataset], charset: bytes) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(encoded(make_slice(SeriesDescription=MARK.decode()), charset))
    image = read(path)
    assert image.source["SeriesDescription"] == "Größe"
    assert any("SpecificCharacterSet" in note and note.isprintable() for note in image.notes)
    assert len(read_all(path)) == 1
    assert list(group_series([path])) == [image.source["SeriesInstanceUID"]]
    assert str(read_headers(tmp_path)[0].SeriesDescription).strip() == "Größe"


@pytest.mark.parametrize("charset", DAMAGED, ids=repr)
def test_sequence_that_is_parsed_when_it_is_looked_at(
    tmp_path: Path, make_slice: Callable[..., FileDataset], charset: bytes
) -> None:
    item = pydicom.Dataset()
    item.SpecificCharacterSet = "C" * 16
    item.CodeMeaning = MARK.decode()
    ds = make_slice(ViewCodeSequence=[item])
    padded = charset.ljust(16) if len(charset) <= 16 else charset[:16]
    path = tmp_path / "a.dcm"
    path.write_bytes(encoded(ds, b"ISO_IR 100").replace(b"C" * 16, padded))
    (found,) = items(open_dataset(path, "a"), "ViewCodeSequence")
    assert text(found, "CodeMeaning") == "Größe"


@pytest.mark.parametrize(
    ("charset", "content", "shown"),
    [
        (b"ISO_IR 192", "Größe".encode(), "Größe"),
        (b"ISO 2022 IR 6\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B", "山田"),
        (b"\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe8", "김"),
        (b"ISO-IR 100", LATIN, "Größe"),
        (b"utf8", "Größe".encode(), "Größe"),
    ],
)
def test_sound_and_misspelt_terms_decode_as_before(
    tmp_path: Path, make_slice: Callable[..., FileDataset], charset: bytes, content: bytes, shown: str
) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(encoded(make_slice(SeriesDescription=MARK.decode()), charset, content.ljust(len(MARK))))
    image = read(path)
    assert image.source["SeriesDescription"] == shown
    noted = any("SpecificCharacterSet" in note for note in image.notes)
    assert noted == (charset in (b"ISO-IR 100", b"utf8"))


def test_notes() -> None:
    assert charset_notes("") == charset_notes("ISO_IR 100") == charset_notes("\\ISO 2022 IR 87") == ()
    assert "read as iso8859-1" in charset_notes("ISO_IR\0 100")[0]
    assert "read as iso8859-2" in charset_notes("ISO-IR 101")[0]
    assert charset_notes("\n")[0].isprintable()
    assert is_defined("GB18030") and not is_defined("hex")


@settings(max_examples=150, deadline=None)
@given(charset=st.binary(max_size=40), content=st.binary(min_size=10, max_size=10))
def test_any_bytes(charset: bytes, content: bytes) -> None:
    ds = pydicom.Dataset()
    ds.SOPInstanceUID = "1.2"
    ds.SeriesDescription = ds.PatientName = MARK.decode()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2"
    whole = encoded(FileDataset("a", ds, preamble=bytes(128), file_meta=ds.file_meta), charset, content)
    found = open_dataset(io.BytesIO(whole), "a")
    for keyword in ("SpecificCharacterSet", "SeriesDescription", "PatientName"):
        assert isinstance(text(found, keyword), str)
    assert all(note.isprintable() for note in charset_notes(text(found, "SpecificCharacterSet")))
