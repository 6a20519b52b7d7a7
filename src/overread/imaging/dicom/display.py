"""How the sender wants pixels shown: facts beside the values, never baked into them.

Source: PS3.3 C.11.2 (VOI LUT), C.7.5.1.1.2 (Pixel Padding), C.9.2 (Overlay Plane).
"""

from __future__ import annotations

from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

from overread.imaging.dicom.decode import bits_allocated, stored_type
from overread.imaging.dicom.pixels import OVERLAY_GROUPS, mirror
from overread.imaging.dicom.planes import Plane
from overread.imaging.dicom.values import first_item, integer, text

OVERLAY_DATA = 0x3000


def display_facts(plane: Plane) -> dict[str, Any]:
    """``window``: (center, width, explanation) of each window; ``voi_lut_function``; ``voi_lut`` True where a table
    is given; ``pixel_padding``: the value, or the two ends of a range, outside the picture. All as values of the
    array: where MONOCHROME1 was inverted, they are too."""
    found: dict[str, Any] = {}
    holder = next((h for g in plane.groups if (h := _windows_in(g)) is not None), plane.dataset)
    windows = window_of(holder)
    turned = mirror(plane)
    if windows:
        if turned is not None:
            windows = tuple((turned - center, width, word) for center, width, word in windows)
        found["window"] = windows
        if function := text(holder, "VOILUTFunction"):
            found["voi_lut_function"] = function
    if first_item(holder, "VOILUTSequence") is not None:
        found["voi_lut"] = True
    padding = _padding(plane, turned)
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


def _padding(plane: Plane, turned: float | None) -> float | tuple[float, float] | None:
    values = []
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        if text(plane.dataset, keyword):
            stored = integer(plane.dataset, keyword, plane.name)
            allocated = bits_allocated(plane)
            # Its VR follows Pixel Representation; some writers put the bits of a negative value into US.
            if stored_type(plane, allocated).kind == "i" and stored >= 1 << (allocated - 1):
                stored -= 1 << allocated
            value = stored * plane.slope + plane.intercept
            values.append(value if turned is None else turned - value)
    if not values:
        return None
    return values[0] if len(values) == 1 else (min(values), max(values))


def overlay_notes(dataset: Dataset) -> tuple[str, ...]:
    """A sentence where the data set holds overlay graphics of its own, which are no part of the image."""
    if any((group, OVERLAY_DATA) in dataset for group in OVERLAY_GROUPS):
        return ("overlay graphics were left out",)
    return ()
