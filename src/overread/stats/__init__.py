"""Every number and its interval: pure functions of arrays.

Modules by family (``roc``, ``calibration``, ``segmentation`` ...) are loaded when first asked for, so that
``from overread import stats; stats.roc.auc(y, score)`` works and nothing else is paid for.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from overread.stats.interval import Interval

if TYPE_CHECKING:
    from overread.stats import (
        agreement,
        calibration,
        conformal,
        contingency,
        control,
        decision,
        detection,
        diagnostic,
        drift,
        fairness,
        gatekeeping,
        intervals,
        multiplicity,
        ordinal,
        power,
        radiomics,
        readers,
        roc,
        segmentation,
        selective,
        shape,
        survival,
        updates,
    )

__all__ = [
    "Interval",
    "agreement",
    "calibration",
    "conformal",
    "contingency",
    "control",
    "decision",
    "detection",
    "diagnostic",
    "drift",
    "fairness",
    "gatekeeping",
    "intervals",
    "multiplicity",
    "ordinal",
    "power",
    "radiomics",
    "readers",
    "roc",
    "segmentation",
    "selective",
    "shape",
    "survival",
    "updates",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
