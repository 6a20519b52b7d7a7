"""What a run has made, as it goes from the process that made it to the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Written:
    """What came of a run: files in its folder, the prediction for people, why objects or an answer are missing.

    ``urgent``: labels that the route calls urgent and that were found. ``failed``: code of a failure, or empty.
    """

    files: tuple[str, ...] = ()
    prediction: Mapping[str, Any] | None = None
    text: str = ""
    faults: tuple[str, ...] = ()
    failed: str = ""
    urgent: tuple[str, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Written:
        """From what `plain` gave, also after JSON."""
        lists = {k: tuple(plain[k]) for k in ("files", "faults", "urgent")}
        return cls(**{**plain, **lists})
