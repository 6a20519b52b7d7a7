"""Headers of plain uncompressed slices, read without touching their pixels.

A series has hundreds of files that differ in a few values. pydicom's reader makes an object of each of a
header's hundred elements and copies the pixels; this one walks over the elements and keeps those that reading
a series needs, as pydicom's raw elements. Whatever is not as plain as it expects, it leaves to pydicom.

Source: PS3.5 chapter 7 (data elements), PS3.10 section 7.1 (file meta information).
"""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from overread.imaging.dicom.instance import Place
from overread.imaging.dicom.values import tag, tag_of

HEAD = 1 << 15
"""Bytes read at first; a longer header is read to its end in a second step."""
LONGEST_VALUE = 1 << 16
DEEPEST = 16
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
CHARACTER_SET = tag_of("SpecificCharacterSet")
LONG_FORM = {b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN", b"OD", b"OL", b"OV", b"UC", b"UR", b"SV", b"UV"}
SHORT_FORM = {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip
SINGLE_FRAME = {
    b"1.2.840.10008.5.1.4.1.1.2",  # CT
    b"1.2.840.10008.5.1.4.1.1.4",  # MR
    b"1.2.840.10008.5.1.4.1.1.128",  # PET
}
KEYWORDS = (
    "SpecificCharacterSet",
    "ImageType",
    "SOPClassUID",
    "SOPInstanceUID",
    "AcquisitionDate",
    "AcquisitionTime",
    "AcquisitionDateTime",
    "Modality",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "SeriesInstanceUID",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "PixelSpacingCalibrationType",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "TemporalPositionIdentifier",
    "EchoTime",
    "EchoNumbers",
    "InversionTime",
    "FlipAngle",
    "TriggerTime",
    "KVP",
    "ConvolutionKernel",
    "NominalPercentageOfCardiacPhase",
    "FrameReferenceTime",
    "AcquisitionNumber",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "ComplexImageComponent",
)
OVERLAY_BIT_POSITION = 0x0102
KEPT = frozenset(
    {
        *(int(tag_of(keyword)) for keyword in KEYWORDS),
        *(group << 16 | OVERLAY_BIT_POSITION for group in range(0x6000, 0x6020, 2)),
    }
)
"""Elements that a slice needs beside those of the first of its series."""
LEFT_TO_PYDICOM = frozenset(
    int(tag_of(keyword))
    for keyword in (
        "ModalityLUTSequence",
        "PerFrameFunctionalGroupsSequence",
        "FloatPixelData",
        "DoubleFloatPixelData",
    )
)
PRIVATE_GROUPS = {0x0019, 0x0043, 0x2001}
"""Groups where vendors keep b-values; their short elements are kept."""


class _UnusualError(Exception):
    """Something that is left to pydicom."""


def scan(path: Path) -> tuple[Dataset, Place] | None:
    """The header of an uncompressed little endian slice, and where its pixels lie.

    None where the file is anything else, or damaged: then pydicom reads it, or says what is wrong.
    """
    with path.open("rb", buffering=0) as f:
        size = os.fstat(f.fileno()).st_size
        head = f.read(HEAD)
        try:
            try:
                return _scan(head, size, path)
            except (struct.error, IndexError):
                if len(head) >= size or len(head) < HEAD:
                    return None
                rest = f.read()
                return None if rest is None else _scan(head + rest, size, path)
        except (_UnusualError, struct.error, IndexError):
            return None


def _scan(data: bytes, size: int, path: Path) -> tuple[Dataset, Place]:
    if data[128:132] != b"DICM" or data[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        raise _UnusualError
    at = 144 + int.from_bytes(data[140:144], "little")
    implicit, meta = _meta(data[144:at])
    kept: dict[BaseTag, DataElement | RawDataElement] = {}
    unpack = _IMPLICIT.unpack_from if implicit else _SHORT.unpack_from
    last = 0
    while True:
        if implicit:
            group, element, length = unpack(data, at)
            vr, start = b"", at + 8
        else:
            group, element, vr, length = unpack(data, at)
            start = at + 8
            if vr in LONG_FORM:
                (length,) = _LENGTH.unpack_from(data, start)
                start += 4
            elif vr not in SHORT_FORM:
                raise _UnusualError
        number = group << 16 | element
        if number <= last:
            raise _UnusualError  # Elements out of order: something is wrong before here.
        last = number
        if number == PIXEL_DATA:
            if length == UNDEFINED or start + length > size:
                raise _UnusualError
            dataset = Dataset(kept)
            dataset.file_meta = meta
            charset = kept.get(CHARACTER_SET)
            dataset.set_original_encoding(implicit, True, _encodings(charset.value if charset else b""))
            return dataset, Place(path, start, length)
        if length == UNDEFINED:
            if vr == b"UN":
                raise _UnusualError
            at = _skip(data, start, implicit, 0)
            if number in LEFT_TO_PYDICOM:
                raise _UnusualError
            continue
        at = start + length
        if at > size:
            raise _UnusualError
        if number in KEPT or (group in PRIVATE_GROUPS and length < 256):
            if length > LONGEST_VALUE:
                raise _UnusualError
            if at > len(data):
                raise IndexError
            key = tag(number)
            kept[key] = RawDataElement(
                key, _text(vr) if vr else None, length, data[start:at], start, implicit, True
            )
        elif number in LEFT_TO_PYDICOM:
            raise _UnusualError


_IMPLICIT, _SHORT, _LENGTH, _ITEM = (struct.Struct(s) for s in ("<HHI", "<HH2sH", "<I", "<HHI"))


@lru_cache(maxsize=64)
def _encodings(value: bytes) -> list[str]:
    """Python's names of the encodings that Specific Character Set tells."""
    return list(convert_encodings([term.strip(" \0") for term in value.decode("latin-1").split("\\")]))


@lru_cache(maxsize=64)
def _text(vr: bytes) -> str:
    return vr.decode("ascii")


@lru_cache(maxsize=64)
def _syntax(content: bytes) -> tuple[bool, FileMetaDataset]:
    """Whether VRs are implicit, and the file meta information of a syntax that is read here."""
    uid = content.strip(b"\0 ").decode("ascii", "replace")
    if uid not in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        raise _UnusualError
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid  # type: ignore[assignment]
    return uid == ImplicitVRLittleEndian, meta


def _meta(data: bytes) -> tuple[bool, FileMetaDataset]:
    """The transfer syntax of file meta information, of a storage class with one frame per file."""
    at, syntax, sop_class = 0, b"", b""
    while at < len(data):
        group, element, vr, length = _SHORT.unpack_from(data, at)
        start = at + 8
        if vr in LONG_FORM:
            (length,) = _LENGTH.unpack_from(data, start)
            start += 4
        at = start + length
        if group != 2:
            raise _UnusualError
        if element == 0x0010:
            syntax = data[start:at]
        elif element == 0x0002:
            sop_class = data[start:at].strip(b"\0 ")
    if sop_class not in SINGLE_FRAME:
        raise _UnusualError
    return _syntax(syntax)


def _skip(data: bytes, at: int, implicit: bool, depth: int) -> int:
    """The place after a sequence of undefined length that begins at ``at``."""
    if depth > DEEPEST:
        raise _UnusualError
    while True:
        group, element, length = _ITEM.unpack_from(data, at)
        number, at = group << 16 | element, at + 8
        if number == SEQUENCE_END:
            return at
        if number != ITEM:
            raise _UnusualError
        at = _skip_item(data, at, implicit, depth) if length == UNDEFINED else at + length


def _skip_item(data: bytes, at: int, implicit: bool, depth: int) -> int:
    while True:
        group, element, length = _ITEM.unpack_from(data, at)
        if group << 16 | element == ITEM_END:
            return at + 8
        start = at + 8
        if not implicit:
            _, _, vr, length = _SHORT.unpack_from(data, at)
            if vr in LONG_FORM:
                (length,) = _LENGTH.unpack_from(data, start)
                start += 4
            elif vr not in SHORT_FORM:
                raise _UnusualError
            if vr == b"UN" and length == UNDEFINED:
                raise _UnusualError
        at = _skip(data, start, implicit, depth + 1) if length == UNDEFINED else start + length
