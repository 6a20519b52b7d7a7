"""Which axes may be mirrored: those where side means nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

# DICOM modalities and body parts of pictures that have neither left nor right nor up nor down.
SIDELESS_MODALITIES = {"SM", "GM", "DMS"}
SIDELESS_PARTS = {"SKIN", "CELL", "TISSUE", "HISTOLOGY", "CYTOLOGY", "MICROSCOPY", "BLOOD", "BONE MARROW"}
MIDLINE_PARTS = {"HEAD", "BRAIN", "SKULL"}
"""Parts that the midline divides into halves that mirror each other, as far as labels are concerned."""
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

    All axes of micrographs, slides and skin, as modality or ``limits.body_part`` state them; and of a picture that is
    ``outlined`` (segmented), that states no body part and has no label named by its side. Left and right of the head
    in volumes that are outlined without such a label. Nothing else: a class or finding may be a matter of side, and so
    may a part of a volume.
    """
    kinds, parts = {m.upper() for m in modality}, {b.upper() for b in body_part}
    stated = (kinds & SIDELESS_MODALITIES) | (parts & SIDELESS_PARTS)
    sided = [label for label in labels if SIDE.search(label)]
    if dimensions == 2 and stated and parts <= SIDELESS_PARTS and not sided:
        return [0, 1], f"Pictures are mirrored along both axes: {', '.join(sorted(stated))} has no side."
    if dimensions == 2 and outlined and not parts and not sided:
        return [0, 1], (
            "Pictures are mirrored along both axes: the label of a pixel does not depend on the side. Where it does, "
            "take flip and views out of plan.json, or state augmentation.mirror in protocol.yaml."
        )
    if dimensions == 3 and outlined and parts and parts <= MIDLINE_PARTS and not sided:
        return [0], (
            f"Volumes are mirrored left to right: the halves of the {', '.join(sorted(parts)).lower()} look alike, and "
            "no label is named by its side. Where side matters, state augmentation.mirror: never in protocol.yaml."
        )
    return (
        [],
        "Nothing is mirrored: side may matter. Where it does not, state axes under augment.flip in plan.json.",
    )
