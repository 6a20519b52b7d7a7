"""Kinds of images that often have text burned in, and do not say whether they have: counted, looked at, or withheld.

Source: PS3.3 C.7.6.1.1.1 (Burned In Annotation is Type 3: most files leave it out), C.8.6.1 (SC Equipment Module).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID

from overread.imaging.dicom.values import text
from overread.imaging.text_finder import Line, find_text

UNDECLARED = "a kind of image that often has text burned in, and does not declare that it has none"
READ = "burned-in text that identifies"
MODALITIES = frozenset({"US", "SC", "OT", "XC", "ES", "IVUS", "DOC"})
_STEM = "1.2.840.10008.5.1.4.1.1."
CLASSES = frozenset(
    _STEM + end
    for end in ("3", "3.1", "6", "6.1", "6.2", "6.3", "77.1.1", "77.1.4", "77.1.7", "77.1", "77.2")
)
"""Ultrasound, endoscopy, photographs; Secondary Capture is the family below."""
CAPTURE = _STEM + "7"
LARGEST = 1 << 28
"""Bytes of the largest frame that is looked at."""


@dataclass(frozen=True)
class Look:
    """What was found in an undeclared image: lines of text, read where a reader is installed. None: not looked at."""

    kind: str
    lines: tuple[Line, ...] | None


def is_undeclared(dataset: Dataset) -> bool:
    """Whether an image is of a kind that often has text burned in, and does not declare Burned In Annotation NO."""
    if "PixelData" not in dataset or text(dataset, "BurnedInAnnotation").upper() == "NO":
        return False
    kind = text(dataset, "SOPClassUID")
    captured = kind == CAPTURE or kind.startswith(CAPTURE + ".") or bool(text(dataset, "ConversionType"))
    return captured or kind in CLASSES or text(dataset, "Modality").upper() in MODALITIES


def look(dataset: Dataset) -> Look:
    """The text in the first, the middle and the last frame of an undeclared image."""
    kind = UID(text(dataset, "SOPClassUID")).name or "unknown"
    try:
        frames = max(1, int(dataset.get("NumberOfFrames") or 1))
        if int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1) > LARGEST:
            return Look(kind, None)
        found: dict[Line, None] = {}
        with _quiet():
            for index in sorted({0, frames // 2, frames - 1}):
                found.update(dict.fromkeys(find_text(_gray(pixel_array(dataset, index=index)))))
    except Exception:
        # Pixels that cannot be decoded here: counted as not looked at.
        return Look(kind, None)
    return Look(kind, tuple(found))


@contextmanager
def _quiet() -> Iterator[None]:
    """Decoders log what they stumble over, and pydicom warns with values of the file: neither is for the terminal."""
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _gray(frame: NDArray[np.generic]) -> NDArray[np.float32]:
    values = frame.astype(np.float32)
    return values.mean(axis=-1) if values.ndim == 3 else values
