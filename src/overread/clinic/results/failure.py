"""Why a run has no answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why there is no answer: a short stable code and a sentence."""

    code: str
    text: str
