"""How grey values become network input: chosen by modality and body part, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from overread.imaging.intensity.ct_windows import WINDOWS, window_for
from overread.runtime.manifest import Intensity

ABSOLUTE = {"CT", "PT"}
"""Modalities whose values mean the same on every scanner: HU, and SUV."""


def choose_grey_values(
    statistics: Sequence[Mapping[str, float]],
    *,
    of_foreground: bool,
    modality: Sequence[str],
    body_part: Sequence[str],
    channels: int,
) -> tuple[list[Intensity], str]:
    """One `Intensity` per channel, and why.

    ``statistics`` are the fingerprint's, per channel (the last serves those that follow), taken ``of_foreground`` where
    the truth says voxel by voxel what that is; ``modality`` and ``body_part`` as DICOM and protocol state them.

    - MR, and what has no absolute scale where the foreground is known: z-score image by image.
    - CT alone, of body parts with one window, where the foreground is not known: that window. Percentiles of whole
      images would be those of air and of rare dense things; the foreground's are better (nnU-Net, Isensee 2021).
    - Else the percentiles, mean and deviation of the training cases.
    """
    named = ", ".join(modality) or "images of unstated modality"
    if "MR" in modality or (of_foreground and not ABSOLUTE & set(modality)):
        why = f"Grey values are standardised image by image: the scale of {named} differs between scanners."
        return [Intensity(method="zscore") for _ in range(channels)], why
    preset = window_for(body_part) if not of_foreground and set(modality) == {"CT"} else None
    if preset is not None:
        window = WINDOWS[preset]
        why = (
            f"Grey values are clipped to the {preset} window, {window.center:g} HU and {window.width:g} wide "
            f"({window.source}), as suits CT of {' and '.join(body_part)}."
        )
        chosen = Intensity(
            method="fixed",
            preset=preset,
            low=window.low,
            high=window.high,
            mean=window.center,
            std=window.width / 2,
        )
        return [chosen] * channels, why
    of = "the foreground of the training cases" if of_foreground else "the training cases"
    why = f"Grey values of {named} are clipped and scaled by the percentiles, mean and deviation of {of}."
    values = [statistics[min(i, len(statistics) - 1)] for i in range(channels)]
    return [
        Intensity(method="fixed", low=s["p0_5"], high=s["p99_5"], mean=s["mean"], std=max(s["std"], 1e-6))
        for s in values
    ], why
