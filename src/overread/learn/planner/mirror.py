"""Which axes may be mirrored: those where side means nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

# DICOM modalities and body parts of pictures that have neither left nor right nor up nor down.
SIDELESS_MODALITIES = {"SM", "GM", "DMS"}
SIDELESS_PARTS = {"SKIN", "CELL", "TISSUE", "HISTOLOGY", "CYTOLOGY", "MICROSCOPY", "BLOOD", "BONE MARROW"}
SIDE = re.compile(r"(^|[^a-z])(left|right|l|r|superior|inferior|upper|lower)([^a-z]|$)", re.IGNORECASE)
"""A label that is named by its side."""


def choose_mirror(
    *,
    dimensions: int,
    modality: Sequence[str],
    body_part: Sequence[str],
    labels: Sequence[str],
    outlined: bool,
) -> tuple[list[int], str]:
    """Axes of the picture that training may mirror, and why.

    All axes of micrographs, slides and skin, as modality or ``limits.body_part`` state them. The columns of a picture
    that is ``outlined`` (segmented), that states no body part and has no label named by its side. Nothing else: a class
    or finding may be a matter of side, and so may a part of a volume.
    """
    kinds, parts = {m.upper() for m in modality}, {b.upper() for b in body_part}
    stated = (kinds & SIDELESS_MODALITIES) | (parts & SIDELESS_PARTS)
    sided = [label for label in labels if SIDE.search(label)]
    if dimensions == 2 and stated and parts <= SIDELESS_PARTS and not sided:
        return [0, 1], f"Pictures are mirrored along both axes: {', '.join(sorted(stated))} has no side."
    if dimensions == 2 and outlined and not parts and not sided:
        return [1], (
            "Pictures are mirrored left to right: the label of a pixel does not depend on the side. Where it does, "
            "take flip out of augment; where up and down mean nothing either (micrographs), state "
            "limits.body_part, such as MICROSCOPY, in protocol.yaml."
        )
    return (
        [],
        "Nothing is mirrored: side may matter. Where it does not, state axes under augment.flip in plan.json.",
    )
