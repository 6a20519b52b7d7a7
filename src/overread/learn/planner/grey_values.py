"""How grey values become network input: chosen channel by channel by modality and body part, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from overread.errors import InputError
from overread.imaging.intensity.ct_windows import WINDOWS, window_for
from overread.runtime.manifest import Channel, Intensity

RADIOGRAPHS = {"CR", "DX", "MG", "PX", "IO", "RG", "RF", "XA"}
"""Their raw values differ by vendor, detector and bit depth."""
GAIN = {"US", "NM", "IVUS"}
"""Their values follow a gain, a dose or a scan time."""
MARKS = (0.5, 99.5)
"""Percentiles of pictures with letters of lead and direct exposure."""
FIELD = (0.1, 99.9)
"""Percentiles of pictures that may be nearly empty: tissue hardly moves with the share of glass or gel around it."""


def choose_grey_values(
    statistics: Sequence[Mapping[str, float]],
    *,
    of_foreground: bool,
    modality: Sequence[str],
    body_part: Sequence[str],
    channels: int,
    dimensions: int = 3,
    inputs: Sequence[Channel] = (),
    seen: Sequence[str] | None = None,
) -> tuple[list[Intensity], str]:
    """One `Intensity` per channel, and why.

    ``statistics`` are the fingerprint's, per channel (the last serves those that follow), taken ``of_foreground`` where
    the truth says voxel by voxel what that is; ``modality`` and ``body_part`` as DICOM and protocol state them.
    ``inputs``: the protocol's channels, which may be of different modalities; ``seen``: those that the files state.

    - MR, and volumes of unstated modality where the foreground is known: z-score over what is no air around it.
    - Radiographs, ultrasound, scintigraphy, and pictures to segment: the image's own percentiles.
    - CT alone, of body parts with one window, where the foreground is not known: that window. Percentiles of whole
      images would be those of air and of rare dense things; the foreground's are better (nnU-Net, Isensee 2021).
    - PET: SUV, by the percentiles, mean and deviation of the training cases.
    - Else, as photographs and slides to classify, whose scale is the camera's 8 bits: those of the training cases.

    Raises InputError for PET files without a DICOM header whose unit the protocol does not state.
    """
    of_each = [set(i.modality) for i in inputs] if len(inputs) == channels else []
    if not all(of_each) or not of_each:
        of_each = [set(modality)] * channels
    chosen, reasons = [], []
    for c, own in enumerate(of_each):
        values = statistics[min(c, len(statistics) - 1)]
        unit = inputs[c].unit if len(inputs) == channels else None
        intensity, why = _choose(values, of_foreground, own, body_part, dimensions)
        if own == {"PT"}:
            intensity, why = _uptake(intensity, why, unit, headed=seen is None or "PT" in seen)
        chosen.append(intensity)
        if why not in reasons:
            reasons.append(why)
    return chosen, " ".join(reasons)


def sees_window(modality: Sequence[str]) -> bool:
    """Whether DICOM images are to be seen through the window that their header states: radiographs are."""
    return bool(modality) and set(modality) <= RADIOGRAPHS


def own_changes(channels: int, *, color: bool) -> int:
    """How many channels draw grey-value changes of their own in augmentation: contrasts do, colours do not."""
    return 1 if color else channels


def _choose(
    values: Mapping[str, float],
    of_foreground: bool,
    modality: set[str],
    body_part: Sequence[str],
    dimensions: int,
) -> tuple[Intensity, str]:
    named = ", ".join(sorted(modality)) or "images of unstated modality"
    if "MR" in modality or (
        of_foreground and dimensions == 3 and not modality & {"CT", "PT"} | GAIN & modality
    ):
        return Intensity(method="tissue"), (
            f"Grey values are standardised image by image over what is no air: the scale of {named} differs between "
            "scanners."
        )
    if modality & RADIOGRAPHS or modality & GAIN or (of_foreground and not modality & {"CT", "PT"}):
        low, high = MARKS if modality & RADIOGRAPHS else FIELD
        return Intensity(method="range", percentiles=(low, high), mean=0.5, std=0.25), (
            f"Grey values are scaled by each image's own percentiles, {low:g} and {high:g}: the scale of {named} "
            "differs between machines, exposures and files."
        )
    preset = window_for(body_part) if not of_foreground and modality == {"CT"} else None
    if preset is not None:
        window = WINDOWS[preset]
        return Intensity(
            method="fixed",
            preset=preset,
            low=window.low,
            high=window.high,
            mean=window.center,
            std=window.width / 2,
        ), (
            f"Grey values are clipped to the {preset} window, {window.center:g} HU and {window.width:g} wide "
            f"({window.source}), as suits CT of {' and '.join(body_part)}."
        )
    of = "the foreground of the training cases" if of_foreground else "the training cases"
    why = f"Grey values of {named} are clipped and scaled by the percentiles, mean and deviation of {of}."
    return Intensity(
        method="fixed",
        low=values["p0_5"],
        high=values["p99_5"],
        mean=values["mean"],
        std=max(values["std"], 1e-6),
    ), why


def _uptake(intensity: Intensity, why: str, unit: str | None, *, headed: bool) -> tuple[Intensity, str]:
    """PET as SUV; by the image's own percentiles where files without a header hold what scales with the dose."""
    if unit is None and not headed:
        raise InputError(
            "protocol.yaml: channels: PET files without a DICOM header do not say what their values are; add "
            "`unit: SUV` to the channel if they are SUV by body weight, else `unit: BQML` or `unit: CNTS`"
        )
    if unit in ("BQML", "CNTS"):
        return Intensity(method="range", percentiles=FIELD, mean=0.5, std=0.25), (
            f"Grey values are scaled by each image's own percentiles, {FIELD[0]:g} and {FIELD[1]:g}: PET in {unit} "
            "scales with dose, weight and delay."
        )
    suv = "stated" if unit == "SUV" else "header"
    return intensity.model_copy(update={"suv": suv}), f"{why} They are SUV by body weight."
