"""The folder of one run: what was to be answered, the answer, and the objects made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from overread.clinic.results.groups import Failure
from overread.files import atomic_path, canonical_json, sha256_bytes, write_json
from overread.runtime.prediction import Breach, Measurement, Outcome, Prediction

RUN, ANSWER, MASK, PICTURE = "run.json", "answer.json", "mask.npz", "overlay.png"
SEG, SR = "seg.dcm", "sr.dcm"
# In this order: a report refers to the segmentation, which should be there first.
OBJECTS = (SEG, SR)


def sops_sha256(sops: Sequence[str]) -> str:
    """Hash of a set of SOP Instance UIDs."""
    return sha256_bytes(canonical_json(sorted(sops)).encode())


def run_key(study: str, sops: Sequence[str], package_sha256: str) -> str:
    """Names a run: these instances of this study answered by this package. 32 hexadecimal digits."""
    return sha256_bytes(canonical_json([study, sops_sha256(sops), package_sha256]).encode())[:32]


@dataclass(frozen=True)
class Record:
    """What a run is about, fixed when it is made. ``created`` is UTC, ISO 8601."""

    key: str
    study_uid: str
    sops: tuple[str, ...]
    route: str
    package_name: str
    package_version: str
    package_sha256: str
    virtual: bool
    created: str

    @property
    def time(self) -> datetime:
        """``created`` as a time in UTC."""
        return datetime.fromisoformat(self.created).astimezone(UTC)


@dataclass(frozen=True)
class Answer:
    """A prediction or a failure; the instances used, and those of the first channel in slice order."""

    content: Prediction | Failure
    used: tuple[str, ...]
    first: tuple[str, ...]


class RunFolder:
    """Files of one run; every one is written whole or not at all."""

    def __init__(self, results: Path, key: str) -> None:
        self.folder = results / key

    def write_record(self, record: Record) -> Record:
        """Keep ``record``; where there is one already, that one counts and is returned."""
        path = self.folder / RUN
        if not path.exists():
            write_json(path, asdict(record))
        return self.record()

    def record(self) -> Record:
        """What the run is about."""
        content = json.loads((self.folder / RUN).read_text(encoding="utf-8"))
        return Record(**{**content, "sops": tuple(content["sops"])})

    def has_answer(self) -> bool:
        """Whether an answer was kept."""
        return (self.folder / ANSWER).exists()

    def write_answer(self, answer: Answer, picture: bytes | None) -> None:
        """Keep the answer: picture and mask first, so that an answer that exists is complete."""
        content = answer.content
        if picture is not None:
            with atomic_path(self.folder / PICTURE) as temporary:
                temporary.write_bytes(picture)
        if isinstance(content, Prediction) and content.mask is not None:
            with atomic_path(self.folder / MASK) as temporary, temporary.open("wb") as f:
                np.savez_compressed(f, mask=content.mask)
        plain = plain_prediction(content) if isinstance(content, Prediction) else asdict(content)
        kind = "prediction" if isinstance(content, Prediction) else "failure"
        write_json(
            self.folder / ANSWER, {"kind": kind, "content": plain, "used": answer.used, "first": answer.first}
        )

    def answer(self) -> Answer:
        """The answer as it was kept."""
        stored = json.loads((self.folder / ANSWER).read_text(encoding="utf-8"))
        used, first = tuple(stored["used"]), tuple(stored["first"])
        if stored["kind"] == "failure":
            return Answer(Failure(**stored["content"]), used, first)
        content = dict(stored["content"])
        content.pop("summary")
        mask = None
        if (self.folder / MASK).exists():
            with np.load(self.folder / MASK, allow_pickle=False) as arrays:
                mask = arrays["mask"]
        prediction = Prediction(
            **{
                **content,
                "outcome": Outcome(content["outcome"]),
                "breaches": tuple(Breach(**b) for b in content["breaches"]),
                "score_intervals": {k: (v[0], v[1]) for k, v in content["score_intervals"].items()},
                "label_set": tuple(content["label_set"]),
                "measurements": tuple(Measurement(**m) for m in content["measurements"]),
                "notes": tuple(content["notes"]),
                "mask": mask,
            }
        )
        return Answer(prediction, used, first)

    def objects(self) -> list[Path]:
        """The DICOM objects that were made, in sending order."""
        return [self.folder / name for name in OBJECTS if (self.folder / name).exists()]


def plain_prediction(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON data: everything but its arrays, and its one-line summary."""
    content = {k: v for k, v in vars(prediction).items() if k != "mask"}
    content["outcome"] = prediction.outcome.value
    content["breaches"] = [asdict(b) for b in prediction.breaches]
    content["measurements"] = [asdict(m) for m in prediction.measurements]
    return {**content, "summary": prediction.summary()}
