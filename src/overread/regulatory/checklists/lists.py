"""The checklists themselves: one YAML file each, items in our own words."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import model_validator

from overread.errors import InputError
from overread.regulatory.topics import TOPICS
from overread.settings import Strict, read_settings

FILES = {
    "CLAIM": "claim_2024",
    "STARD": "stard_2015",
    "STARD-AI": "stard_ai_2025",
    "TRIPOD+AI": "tripod_ai_2024",
    "DECIDE-AI": "decide_ai_2022",
    "GMLP": "gmlp_10",
}


class Item(Strict):
    """One item: what it asks in our own words, and the topics that answer it."""

    id: str
    section: str
    topic: str
    ask: str
    needs: list[str]

    @model_validator(mode="after")
    def _known(self) -> Item:
        unknown = [n for n in self.needs if n not in TOPICS]
        if unknown or not self.needs:
            raise ValueError(f"item {self.id}: needs {unknown or 'nothing'}, expected names of topics")
        return self


class Checklist(Strict):
    """A checklist with its source, and whose words it is in."""

    key: str
    title: str
    source: str
    wording: str
    items: list[Item]


@cache
def checklist(name: str) -> Checklist:
    """A checklist by its short name, whatever the case. Raises InputError for an unknown one."""
    key = next((k for k in FILES if k.lower() == name.lower()), None)
    if key is None:
        raise InputError(f"{name}: no such checklist; expected one of {', '.join(FILES)}")
    return read_settings(
        Path(__file__).parent / "lists" / f"{FILES[key]}.yaml", Checklist, "it belongs to overread"
    )
