"""Grey-value transforms by name, in the order in which they are applied. To add one: a file, and a line here.

First what happens while the image is made, then what happens to it afterwards.
"""

from __future__ import annotations

from overread.learn.augment.grey_values import (
    bias_field,
    blur,
    brightness,
    contrast,
    ct_dose,
    exposure,
    gamma,
    ghosting,
    gibbs,
    low_resolution,
    metal_streaks,
    motion,
    noise,
    speckle,
    spikes,
    stain,
)
from overread.learn.augment.grey_values.protocol import GreyValues

__all__ = ["GREY_VALUES"]

GREY_VALUES: dict[str, GreyValues] = {
    "stain": stain,
    "motion": motion,
    "ghosting": ghosting,
    "spikes": spikes,
    "gibbs": gibbs,
    "bias_field": bias_field,
    "metal_streaks": metal_streaks,
    "ct_dose": ct_dose,
    "exposure": exposure,
    "speckle": speckle,
    "low_resolution": low_resolution,
    "blur": blur,
    "gamma": gamma,
    "contrast": contrast,
    "brightness": brightness,
    "noise": noise,
}
