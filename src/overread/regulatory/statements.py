"""statements.yaml: what only people can say (where data came from, who paid), with who said it and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import yaml
from pydantic import model_validator

from overread.errors import InputError
from overread.files import write_text
from overread.parse import parse_yaml
from overread.settings import Strict, validated

FILE = "statements.yaml"


class Statement(Strict):
    """One answer: the ``text``, ``by`` whom and ``on`` which day. Without text it is still a question."""

    text: str = ""
    by: str = ""
    on: date | None = None

    @model_validator(mode="after")
    def _signed(self) -> Statement:
        if self.text.strip() and (not self.by.strip() or self.on is None):
            raise ValueError("text without by and on; say who answers, and on which day (YYYY-MM-DD)")
        return self

    @property
    def given(self) -> bool:
        """Somebody answered."""
        return bool(self.text.strip())


def read_statements(folder: Path, topics: Iterable[str]) -> dict[str, Statement]:
    """The answers in ``folder/statements.yaml`` by topic; none where the file is not there.

    Raises
    ------
    InputError
        A topic that is not one of ``topics``, or an answer without name or day.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    content = parse_yaml(path.read_text(encoding="utf-8"), str(path)) or {}
    if not isinstance(content, Mapping):
        raise InputError(
            f"{path}: found {type(content).__name__}, expected topics, each with text, by and on"
        )
    known = set(topics)
    unknown = [str(k) for k in content if k not in known]
    if unknown:
        raise InputError(f"{path}: {unknown[0]!r} is no topic; expected one of {', '.join(sorted(known))}")
    return {str(k): validated(Statement, v or {}, f"{path}: {k}") for k, v in content.items()}


def ask_for(folder: Path, questions: Mapping[str, tuple[str, str]]) -> Path:
    """Add every topic of ``questions`` (question, who answers) that statements.yaml lacks, as an empty answer.

    What stands in the file stays as it is, letter by letter.
    """
    path = folder / FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    there = parse_yaml(text, str(path)) or {}
    parts = (
        [text.rstrip()]
        if text.strip()
        else ["# What only people can say. Fill in text, by and on (YYYY-MM-DD)."]
    )
    for topic, (question, who) in questions.items():
        if topic not in there:
            empty = yaml.safe_dump({topic: {"text": "", "by": "", "on": None}}, sort_keys=False)
            parts.append(f"# {question} ({who})\n{empty.rstrip()}")
    write_text(path, "\n".join(parts) + "\n")
    return path
