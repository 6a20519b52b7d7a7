"""Video, voice and pages: objects whose content cannot be judged or cleared attribute by attribute.

Source: PS3.4 annex B.5 (Standard SOP Classes), PS3.5 sections 8.2.5 to 8.2.8 (MPEG-2, MPEG-4, HEVC).
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from overread.deidentify.identity import elements
from overread.imaging.dicom.values import text

VIDEO_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109))
STREAMED = "1.2.840.10008.1.2.7."
"""Beginning of the transfer syntaxes of real-time video and audio (SMPTE ST 2110)."""
VIDEO_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.77.1.{n}.1" for n in (1, 2, 4))
VOICE = "1.2.840.10008.5.1.4.1.1.9.4."
"""Beginning of the SOP Class UIDs of audio: Basic Voice and General Audio Waveform."""
AUDIO_SR = "1.2.840.10008.5.1.4.1.1.88.2"
DOCUMENTS = "1.2.840.10008.5.1.4.1.1.104."
"""Beginning of the SOP Class UIDs of encapsulated documents: PDF, CDA, STL, OBJ, MTL."""
PAGES = frozenset(f"1.2.840.10008.5.1.1.{n}" for n in ("27", "29", "30"))
"""Stored Print and Hardcopy images: printed pages, with the patient's name on them."""
IS_DOCUMENT = "an encapsulated document, whose text cannot be judged"
IS_VOICE = "a recording of voices, which cannot be judged"
IS_PAGE = "a printed page, whose text cannot be judged"
IS_DRAWING = "a drawing (HPGL), whose text cannot be judged"
IS_VIDEO = "a video, whose pictures and user data are not looked at"


def is_video_syntax(uid: str) -> bool:
    """Whether pixel data of this transfer syntax is a video stream."""
    whole = uid.removesuffix(".1") if uid.startswith(VIDEO_SYNTAXES) else uid
    return whole in VIDEO_SYNTAXES or uid.startswith(STREAMED)


def is_video(dataset: Dataset, syntax: str) -> bool:
    """Whether an object is a video: by its transfer syntax, or by its SOP Class."""
    return is_video_syntax(syntax) or text(dataset, "SOPClassUID") in VIDEO_CLASSES


def cannot_be_judged(dataset: Dataset) -> str:
    """Why an object is withheld whatever is asked for; empty where it is not."""
    kind = text(dataset, "SOPClassUID")
    if kind.startswith(DOCUMENTS) or dataset.get("EncapsulatedDocument"):
        return IS_DOCUMENT
    if kind.startswith(VOICE) or kind == AUDIO_SR or text(dataset, "Modality").upper() == "AU":
        return IS_VOICE
    if kind in PAGES:
        return IS_PAGE
    for element in elements(dataset):
        if element.keyword == "HPGLDocument" and element.value:
            return IS_DRAWING
        if element.keyword == "EncapsulatedDocument" and element.value:
            return IS_DOCUMENT
    return ""
