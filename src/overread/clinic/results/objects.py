"""All result objects of a run, each made by itself: a fault of one never costs another."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.clinic.results.cad import make_cad
from overread.clinic.results.capture import make_capture
from overread.clinic.results.encapsulated_pdf import make_pdf
from overread.clinic.results.failure import Failure
from overread.clinic.results.key_objects import make_key_objects
from overread.clinic.results.material import Material
from overread.clinic.results.names import PLACES, ObjectName
from overread.clinic.results.parametric_map import make_parametric_map
from overread.clinic.results.presentation import make_presentation
from overread.clinic.results.seg import make_seg
from overread.clinic.results.sr import make_sr
from overread.errors import OverreadError
from overread.runtime.answer import Classes, Findings, LabelMap, Objects, Value
from overread.runtime.maps import PROBABILITY
from overread.runtime.prediction import Prediction

log = logging.getLogger(__name__)
Make = Callable[[Material], Dataset | None]


@dataclass
class Made:
    """The result objects of a run by file name, and a sentence for each that could not be made."""

    datasets: dict[str, Dataset] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def make_objects(material: Material, public: Callable[[Exception], str] = str) -> Made:
    """The objects that ``material.settings`` names, where their kind fits the result, in sending order.

    Parameters
    ----------
    public
        An error's text as others may read it.

    Raises OSError and MemoryError, which say nothing about an object: all is to be tried again.
    """
    made = Made()
    for name, place in PLACES.items():
        if name not in material.settings.objects:
            continue
        try:
            dataset = OBJECTS[name](material)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            # Whatever strange images make a library do costs this object, and is told beside the others.
            if not isinstance(error, OverreadError):
                log.exception("no %s could be made", NOUNS[name])
            fault = f"no {NOUNS[name]}: {public(error)}"
            made.faults.append(fault)
            material.remarks.append(fault)
            continue
        if dataset is not None:
            made.datasets[place.file] = material.made[name] = dataset
    return made


def _segmentation(material: Material) -> Dataset | None:
    mask = mask_of(material.result)
    if mask is None or not mask.any():
        return None
    return make_seg(
        mask,
        material.package,
        material.first_files,
        material.first_headers,
        material.run,
        material.label_codes,
        kind=material.settings.segmentation,
        probabilities={k.removeprefix(PROBABILITY): v for k, v in material.maps.items()},
    )


def _report(material: Material) -> Dataset:
    return make_sr(
        material.result,
        material.package,
        material.files,
        material.headers,
        material.run,
        first=material.first,
        seg=material.made.get("seg"),
        label_codes=material.label_codes,
        remarks=material.remarks,
        predecessors=material.predecessors,
    )


def mask_of(content: Prediction | Failure) -> NDArray[np.uint8] | None:
    """The labels of voxels that are written as a SEG; None for an answer of another kind."""
    answer = content.answer if isinstance(content, Prediction) else None
    match answer:
        case LabelMap():
            return answer.mask
        case Classes() | Findings() | Value() | Objects() | None:
            return None
        case _:
            assert_never(answer)


OBJECTS: dict[ObjectName, Make] = {
    "seg": _segmentation,
    "map": make_parametric_map,
    "capture": make_capture,
    "sr": _report,
    "cad": make_cad,
    "presentation": make_presentation,
    "pdf": make_pdf,
    "key": make_key_objects,
}
NOUNS: dict[ObjectName, str] = {
    "seg": "SEG",
    "map": "parametric map",
    "capture": "secondary capture",
    "sr": "SR",
    "cad": "CAD SR",
    "presentation": "presentation state",
    "pdf": "PDF",
    "key": "key object selection",
}
