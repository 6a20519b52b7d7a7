"""Voices, pages, drawings, documents and video: withheld, video unless it is let pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID_dictionary

from overread.deidentify import Key, WithheldError, deidentify, deidentify_dataset
from overread.deidentify.video import is_video_syntax

Small = Callable[..., Dataset]
STORAGE = "1.2.840.10008.5.1.4.1.1."
WITHHELD = {
    f"{STORAGE}9.4.1": "voices",
    f"{STORAGE}9.4.2": "voices",
    f"{STORAGE}88.2": "voices",
    f"{STORAGE}104.1": "document",
    f"{STORAGE}104.2": "document",
    f"{STORAGE}104.3": "document",
    f"{STORAGE}104.5": "document",
    "1.2.840.10008.5.1.1.27": "printed page",
    "1.2.840.10008.5.1.1.29": "printed page",
    "1.2.840.10008.5.1.1.30": "printed page",
}


@pytest.mark.parametrize("kind", WITHHELD)
def test_what_cannot_be_judged(small: Small, key: Key, kind: str) -> None:
    with pytest.raises(WithheldError, match=WITHHELD[kind]):
        deidentify_dataset(small(SOPClassUID=kind), key, allow_burned_in=True, allow_video=True)


def test_every_class_of_sound_and_documents_is_among_them(small: Small, key: Key) -> None:
    for uid, (name, kind, *_) in UID_dictionary.items():
        storage = kind == "SOP Class" and ("Storage" in name) and uid.startswith("1.2.840.10008.5.1")
        if storage and any(w in name for w in ("Audio", "Encapsulated", "Hardcopy", "Stored Print", "Video")):
            with pytest.raises(WithheldError):
                deidentify_dataset(small(SOPClassUID=uid), key)


def test_drawings_and_documents_in_items(small: Small, key: Key) -> None:
    drawing, document = Dataset(), Dataset()
    drawing.HPGLDocument, document.EncapsulatedDocument = b"PA0,0;LB Doe^Ann;", b"%PDF"
    with pytest.raises(WithheldError, match="HPGL"):
        deidentify_dataset(small(SOPClassUID="1.2.840.10008.5.1.4.43.1", HPGLDocumentSequence=[drawing]), key)
    with pytest.raises(WithheldError, match="document"):
        deidentify_dataset(small(ReferencedImageSequence=[document]), key)
    assert deidentify_dataset(small(Modality="ECG"), key)
    with pytest.raises(WithheldError, match="voices"):
        deidentify_dataset(small(Modality="AU"), key)


def test_transfer_syntaxes_of_video() -> None:
    for uid, (name, kind, *_) in UID_dictionary.items():
        if kind == "Transfer Syntax":
            video = any(w in name for w in ("MPEG", "HEVC", "SMPTE")) and "MPEG-" not in name[:0]
            assert is_video_syntax(uid) == video, name


@pytest.mark.parametrize("syntax", ["100", "101", "102", "102.1", "104", "106.1", "107", "108"])
def test_video_passes_by_option_alone(small: Small, key: Key, syntax: str) -> None:
    source = small(SOPClassUID=f"{STORAGE}77.1.1.1", NumberOfFrames=2)
    source.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{syntax}"
    source.PixelData = encapsulate([b"\0\0\1\xb3" + bytes(range(256)) * 4])
    source["PixelData"].is_undefined_length = True
    with pytest.raises(WithheldError, match="video"):
        deidentify_dataset(source, key)
    new, _ = deidentify_dataset(source, key, allow_video=True)
    assert new.PixelData == source.PixelData
    source.PixelData = encapsulate([b"\0\0\1\xb2 recorded for Anna Zwyxelburg" + bytes(100)])
    source["PixelData"].is_undefined_length = True
    with pytest.raises(WithheldError, match="inside the pixel data"):
        deidentify_dataset(source, key, allow_video=True)


def test_short_names_in_streams(small: Small, key: Key) -> None:
    """A name of four letters is found as a word of its own within text, and not in what chance wrote."""
    source = small(PatientName="Roth^Ida", SOPClassUID=f"{STORAGE}77.1.1.1")
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
    for text, found in (
        (b"exam of Roth, stomach", True),
        (b"exam of rother kind", False),
        (b"\1Roth\2\3", False),
    ):
        source.PixelData = encapsulate([b"\0\0\1\xb2" + text + bytes(60)])
        source["PixelData"].is_undefined_length = True
        if found:
            with pytest.raises(WithheldError, match="inside the pixel data"):
                deidentify_dataset(source, key, allow_video=True)
        else:
            assert deidentify_dataset(source, key, allow_video=True)


def test_the_command_says_so(small: Small, key: Key, tmp_path: Path) -> None:
    source = small(SOPClassUID=f"{STORAGE}9.4.1")
    source.file_meta.MediaStorageSOPClassUID = source.SOPClassUID
    source.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    result = deidentify(tmp_path / "a.dcm", tmp_path / "out", key=key)
    assert result.written == 0 and "recording of voices" in result.withheld[0][1]
