"""Walking an encoded data set: whole or not, without decoding it."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pynetdicom.dsutils import split_dataset

from overread.clinic.encoded import MAX_DEPTH, NotWholeError, elements, walk

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
STUDY = 0x0020000D


def encode(ds: Dataset, syntax: str = EXPLICIT) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = syntax != BIG, syntax == IMPLICIT
    write_dataset(buffer, ds)
    return buffer.getvalue()


def sample(undefined: bool = False) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "1", "one"
    inner = Dataset()
    inner.ConceptCodeSequence = [item]
    ds = Dataset()
    ds.StudyInstanceUID = "1.2.3"
    ds.ContentSequence = [inner, inner]
    if undefined:
        ds["ContentSequence"].is_undefined_length = True
        for i in ds.ContentSequence:
            i.is_undefined_length_sequence_item = True
    ds.Rows = 2
    ds.add_new(0x7FE00010, "OW", b"\0\1\2\3")
    return ds


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
def test_whole_data_set_gives_wanted_values(syntax: str, undefined: bool) -> None:
    found = elements(encode(sample(undefined), syntax), syntax, (STUDY,))
    assert found == {STUDY: b"1.2.3\0"}


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
def test_every_cut_inside_an_element_is_found(syntax: str, undefined: bool) -> None:
    ds = sample(undefined)
    data = encode(ds, syntax)
    # Only a cut between two top-level elements leaves a valid, if shorter, data set.
    boundaries = {0}
    for n in range(1, len(ds) + 1):
        part = Dataset()
        for element in list(ds)[:n]:
            part.add(element)
        boundaries.add(len(encode(part, syntax)))
    assert len(data) in boundaries
    for cut in range(len(data)):
        if cut in boundaries:
            elements(data[:cut], syntax, ())
        else:
            with pytest.raises(NotWholeError):
                elements(data[:cut], syntax, ())


def test_cut_pixel_fragments_are_found() -> None:
    ds = sample()
    ds.PixelData = encapsulate([b"\1\2\3\4" * 20, b"\5\6" * 30])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    data = encode(ds)
    elements(data, JPEG_2000, ())
    start = data.index(b"\xe0\x7f\x10\x00")
    for cut in range(start + 1, len(data)):
        with pytest.raises(NotWholeError):
            elements(data[:cut], JPEG_2000, ())


def test_length_beyond_the_end() -> None:
    data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 0xFFFFFFF0) + b"\0" * 16
    with pytest.raises(NotWholeError, match="runs to byte"):
        elements(data, EXPLICIT, ())


def test_deep_nesting_is_refused_at_once() -> None:
    opening = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(NotWholeError, match=f"deeper than {MAX_DEPTH}"):
        elements(opening * 10_000, EXPLICIT, ())


def test_deflated() -> None:
    syntax = "1.2.840.10008.1.2.1.99"
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = packer.compress(encode(sample())) + packer.flush()
    assert elements(data, syntax, (STUDY,)) == {STUDY: b"1.2.3\0"}
    for broken in (data[:-3], b"\xff" * 50):
        with pytest.raises(NotWholeError):
            elements(broken, syntax, ())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([IMPLICIT, EXPLICIT, BIG]))
def test_any_bytes_are_judged_without_another_error(data: bytes, syntax: str) -> None:
    with suppress(NotWholeError):
        elements(data, syntax, (STUDY,))


def test_real_files_are_whole(data_dir: Path) -> None:
    seen = 0
    for path in sorted(data_dir.glob("dicom_*/**/*.dcm")):
        meta, offset = split_dataset(path)
        data = path.read_bytes()[offset:]
        found = elements(data, str(meta.TransferSyntaxUID), (STUDY,))
        expected = dcmread(path, stop_before_pixels=True).get("StudyInstanceUID", "")
        assert found.get(STUDY, b"").decode().strip("\0 ") == expected
        seen += 1
    assert seen > 20


@pytest.mark.parametrize("rest", [b"\0", b"\0\0", b"\0" * 7, b"\0" * 512, b"\n", b"\r\n", b"\x1a", b"x"])
@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_what_follows_the_data_set_is_no_part_of_it(syntax: str, rest: bytes) -> None:
    data = encode(sample(), syntax)
    assert walk(data + rest, syntax, (STUDY,)) == ({STUDY: b"1.2.3\0"}, len(data))


def test_zeros_follow_a_data_set_without_pixels_and_one_in_big_endian() -> None:
    ds = sample()
    del ds[0x7FE00010]
    data = encode(ds)
    assert walk(data + b"\0", EXPLICIT, ())[1] == len(data)
    with pytest.raises(NotWholeError):
        # A line feed, or the beginning of (300A,xxxx).
        walk(data + b"\n", EXPLICIT, ())
    data = encode(ds, BIG)
    assert walk(data + b"\0\0", BIG, ())[1] == len(data)
    with pytest.raises(NotWholeError):
        # A zero, or the beginning of (0040,xxxx).
        walk(data + b"\0", BIG, ())


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", "1.2.840.10008.1.1", "1.2.3"])
def test_an_unknown_encoding_is_not_guessed(syntax: str) -> None:
    with pytest.raises(NotWholeError, match="is not known"):
        walk(encode(sample()), syntax, ())


@pytest.mark.parametrize("syntax", ["1.2.84E.1", "1.02", "", "x" * 100, "1.2.3", "1.2.840.10008.1.1"])
def test_what_is_no_transfer_syntax_is_refused_without_a_warning(
    syntax: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotWholeError, match="is not known"):
        elements(b"", syntax, ())
    assert caplog.records == []
