"""Grey-value transforms by name, in the order in which they are applied. To add one: a file, and a line here."""

from __future__ import annotations

from overread.learn.augment.grey_values import blur, brightness, contrast, gamma, noise
from overread.learn.augment.grey_values.protocol import GreyValues

__all__ = ["GREY_VALUES"]

GREY_VALUES: dict[str, GreyValues] = {
    "blur": blur,
    "gamma": gamma,
    "contrast": contrast,
    "brightness": brightness,
    "noise": noise,
}
