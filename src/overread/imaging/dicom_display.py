"""How the sender wants pixels shown: facts beside the values, never baked into them.

Source: PS3.3 C.11.2 (VOI LUT), C.7.5.1.1.2 (Pixel Padding), C.9.2 (Overlay Plane).
"""

from __future__ import annotations

from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

from overread.imaging.dicom_planes import Plane
from overread.imaging.dicom_values import first_item, integer, text

OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
OVERLAY_DATA = 0x3000


def display_facts(plane: Plane) -> dict[str, Any]:
    """``window``: (center, width, explanation) of each window; ``voi_lut_function``; ``voi_lut`` True where a table
    is given; ``pixel_padding``: the modality value, or the two ends of a range, outside the picture."""
    found: dict[str, Any] = {}
    holder = next((h for g in plane.groups if (h := _windows_in(g)) is not None), plane.dataset)
    windows = window_of(holder)
    if windows:
        found["window"] = windows
        if function := text(holder, "VOILUTFunction"):
            found["voi_lut_function"] = function
    if first_item(holder, "VOILUTSequence") is not None:
        found["voi_lut"] = True
    padding = _padding(plane)
    if padding is not None:
        found["pixel_padding"] = padding
    return found


def _windows_in(group: Dataset) -> Dataset | None:
    frame = first_item(group, "FrameVOILUTSequence")
    if frame is not None:
        return frame
    return group if "WindowCenter" in group or "VOILUTSequence" in group else None


def window_of(dataset: Dataset) -> tuple[tuple[float, float, str], ...]:
    """The windows of a data set; one whose numbers are damaged is left out, for it changes no value."""
    centers, widths, words = (
        _values(dataset, k) for k in ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation")
    )
    words += [""] * len(centers)
    found = []
    for center, width, word in zip(centers, widths, words, strict=False):
        try:
            found.append((float(center), float(width), str(word)))
        except (TypeError, ValueError):
            continue
    return tuple(found)


def _values(dataset: Dataset, keyword: str) -> list[Any]:
    value = dataset.get(keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MultiValue, list)) else [value]


def _padding(plane: Plane) -> float | tuple[float, float] | None:
    values = []
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        if text(plane.dataset, keyword):
            values.append(integer(plane.dataset, keyword, plane.name) * plane.slope + plane.intercept)
    if not values:
        return None
    return values[0] if len(values) == 1 else (min(values), max(values))


def overlay_notes(dataset: Dataset) -> tuple[str, ...]:
    """A sentence where the data set holds overlay graphics of its own, which are no part of the image."""
    if any((group, OVERLAY_DATA) in dataset for group in OVERLAY_GROUPS):
        return ("overlay graphics were left out",)
    return ()
