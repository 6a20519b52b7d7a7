"""Facts of a mammogram: which breast, which view, and what was in the way.

Source: PS3.3 C.8.11.7 (Mammography Image), CID 4014 and 4015 (views and their modifiers).
"""

from __future__ import annotations

from typing import Any

from pydicom import Dataset

from overread.imaging.dicom.values import first_item, items, text

KEYWORDS = (
    "ImageLaterality",
    "BreastImplantPresent",
    "PartialView",
    "PaddleDescription",
    "BodyPartThickness",
    "CompressionForce",
    "PositionerPrimaryAngle",
    "PresentationIntentType",
    "EstimatedRadiographicMagnificationFactor",
)


def mammography_facts(dataset: Dataset) -> dict[str, Any]:
    """Present and non-empty attributes by keyword, ``view`` and ``view_modifiers`` in the words of their codes.

    ``ImageLaterality`` of a tomosynthesis image is that of its frames (Frame Laterality).
    """
    found: dict[str, Any] = {k: v for k in KEYWORDS if (v := text(dataset, k))}
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    anatomy = None if shared is None else first_item(shared, "FrameAnatomySequence")
    if "ImageLaterality" not in found and anatomy is not None and (side := text(anatomy, "FrameLaterality")):
        found["ImageLaterality"] = side
    view = first_item(dataset, "ViewCodeSequence")
    if view is not None:
        found["view"] = text(view, "CodeMeaning")
        modifiers = (*items(view, "ViewModifierCodeSequence"), *items(dataset, "ViewModifierCodeSequence"))
        words = tuple(text(m, "CodeMeaning") for m in modifiers)
        if words:
            found["view_modifiers"] = words
    return found
