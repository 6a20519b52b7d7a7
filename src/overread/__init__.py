"""overread: a medical-imaging model's whole life, from pixels and labels to a watched package in the clinic."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from overread.cohort.case import Case
    from overread.cohort.cohort import Cohort
    from overread.imaging.image import Image
    from overread.imaging.read import read
    from overread.ledger.ledger import Ledger
    from overread.runtime.answer import Classes, Findings, LabelMap, Objects
    from overread.runtime.package import Package
    from overread.runtime.predict import predict
    from overread.runtime.prediction import Prediction

# Imported on first use, so that `import overread` costs nothing.
_WHERE = {
    "Case": "overread.cohort.case",
    "Cohort": "overread.cohort.cohort",
    "Image": "overread.imaging.image",
    "read": "overread.imaging.read",
    "Ledger": "overread.ledger.ledger",
    "Classes": "overread.runtime.answer",
    "Findings": "overread.runtime.answer",
    "LabelMap": "overread.runtime.answer",
    "Objects": "overread.runtime.answer",
    "Package": "overread.runtime.package",
    "predict": "overread.runtime.predict",
    "Prediction": "overread.runtime.prediction",
}

__all__ = [
    "Case",
    "Classes",
    "Cohort",
    "Findings",
    "Image",
    "LabelMap",
    "Ledger",
    "Objects",
    "Package",
    "Prediction",
    "__version__",
    "predict",
    "read",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'overread' has no attribute {name!r}")
