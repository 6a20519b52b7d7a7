"""Sections of clinic.yaml: routes, completeness, work, disk, alarms; destinations are in a file of their own."""

from __future__ import annotations

import re
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from overread.clinic.tables import Priority
from overread.settings import Strict, dicom_patterns


def _aet(value: str) -> str:
    if not re.fullmatch(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?", value):
        raise ValueError(
            f"found {value!r}, expected an application entity title: 1 to 16 ASCII characters, no backslash"
        )
    return value


def _hours(value: str) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", value)
    if not found or found[0][:5] == found[0][6:]:
        raise ValueError(f"found {value!r}, expected hours of a day such as 20:00-06:00")
    return value


def _patterns(value: list[str]) -> list[str]:
    for pattern in value:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression ({error})") from error
    return value


Aet = Annotated[str, AfterValidator(_aet)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Cores = Annotated[int, Field(ge=0, le=1024)]
Gibibytes = Annotated[float, Field(gt=0, le=65536)]
CodeTriple = Annotated[tuple[str, str, str], Field(description="code value, coding scheme, meaning")]


class SegmentCodes(Strict):
    """Coded category and type of one label, for the SEG and the SR."""

    category: CodeTriple
    type: CodeTriple


class Priors(Strict):
    """Earlier studies of the same patient that a route asks an archive for, before its package answers.

    ``source``: one of ``pull.sources``. At most ``most`` studies of the last ``days``, with series of ``modalities``
    (empty: those of the study) in whose Body Part Examined or descriptions one of the words of ``body_part`` is found
    (empty: any); no series of more than ``most_instances``. After ``seconds`` the study is answered without.
    """

    source: Name
    modalities: list[Annotated[str, Field(pattern=r"^[A-Z]{2,16}$")]] = []
    body_part: list[Annotated[str, Field(min_length=1, max_length=64)]] = []
    most: int = Field(1, ge=1, le=20)
    days: int = Field(3650, ge=1, le=36500)
    most_instances: int = Field(5000, ge=1, le=100000)
    seconds: float = Field(60.0, gt=0, le=3600)


class Route(Strict):
    """Studies with a series on which every pattern of ``match`` is found go to ``package``.

    Routes are tried in their order. The first that fits takes the study; with ``next``, and always for a ``shadow``,
    those after it are tried too. ``package_sha256`` and ``signed_by`` (ids of keys) pin the package: another is not
    taken into use. ``share`` lets in that part of the patients, always the same ones.
    """

    name: Name
    package: Path
    package_sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{12,64}$")
    signed_by: list[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = []
    match: Annotated[dict[str, str], AfterValidator(dicom_patterns)] = {}
    codes: dict[str, SegmentCodes] = {}
    next: bool = False
    shadow: bool = False
    share: float = Field(1.0, gt=0, le=1)
    hours: Annotated[str, AfterValidator(_hours)] | None = None
    sources: list[Aet] | None = None
    priority: Priority = Priority.NORMAL
    urgent: list[str] = []
    destinations: list[Name] | None = None
    cores: Cores = 0
    gpu: str | None = Field(None, pattern=r"^[0-9,]+$|^(GPU|MIG)-[0-9A-Za-z/-]+$")
    memory_gib: Gibibytes | None = None
    seconds: Seconds | None = None
    priors: Priors | None = None

    @cached_property
    def compiled(self) -> dict[str, re.Pattern[str]]:
        """``match`` as compiled patterns."""
        return {keyword: re.compile(pattern) for keyword, pattern in self.match.items()}

    def open_at(self, moment: time) -> bool:
        """Whether ``hours``, in the node's local time, take a study at this moment of the day."""
        if self.hours is None:
            return True
        begin, end = (time.fromisoformat(part) for part in self.hours.split("-"))
        return begin <= moment < end if begin < end else moment >= begin or moment < end


class Complete(Strict):
    """When a study of these ``sources`` (calling titles; None: of all) is complete.

    ``quiet``: no instance has come for ``quiet_seconds``. ``association``: the association that brought it was
    released, ``grace_seconds`` ago. ``count``: as many instances are here as ``instances`` says, or else the images'
    Number of Study Related Instances (0020,1208). ``series``: each pattern is found in a Series Description, and
    ``grace_seconds`` have passed. What is expected and does not come is waited for ``longest_seconds``; then the study
    is answered as it is, and says so.
    """

    sources: list[Aet] | None = None
    when: Literal["quiet", "association", "count", "series"] = "quiet"
    quiet_seconds: Seconds | None = None
    grace_seconds: float = Field(2.0, ge=0, le=86400)
    instances: int | None = Field(None, ge=1)
    series: Annotated[list[str], AfterValidator(_patterns)] = []
    longest_seconds: Seconds = 3600.0

    @model_validator(mode="after")
    def _fits(self) -> Complete:
        if self.when == "series" and not self.series:
            raise ValueError("when: series needs series, a list of patterns of Series Description")
        return self


class Work(Strict):
    """What runs may use. Each is a process of its own, which the node outlives.

    ``deaths``: so many times may a run take its process with it before its study is answered as failed.
    """

    workers: int = Field(1, ge=1, le=64)
    cores: Cores = 0
    memory_gib: Gibibytes | None = None
    seconds: Seconds = 3600.0
    look_seconds: Seconds = 600.0
    deaths: int = Field(3, ge=1, le=20)
    drain_seconds: float = Field(20.0, ge=0, le=86400)
    heartbeat_seconds: Seconds = 5.0
    take_over_seconds: Seconds = 60.0

    @model_validator(mode="after")
    def _ordered(self) -> Work:
        if self.take_over_seconds < 3 * self.heartbeat_seconds:
            raise ValueError("take_over_seconds: expected at least three times heartbeat_seconds")
        return self


class Disk(Strict):
    """How full the disk may become, in free GiB, and how long what is done is kept."""

    refuse_gib: float = Field(0.5, ge=0)
    warn_gib: float = Field(5.0, ge=0)
    keep_days: float | None = Field(None, gt=0)
    clean_gib: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Disk:
        if self.warn_gib < self.refuse_gib:
            raise ValueError("warn_gib: expected not less than refuse_gib")
        return self


class Log(Strict):
    """A rotating file of JSON lines; None writes plain lines to the terminal."""

    file: Path | None = None
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    megabytes: float = Field(20.0, gt=0, le=10000)
    files: int = Field(5, ge=1, le=1000)
    per_minute: int = Field(600, ge=1)
