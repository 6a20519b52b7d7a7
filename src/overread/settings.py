"""Reading what a person wrote, held against a pydantic model: every fault is one line with file and key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from overread.errors import InputError
from overread.parse import brief, parse_yaml, short, yaml_line

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A model that refuses keys it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_settings(path: Path, model: type[Model], missing: str) -> Model:
    """Read the YAML file ``path`` as ``model``.

    Raises
    ------
    InputError
        A missing or unreadable file (the message ends in ``missing``, which says what to do), no YAML, or what
        `validated` refuses; also what `overread.parse.parse_yaml` does.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = parse_yaml(text, str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {missing}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not YAML in UTF-8 ({short(str(error))})") from error
    if not isinstance(content, dict):
        names = ", ".join(list(model.model_fields)[:4])
        raise InputError(f"{path}: found {type(content).__name__}, expected keys such as {names}")
    return validated(model, content, str(path), text=text)


def validated(model: type[Model], content: Any, where: str, *, text: str = "") -> Model:
    """``content`` as ``model``, read from the YAML ``text``.

    Raises InputError that begins with ``where``, names the first wrong key, and its line where there is a text.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        line = yaml_line(text, _place(error, model)) if text else None
        raise InputError(f"{where}: {_first(error)}" + (f" (line {line})" if line else "")) from error


def _place(error: ValidationError, model: type[BaseModel]) -> list[str | int]:
    """Where the first fault lies; of a rule over the whole model, the key that its message begins with."""
    first = error.errors(include_url=False)[0]
    if first["loc"]:
        return list(first["loc"])
    key = first["msg"].removeprefix("Value error, ").split(":")[0].split(",")[0].strip()
    return [key] if key in model.model_fields else []


def _plain_name(value: str) -> str:
    if (
        not value.strip()
        or len(value) > 128
        or not value.isprintable()
        or value.startswith(".")
        or set(value) & set("/\\:")
    ):
        raise ValueError(
            f"{brief(value)} is not a name; expected 1 to 128 characters without / \\ : and control characters, and "
            "no dot at the beginning"
        )
    return value


PlainName = Annotated[str, AfterValidator(_plain_name)]
"""A name or version that may become part of a file's name or a line on a terminal."""


def dicom_patterns(value: dict[str, str]) -> dict[str, str]:
    """``value`` as it is, if it maps DICOM keywords (PS3.6) to regular expressions. Raises ValueError if not."""
    from pydicom.datadict import tag_for_keyword

    for keyword, pattern in value.items():
        if tag_for_keyword(keyword) is None:
            raise ValueError(f"{keyword!r} is not a DICOM keyword, such as Modality or SeriesDescription")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{keyword}: {pattern!r} is not a regular expression ({error})") from error
    return value


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = short(".".join(map(str, first["loc"])))
    if first["type"] == "extra_forbidden":
        text = f"{key}: unknown key; check its spelling"
    elif first["type"] == "missing":
        text = f"{key}: missing; this key is needed"
    else:
        message = short(first["msg"].removeprefix("Value error, "))
        found = f", found {brief(first['input'])}" if first["type"] != "value_error" else ""
        text = f"{key}: {message}{found}" if key else message
    more = error.error_count() - 1
    return " ".join(text.split()) + (f" (and {more} more)" if more else "")
