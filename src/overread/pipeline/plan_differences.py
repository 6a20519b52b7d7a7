"""What differs between two plans, key by key, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.parse import parse_json

WORDS: Mapping[str, str] = {
    "accumulate": "parts that a batch is learnt in",
    "answer_seconds": "seconds an answer takes",
    "augment": "random changes of training images",
    "average_decay": "decay of the averaged weights",
    "batch": "images a step learns from",
    "decoding": "numbers that outputs are read with",
    "epochs": "epochs expected",
    "follow_clock": "whether the clock decides the epochs",
    "foreground_share": "share of patches drawn around an object",
    "learning_rate": "peak of the learning rate",
    "loss": "what is minimised",
    "memory_gib": "peak of memory, GiB",
    "mix": "training images mixed with others",
    "most_epochs": "epochs at most",
    "network": "network",
    "overlap": "share that neighbouring windows have in common",
    "patch": "voxels learnt from at once",
    "precision": "numbers computed with",
    "preprocess": "grid and grey values",
    "regions": "structures answered in place of labels",
    "sampling": "how often cases are drawn",
    "seconds_per_step": "seconds a step takes",
    "selection": "which weights are kept",
    "steps_per_epoch": "steps of an epoch",
    "train_seconds": "seconds for training",
    "transfer": "weights that it starts from",
    "views": "views answered in beside the image as it is",
    "weight_decay": "weight decay",
    "window": "voxels answered at once",
}
ABSENT = "not there"
MOST = 60


@dataclass(frozen=True)
class Difference:
    """One key (dots lead into it) with what it is about and its two values, None where a plan has no such key."""

    key: str
    about: str
    first: Any
    second: Any

    def text(self) -> str:
        """One line for a person; of numbers with how many times as large the second is."""
        about = f" ({self.about})" if self.about else ""
        times = ""
        if _number(self.first) and _number(self.second) and self.first and self.second / self.first > 0:
            times = f", {self.second / self.first:.3g} times"
        return f"{self.key}{about}: {_shown(self.first)} > {_shown(self.second)}{times}"


def plan_at(path: Path) -> Mapping[str, Any]:
    """The plan in the file ``path``, or in plan.json of that folder. Raises InputError where there is none."""
    file = path / "plan.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{file}: no such file, expected a plan.json or a folder with one")
    content = parse_json(file.read_bytes(), str(file))
    if not isinstance(content, dict) or "patch" not in content:
        raise InputError(f"{file}: found no plan, expected plan.json as `overread plan` writes it")
    return content


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """What two plans do not have in common, by key; reasons are sentences about these and are left out."""
    a, b = (dict(_leaves({k: v for k, v in plan.items() if k != "reasons"})) for plan in (first, second))
    keys = [k for k in a if k in b] + [k for k in (*a, *b) if (k in a) is not (k in b)]
    return [
        Difference(key, WORDS.get(key.split(".")[0], ""), a.get(key), b.get(key))
        for key in dict.fromkeys(keys)
        if a.get(key) != b.get(key)
    ]


def told(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The differences as lines, and the reasons that only one of the plans gives."""
    found = differences(first, second)
    lines = [one.text() for one in found] or ["The plans are alike in every key."]
    for name, own, other in (("first", first, second), ("second", second, first)):
        reasons = [r for r in own.get("reasons", []) if r not in other.get("reasons", [])]
        if reasons:
            lines += ["", f"Said in the {name} plan alone:", *(f"  {r}" for r in reasons)]
    return lines


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Values by their keys; what is empty (null, [], {}) is as good as not there."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        for i, part in enumerate(value):
            yield from _leaves(part, f"{key}[{i}]")
    elif value is not None and value != []:
        yield key, value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = ABSENT if value is None else str(value)
    return text if len(text) <= MOST else text[: MOST - 3] + "..."
