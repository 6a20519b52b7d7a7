"""Which augmentation: the task's own, with what modality and body part add, within the protocol's constraints."""

from __future__ import annotations

import math
from collections.abc import Sequence

from overread.learn.constraints import Constraints
from overread.learn.plan import Augment
from overread.learn.planner.grey_values import RADIOGRAPHS
from overread.runtime.manifest import Intensity

MR = {"bias_field": 0.2, "ghosting": 0.3, "motion": 2.0, "gibbs": 0.3, "low_resolution": 0.5}
CT = {"ct_dose": 3.0, "low_resolution": 0.5}
RADIOGRAPH = {"exposure": 0.1}
ULTRASOUND = {"speckle": 0.1}
STAIN = {"stain": 0.08}
OF_MODALITY = {
    "MR": MR,
    "CT": CT,
    **dict.fromkeys(RADIOGRAPHS, RADIOGRAPH),
    "US": ULTRASOUND,
    "IVUS": ULTRASOUND,
    "SM": STAIN,
    "GM": STAIN,
}
"""Ranges of the artefacts that a modality has. Mild: they are what machines in good order do. Metal and spikes are left
to those who have them in their images."""
STAINED = {"CELL", "TISSUE", "HISTOLOGY", "CYTOLOGY", "MICROSCOPY", "BLOOD", "BONE MARROW"}
LIMBS = {
    "HAND",
    "WRIST",
    "ELBOW",
    "SHOULDER",
    "FOOT",
    "ANKLE",
    "KNEE",
    "LEG",
    "ARM",
    "FOREARM",
    "EXTREMITY",
    "FINGER",
}
LIMB_DEG = 30.0
"""Limbs are laid down as it suits the patient; trunk and head lie straight."""
SMALL = 32
"""Voxels along the shorter axis of the plane below which there is no room for artefacts of the acquisition; slices may
be few."""


def choose_augmentation(
    own: Augment,
    *,
    dimensions: int,
    modality: Sequence[str],
    body_part: Sequence[str],
    color: bool,
    patch: Sequence[int],
    extent_mm: Sequence[float],
    intensity: Sequence[Intensity] = (),
    limits: Constraints | None = None,
) -> tuple[Augment, list[str]]:
    """``own`` ranges of the task with what modality and body part add, and a sentence for each decision.

    ``extent_mm`` is the extent of the ``patch`` along each axis, in pixels where files state no spacing. Artefacts are
    added where every image is of the same modality. A task that turns nothing (``rotate_deg`` 0) is left at that. The
    ``limits`` have the last word.
    """
    limits = limits or Constraints()
    kinds, parts = {m.upper() for m in modality}, {b.upper() for b in body_part}
    reasons = []
    changed: dict[str, object] = {}
    added = _artefacts(kinds, parts, color) if sorted(patch)[-2] >= SMALL else {}
    if added:
        named = ", ".join(sorted(kinds | parts & STAINED))
        reasons.append(f"Augmentation has the artefacts of {named}: {', '.join(added)}.")
    grey = {k: v for k, v in {**added, **own.grey_values}.items() if k not in limits.without}
    changed["grey_values"] = grey
    if "stain" in grey:
        changed |= _ends(intensity)
    if own.rotate_deg and dimensions == 2 and (own.flip == [0, 1] or limits.mirror == "all"):
        changed["rotate_deg"] = 180.0
        reasons.append("Pictures are turned by any angle: they have no up and down.")
    elif own.rotate_deg and parts and parts <= LIMBS:
        changed["rotate_deg"] = max(own.rotate_deg, LIMB_DEG)
        reasons.append(f"Images of limbs are turned by up to {LIMB_DEG:g} degrees.")
    augment = own.model_copy(update=changed)
    within = _within(augment, limits, dimensions, extent_mm)
    if within:
        stated = [f"{k} {v}" for k, v in limits.model_dump(exclude_none=True).items() if v != []]
        reasons.append(f"Augmentation keeps to protocol.yaml: {', '.join(stated)}.")
    return augment.model_copy(update=within), reasons


def _artefacts(kinds: set[str], parts: set[str], color: bool) -> dict[str, float]:
    """Those that every modality of ``kinds`` has; stains of colour pictures only."""
    each = [OF_MODALITY.get(kind, {}) for kind in kinds] or [{}]
    if color:
        return dict(STAIN) if all(e is STAIN for e in each) or (parts and parts <= STAINED) else {}
    shared = set.intersection(*(set(e) for e in each))
    return {k: min(e[k] for e in each) for k in each[0] if k in shared and k not in STAIN}


def _ends(intensity: Sequence[Intensity]) -> dict[str, list[float]]:
    """The network's values of black and white, where 8 bits are scaled alike in every picture."""
    if len(intensity) not in (1, 3) or any(i.method != "fixed" for i in intensity):
        return {}
    each = [(i.mean or 0.0, i.std or 1.0) for i in (list(intensity) * 3)[:3]]
    return {"black": [(0 - m) / s for m, s in each], "white": [(255 - m) / s for m, s in each]}


def _within(
    augment: Augment, limits: Constraints, dimensions: int, extent_mm: Sequence[float]
) -> dict[str, object]:
    """What the limits change."""
    out: dict[str, object] = {}
    match limits.mirror:
        case "never":
            out["flip"] = []
        case "left_right":
            # Columns of a picture; the first axis of a volume in RAS.
            out["flip"] = [1] if dimensions == 2 else [0]
        case "all":
            out["flip"] = list(range(dimensions))
        case None:
            pass
    if limits.rotate_deg is not None:
        out["rotate_deg"] = min(augment.rotate_deg, limits.rotate_deg)
    if limits.scale is not None:
        # The range is one of logarithms.
        out["scale"] = min(augment.scale, math.log1p(limits.scale))
    longest = max(extent_mm, default=1.0)
    if limits.shift_mm is not None:
        out["shift"] = min(augment.shift, limits.shift_mm / longest)
    if limits.elastic_mm is not None:
        out["elastic"] = min(augment.elastic, limits.elastic_mm / longest)
    if limits.without:
        out["grey_values"] = augment.grey_values
    return out
