"""Answers to and from files: plain JSON, and beside it the arrays that are too large for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.boxes import Boxes
from overread.runtime.answer import (
    Answer,
    Classes,
    Findings,
    LabelMap,
    Measurement,
    Objects,
    PredictedDice,
    Value,
)
from overread.task import AnswerKind

Arrays = dict[str, NDArray[Any]]


def kind_of(answer: Answer) -> AnswerKind:
    """The answer's kind, as `overread.task.Task` names it and files keep it."""
    match answer:
        case Classes():
            return "classes"
        case Findings():
            return "findings"
        case Value():
            return "value"
        case LabelMap():
            return "label_map"
        case Objects():
            return "objects"
        case _:
            assert_never(answer)


def to_files(answer: Answer) -> tuple[dict[str, Any], Arrays]:
    """An answer as JSON data with its ``kind``, and the arrays it needs besides: ``mask`` of a label map.

    Every float is kept to its last digit. Boxes stand in the JSON.
    """
    arrays: Arrays = {}
    match answer:
        case Classes() | Findings() | Value():
            content = _plain(vars(answer))
        case LabelMap():
            content = _plain({k: v for k, v in vars(answer).items() if k not in ("mask", "quality")})
            content["quality"] = {k: asdict(q) for k, q in answer.quality.items()}
            arrays["mask"] = answer.mask
        case Objects():
            content = _plain(
                vars(answer)
                | {
                    "boxes": _boxes_to_plain(answer.boxes),
                    "world": answer.world.tolist(),
                    "candidates": None if answer.candidates is None else _boxes_to_plain(answer.candidates),
                }
            )
        case _:
            assert_never(answer)
    return {"kind": kind_of(answer), **content}, arrays


def from_files(plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Answer:
    """The answer that `to_files` took apart.

    Raises InputError for another kind, and for content that lacks a field or array or has one too many.
    """
    content = dict(plain)
    kind = content.pop("kind", None)
    try:
        match kind:
            case "classes":
                pairs = {k: (v[0], v[1]) for k, v in content["intervals"].items()}
                return Classes(**content | {"intervals": pairs, "label_set": tuple(content["label_set"])})
            case "findings":
                pairs = {k: (v[0], v[1]) for k, v in content["intervals"].items()}
                return Findings(
                    **content
                    | {
                        "intervals": pairs,
                        "present": tuple(content["present"]),
                        "referred": tuple(content.get("referred", ())),
                    }
                )
            case "value":
                return Value(**content)
            case "label_map":
                quality = {k: PredictedDice(**q) for k, q in content.get("quality", {}).items()}
                return LabelMap(
                    **content
                    | {
                        "mask": arrays["mask"],
                        "measurements": _measurements(content),
                        "quality": quality,
                        "referred": tuple(content.get("referred", ())),
                    }
                )
            case "objects":
                candidates = content["candidates"]
                return Objects(
                    **content
                    | {
                        "boxes": _boxes_from_plain(content["boxes"]),
                        "labels": tuple(content["labels"]),
                        "world": np.array(content["world"], np.float64).reshape(-1, 6),
                        "measurements": _measurements(content),
                        "candidates": None if candidates is None else _boxes_from_plain(candidates),
                    }
                )
            case _:
                raise InputError(
                    f"answer: found kind {kind!r}, expected classes, findings, value, label_map or objects; it was "
                    "written by another version"
                )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"answer of kind {kind}: is damaged ({error}); analyse the study again") from error


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON data: measurements as dicts, other tuples as lists, mappings as dicts."""
    out: dict[str, Any] = {}
    for name, value in content.items():
        if name == "measurements":
            out[name] = [asdict(m) for m in value]
        elif isinstance(value, Mapping):
            out[name] = {k: list(v) if isinstance(v, tuple) else v for k, v in value.items()}
        else:
            out[name] = list(value) if isinstance(value, tuple) else value
    return out


def _measurements(content: Mapping[str, Any]) -> tuple[Measurement, ...]:
    return tuple(Measurement(**m) for m in content["measurements"])


def _boxes_to_plain(boxes: Boxes) -> dict[str, Any]:
    return {"axes": boxes.axes, **{k: v.tolist() for k, v in vars(boxes).items()}}


def _boxes_from_plain(plain: Mapping[str, Any]) -> Boxes:
    return Boxes.of(plain["low"], plain["high"], plain["labels"], plain["scores"], axes=plain["axes"])
