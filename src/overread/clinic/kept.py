"""The result of a run on the disk: ``answer.json``, and ``arrays.npz`` where the answer has arrays."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.clinic import earlier
from overread.clinic.results.failure import Failure
from overread.errors import InputError
from overread.files import atomic_path, write_json
from overread.runtime.answer_files import Arrays, from_files, to_files
from overread.runtime.computed import Computed
from overread.runtime.prediction import Breach, Outcome, Prediction

RESULT, ARRAYS = "answer.json", "arrays.npz"
FORMAT = 2
MAP = "map: "
"""Begins the names of maps among the arrays."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptResult:
    """A prediction or a failure; the instances used, and those of the first channel in slice order."""

    content: Prediction | Failure
    used: tuple[str, ...]
    first: tuple[str, ...]


def write_result(folder: Path, result: KeptResult) -> None:
    """Keep a result, its arrays first, so that a result that exists is complete."""
    content = result.content
    if isinstance(content, Prediction):
        plain, arrays = prediction_to_plain(content)
        if arrays:
            with atomic_path(folder / ARRAYS) as temporary, temporary.open("wb") as f:
                np.savez_compressed(f, allow_pickle=False, **arrays)
        what: dict[str, Any] = {"kind": "prediction", "content": plain}
    else:
        what = {"kind": "failure", "content": asdict(content)}
    write_json(folder / RESULT, {"format": FORMAT, **what, "used": result.used, "first": result.first})


def read_result(folder: Path) -> KeptResult | None:
    """A result as it was kept, also by an earlier version; None where there is none that can be read.

    What cannot be read can be made again from the spool. Raises OSError where the disk is at fault, not the content.
    """
    try:
        return _read(folder)
    except FileNotFoundError:
        return None
    except (OSError, MemoryError):
        raise
    except Exception as error:
        # Damaged files make parsers raise whatever they happen to.
        log.warning("%s cannot be read (%s); the study is answered again", folder / RESULT, error)
        return None


def _read(folder: Path) -> KeptResult:
    stored = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    used, first, version = tuple(stored["used"]), tuple(stored["first"]), stored.get("format", earlier.FORMAT)
    if stored["kind"] == "failure":
        return KeptResult(Failure(**stored["content"]), used, first)
    if version == earlier.FORMAT:
        mask = _arrays(folder / earlier.MASK).get("mask")
        return KeptResult(earlier.prediction_of(stored["content"], mask), used, first)
    if version != FORMAT:
        raise InputError(f"found format {version!r}, expected {earlier.FORMAT} or {FORMAT}")
    return KeptResult(prediction_from_plain(stored["content"], _arrays(folder / ARRAYS)), used, first)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.exists():
        return {}
    # Opened here: numpy leaves a file open that is damaged.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def prediction_to_plain(prediction: Prediction) -> tuple[dict[str, Any], Arrays]:
    """A prediction as JSON data, and the arrays that its answer needs besides."""
    answer, arrays = (None, {}) if prediction.answer is None else to_files(prediction.answer)
    arrays |= {MAP + name: array for name, array in prediction.maps.items()}
    plain = {k: v for k, v in vars(prediction).items() if k != "maps"} | {
        "outcome": prediction.outcome.value,
        "breaches": [asdict(b) for b in prediction.breaches],
        "notes": list(prediction.notes),
        "answer": answer,
        "computed": None if prediction.computed is None else asdict(prediction.computed),
    }
    return plain, arrays


def prediction_from_plain(plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Prediction:
    """The prediction that `prediction_to_plain` took apart. Raises InputError as `from_files`."""
    answer, computed = plain["answer"], plain.get("computed")
    maps = {name.removeprefix(MAP): array for name, array in arrays.items() if name.startswith(MAP)}
    return Prediction(
        **{
            **plain,
            "outcome": Outcome(plain["outcome"]),
            "breaches": tuple(Breach(**b) for b in plain["breaches"]),
            "notes": tuple(plain["notes"]),
            "answer": None if answer is None else from_files(answer, arrays),
            # Earlier runs do not say it.
            "computed": Computed(**computed | {"flags": tuple(computed["flags"])}) if computed else None,
            "maps": maps,
        }
    )
