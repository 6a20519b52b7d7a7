"""Names of the result objects, their files in a run's folder and their series numbers, in sending order."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

ObjectName: TypeAlias = Literal["seg", "map", "capture", "sr", "cad", "presentation", "pdf", "key"]

SegmentationKind: TypeAlias = Literal["binary", "fractional", "labelmap"]


class Place(NamedTuple):
    """Where an object goes: file in the run's folder, and SeriesNumber (PS3.3 C.7.3.1)."""

    file: str
    series_number: int


# A report refers to the segmentation, a key object selection to the report: what is referred to goes first.
PLACES: dict[ObjectName, Place] = {
    "seg": Place("seg.dcm", 9002),
    "map": Place("map.dcm", 9003),
    "capture": Place("capture.dcm", 9004),
    "sr": Place("sr.dcm", 9001),
    "cad": Place("cad.dcm", 9005),
    "presentation": Place("presentation.dcm", 9006),
    "pdf": Place("pdf.dcm", 9007),
    "key": Place("key.dcm", 9008),
}
OBJECT_NAMES: tuple[ObjectName, ...] = get_args(ObjectName)
OBJECT_FILES: tuple[str, ...] = tuple(place.file for place in PLACES.values())
