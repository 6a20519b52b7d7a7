"""The bytes of the finished file, searched for what identified its source: the last net."""

from __future__ import annotations

from io import BytesIO

from pydicom.dataset import Dataset, FileDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from overread.deidentify.done import Done
from overread.deidentify.errors import WithheldError
from overread.deidentify.identity import elements
from overread.deidentify.values import PIXELS, has_value, values

NUMBERS = frozenset({"DA", "DS", "DT", "IS", "TM", "UI"})
"""Representations whose values may hold the digits of an identifier by chance, or by choice (retained UIDs)."""
PIXEL_DATA = 0x7FE00010
IN_PIXELS = "an identifying value inside the pixel data"
LEFT_OVER = "an identifying value was still found in the finished file"


def encode(done: Done, name: str) -> bytes:
    """The finished file, searched for what identified its source.

    Raises
    ------
    WithheldError
        Something identifying is still there, or the data set cannot be encoded.
    """
    result = done.dataset
    if not result.get("SOPClassUID") or not result.get("SOPInstanceUID"):
        raise WithheldError(name, "no SOP Class UID or SOP Instance UID")
    file = FileDataset("", result, preamble=b"\0" * 128, file_meta=result.file_meta)
    data = written(file, name, enforce_file_format=True)
    search(done, data, name)
    return data


def written(dataset: Dataset, name: str, **how: bool) -> bytes:
    """The bytes of a data set: of a file, or of a data set in memory, which may have no file meta information."""
    buffer = BytesIO()
    if getattr(dataset, "file_meta", None) is None:
        how |= {"implicit_vr": False, "little_endian": True}
    try:
        dcmwrite(buffer, dataset, **how)
    except Exception as error:
        raise WithheldError(name, f"cannot be encoded again ({type(error).__name__})") from error
    return buffer.getvalue()


def search(done: Done, data: bytes, name: str) -> None:
    """Search the bytes of a finished file for what identified its source.

    Raises
    ------
    WithheldError
        Something identifying is still there: in the header, or in the pixel data.
    """
    result, searched = done.dataset, data
    meta = getattr(result, "file_meta", None)
    compressed = meta is not None and UID(meta.get("TransferSyntaxUID", "")).is_encapsulated
    for tag in PIXELS:
        held = result[tag].value if tag in result else b""
        if isinstance(held, bytes) and held and (at := searched.rfind(held)) >= 0:
            searched = searched[:at] + searched[at + len(held) :]
            if done.identity.in_pixels(held, compressed and tag == PIXEL_DATA):
                raise WithheldError(name, IN_PIXELS)
    chance = (v for e in elements(result) if e.VR in NUMBERS and has_value(e) for v in values(e))
    if done.identity.in_bytes(searched, chance):
        raise WithheldError(name, LEFT_OVER)
