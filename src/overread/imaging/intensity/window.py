"""Values through the window that a DICOM header states for display, PS3.3 C.11.2.1.2 and C.11.2.1.3.

Raw values of radiographs differ by vendor and bit depth; their first window is what the sender means to be seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.imaging.image import Image

MOST_CLIPPED = 0.95
"""Of the pixels: a window that leaves less than the rest to see is no window for them."""


def windowed(image: Image) -> Image:
    """``image`` through its first window, 0 to 1 as float32, with a note; as it is where no usable window is stated."""
    windows = image.source.get("window") or ()
    if not windows:
        return image
    center, width = float(windows[0][0]), float(windows[0][1])
    function = str(image.source.get("voi_lut_function") or "LINEAR").upper()
    if (
        not np.isfinite([center, width]).all()
        or width < 1
        or function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID")
    ):
        return image
    shown = _through(image.array, center, width, function)
    if ((shown <= 0) | (shown >= 1)).mean() > MOST_CLIPPED:
        return image
    note = f"values seen through the window {center:g} / {width:g} ({function}) that the file states"
    return image.with_(array=shown, notes=(*image.notes, note))


def _through(array: NDArray[np.generic], center: float, width: float, function: str) -> NDArray[np.float32]:
    x = array.astype(np.float32)
    if function == "SIGMOID":
        return (1 / (1 + np.exp(-4 * (x - np.float32(center)) / np.float32(width)))).astype(np.float32)
    if function == "LINEAR" and width > 1:
        # The standard's LINEAR counts from c - 0.5 over w - 1.
        center, width = center - 0.5, width - 1
    return np.clip((x - np.float32(center)) / np.float32(width) + np.float32(0.5), 0, 1)
