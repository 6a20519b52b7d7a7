"""The section ``pull`` of clinic.yaml: archives that studies are asked for at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Tag, model_validator

from overread.clinic.config_destinations import Http, Tls, token_is_safe
from overread.clinic.config_parts import Aet, Name, Port, Seconds
from overread.settings import Strict


class Source(Strict):
    """An archive. ``get``: it sends on the association that asks; ``move``: on one of its own, to our title, which it
    must know with host and port. ``timeout_seconds`` is the longest that it may be silent."""

    kind: Literal["dicom"] = "dicom"
    name: Name
    aet: Aet
    host: str
    port: Port
    tls: Tls | None = None
    retrieve: Literal["get", "move"] = "get"
    timeout_seconds: Seconds = 60.0


class WebSource(Strict):
    """A DICOMweb archive. ``token_file`` holds a bearer token, which goes to an https address alone unless
    ``plain``; ``timeout_seconds`` is the longest that it may be
    silent, ``longest_seconds`` that a study may take."""

    kind: Literal["web"]
    name: Name
    url: Http
    token_file: Path | None = None
    ca: Path | None = None
    timeout_seconds: Seconds = 60.0
    longest_seconds: Seconds = 3600.0
    plain: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Self:
        token_is_safe(self.url, self.token_file, self.plain)
        return self


def _kind(value: Any) -> str:
    kind = value.get("kind", "dicom") if isinstance(value, dict) else getattr(value, "kind", "dicom")
    return str(kind)


AnySource = Annotated[
    Annotated[Source, Tag("dicom")] | Annotated[WebSource, Tag("web")], Discriminator(_kind)
]


class Pull(Strict):
    """Where studies can be asked for."""

    sources: list[AnySource] = []

    @model_validator(mode="after")
    def _one_each(self) -> Pull:
        names = [s.name for s in self.sources]
        twice = [n for n in names if names.count(n) > 1]
        if twice:
            raise ValueError(f"sources: the name {twice[0]!r} is used twice; expected one of a kind")
        return self
