"""The section ``pull`` of clinic.yaml: archives that studies are asked for at."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from overread.clinic.config_destinations import Tls
from overread.clinic.config_parts import Aet, Name, Port, Seconds
from overread.settings import Strict


class Source(Strict):
    """An archive. ``get``: it sends on the association that asks; ``move``: on one of its own, to our title, which it
    must know with host and port. ``timeout_seconds`` is the longest that it may be silent."""

    name: Name
    aet: Aet
    host: str
    port: Port
    tls: Tls | None = None
    retrieve: Literal["get", "move"] = "get"
    timeout_seconds: Seconds = 60.0


class Pull(Strict):
    """Where studies can be asked for."""

    sources: list[Source] = []

    @model_validator(mode="after")
    def _one_each(self) -> Pull:
        names = [s.name for s in self.sources]
        twice = [n for n in names if names.count(n) > 1]
        if twice:
            raise ValueError(f"sources: the name {twice[0]!r} is used twice; expected one of a kind")
        return self
