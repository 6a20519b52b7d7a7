"""Names of figures: every number of report.json has one, made of what it is about and not of where it stands.

``test/sensitivity/pneumonia`` is the row of ``test`` with this metric and label, and stays so when rows are added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overread.errors import InputError

SUBJECTS = (
    "attribute",
    "group",
    "class",
    "column",
    "metric",
    "label",
    "name",
    "code",
    "epoch",
    "item",
    "box",
    "threshold",
)
"""Keys that say what a row of a list is about, in the order in which they stand in its id."""
SHOWN = 12
"""Ids that an error names."""


@dataclass(frozen=True)
class Figure:
    """One number of a report, or one estimate with its limits.

    ``value`` is the number itself, of a row its estimate; ``row`` the row of report.json that it was found in, if any.
    """

    id: str
    value: float
    row: Mapping[str, Any] | None = None


def figure_id(section: str, row: Mapping[str, Any]) -> str:
    """The id of ``row`` of a list ``section`` of report.json, such as ``subgroups/sex/F/sensitivity/pneumonia``."""
    return "/".join([section, *_subject(row)])


def figures_of(report: Mapping[str, Any]) -> list[Figure]:
    """Every figure of a report, in its order; an id is there once."""
    found: dict[str, Figure] = {}
    for figure in _walk(report, ""):
        name, more = figure.id, 2
        while name in found:
            name, more = f"{figure.id}~{more}", more + 1
        found[name] = Figure(name, figure.value, figure.row)
    return list(found.values())


def find(figures: Sequence[Figure], asked: str) -> Figure:
    """The figure whose id, end of an id or printed value is ``asked``.

    Raises
    ------
    InputError
        None is, or several are, which are named.
    """
    wanted = asked.strip().replace("\u2212", "-")
    for fits in (_is, _ends, _prints):
        found = [f for f in figures if fits(f, wanted)]
        # Goals and headlines repeat what the test measured: the row of the test is where it comes from.
        measured = [f for f in found if f.id.startswith("test/")]
        if len(found) == 1 or len(measured) == 1:
            return (measured or found)[0]
        if found:
            raise InputError(
                f"{asked}: {len(found)} figures of the report are that: {_named(found)}; name one by its id"
            )
    near = [f for f in figures if any(word in f.id for word in re.split(r"[/\s]+", wanted) if len(word) > 2)]
    hint = f"; perhaps {_named(near)}" if near else ""
    raise InputError(f"{asked}: no figure of the report has this id or value{hint}; --all lists every figure")


def _is(figure: Figure, wanted: str) -> bool:
    return figure.id == wanted


def _ends(figure: Figure, wanted: str) -> bool:
    return bool(re.search("[a-z]", wanted, re.I)) and figure.id.endswith(f"/{wanted}")


def _prints(figure: Figure, wanted: str) -> bool:
    """Whether ``wanted`` is the value, to as many decimals as it has; also as a share in percent."""
    match = re.fullmatch(r"(-?[\d,]*\.?(\d*))\s*(%?)", wanted)
    if not match or not match[1].strip("-.,"):
        return False
    value = figure.value * (100 if match[3] else 1)
    return f"{value:.{len(match[2])}f}" == f"{float(match[1].replace(',', '')):.{len(match[2])}f}"


def _named(figures: Sequence[Figure]) -> str:
    more = len(figures) - SHOWN
    return ", ".join(f.id for f in figures[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _walk(value: Any, at: str) -> Iterator[Figure]:
    match value:
        case bool() | str() | None:
            return
        case int() | float():
            yield Figure(at, float(value))
        case Mapping():
            if isinstance(value.get("estimate"), (int, float)):
                yield Figure(at, float(value["estimate"]), value)
                return
            for key, inner in value.items():
                yield from _walk(inner, f"{at}/{_segment(key)}" if at else _segment(key))
        case Sequence():
            for index, inner in enumerate(value):
                subject = _subject(inner) if isinstance(inner, Mapping) else []
                yield from _walk(inner, "/".join([at, *(subject or [str(index)])]))


def _subject(row: Mapping[str, Any]) -> list[str]:
    return [
        _segment(row[key])
        for key in SUBJECTS
        if row.get(key) not in (None, "") and not isinstance(row[key], (dict, list))
    ]


def _segment(value: Any) -> str:
    """A name as a part of an id, in which a slash would part (RFC 6901 writes it ~1, and ~ itself ~0)."""
    return str(value).replace("~", "~0").replace("/", "~1")


def named(segment: str) -> str:
    """The name that a part of an id stands for."""
    return segment.replace("~1", "/").replace("~0", "~")
