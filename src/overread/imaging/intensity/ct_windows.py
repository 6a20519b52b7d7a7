"""Windows of CT by body part: which HU become the grey scale.

Centre and width are those listed as typical at radiopaedia.org, "Windowing (CT)", where not said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.errors import InputError
from overread.imaging.image import Image

TYPICAL = "radiopaedia.org, Windowing (CT)"


@dataclass(frozen=True)
class Window:
    """``center`` and ``width`` in HU, and where they come from."""

    center: float
    width: float
    source: str = TYPICAL

    @property
    def low(self) -> float:
        """The value that becomes black, HU."""
        return self.center - self.width / 2

    @property
    def high(self) -> float:
        """The value that becomes white, HU."""
        return self.center + self.width / 2


WINDOWS = {
    "abdomen": Window(50, 400),
    "bone": Window(400, 1800),
    "brain": Window(40, 80),
    "liver": Window(30, 150),
    "lung": Window(-600, 1500),
    "mediastinum": Window(50, 350),
    "neck": Window(40, 375, f"{TYPICAL}: the middle of 20 to 60 and of 350 to 400"),
    "spine": Window(50, 250),
    "stroke": Window(40, 40),
    "stroke-narrow": Window(32, 8, "Lev 1999, doi 10.1148/radiology.213.1.r99oc10150"),
    "subdural": Window(75, 215, f"{TYPICAL}: the middle of 50 to 100 and of 130 to 300"),
    "temporal-bone": Window(600, 2800),
}

# Body Part Examined (PS3.16 annex L) of the whole region; narrower questions take another window by name.
BODY_PARTS = {
    "abdomen": "ABDOMEN ABDOMENPELVIS PELVIS KIDNEY PANCREAS SPLEEN COLON",
    "bone": "ANKLE ARM CLAVICLE ELBOW EXTREMITY FEMUR FOOT FOREARM HAND HIP HUMERUS KNEE LEG SHOULDER WRIST",
    "brain": "HEAD BRAIN SKULL",
    "liver": "LIVER",
    "lung": "CHEST LUNG THORAX",
    "mediastinum": "HEART MEDIASTINUM",
    "neck": "NECK",
    "spine": "CSPINE LSPINE SPINE SSPINE TSPINE",
    "temporal-bone": "EAR IAC",
}
BY_PART = {part: name for name, parts in BODY_PARTS.items() for part in parts.split()}


def window_for(body_parts: Sequence[str]) -> str | None:
    """Name of the one window that suits all ``body_parts`` (DICOM Body Part Examined), None where there is none."""
    names = {BY_PART.get(part.upper().replace(" ", "")) for part in body_parts}
    return names.pop() if len(names) == 1 else None


def apply_window(image: Image, window: str | Window) -> Image:
    """Grey values from 0 (black) to 1 (white), float32, linear within the window and clipped outside.

    The exact linear function of PS3.3 C.11.2.1.3.2: black up to ``center - width / 2``, white from ``center + width /
    2``. For CT in HU; a window says nothing where values have no absolute scale. Raises InputError on another name.
    """
    if isinstance(window, str):
        if window not in WINDOWS:
            raise InputError(f"window: found {window!r}, expected one of {', '.join(WINDOWS)}")
        window = WINDOWS[window]
    scaled = (image.array.astype(np.float32) - np.float32(window.low)) / np.float32(window.width)
    return image.with_(array=np.clip(scaled, 0, 1))
