"""`overread trace`: from a figure of a report to everything that it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from overread.cohort.case import Case
from overread.errors import InputError, OverreadError
from overread.ledger.figures import find
from overread.pipeline.trace.said import lines_of
from overread.pipeline.trace.way import Way
from overread.pipeline.workspace import console, progress


def trace_command(folder: Path, figure: str | None, *, every: bool = False, as_json: bool = False) -> None:
    """Print the way of one figure, or with ``every`` a line for each and whether its way is whole.

    Raises
    ------
    InputError
        No such figure, or neither a figure nor ``every``.
    OverreadError
        A step of the way is missing or was changed; what was found is printed before.
    """
    if (figure is None) is not every:
        raise InputError("trace: name one figure by its id or its printed value, or --all")
    way = Way(folder)
    chosen = find(way.figures, figure) if figure is not None else None
    _compare(way, tuple(way.cohort) if chosen is None else way.members(chosen).cases)
    if chosen is None:
        _every(way, as_json=as_json)
        return
    found = way.of(chosen)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for line in lines_of(found):
            _say(line)
    if found["missing"]:
        raise OverreadError(
            f"{folder}: {len(found['missing'])} steps of the way cannot be shown or were changed"
        )


def _compare(way: Way, cases: Sequence[Case]) -> None:
    """Read the images once, before the first figure, with a bar beside the output."""
    if cases and way.images.listed:
        with progress("Comparing images", len(cases), on=Console(stderr=True)) as advance:
            way.images.look(cases, advance)


def _every(way: Way, *, as_json: bool) -> None:
    """A line or an object for each figure, written as it is found; then what is missing, each once."""
    broken: set[str] = set()
    whole = 0
    for n, figure in enumerate(way.figures):
        one = way.of(figure)
        broken.update(one["missing"])
        whole += not one["missing"]
        if as_json:
            text = "  " + json.dumps(_short(one), indent=2, ensure_ascii=False).replace("\n", "\n  ")
            print("[" if n == 0 else ",", text, sep="\n", end="")
        else:
            mark = "MISSING " if one["missing"] else ""
            print(f"{one['figure']['id']}: {one['figure']['text']}  [{mark}{one['rows']['chosen']}]")
    if as_json:
        print("\n]" if way.figures else "[]")
    else:
        for text in sorted(broken):
            _say(f"  MISSING {text}")
        _say(f"{whole} of {len(way.figures)} figures can be followed to their end.")
    if broken:
        raise OverreadError(
            f"{way.space.folder}: {len(broken)} steps of the way cannot be shown or were changed"
        )


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _short(way: dict[str, Any]) -> dict[str, Any]:
    """The way without the names of its files, which the ways of other figures share."""
    rows = {k: v for k, v in way["rows"].items() if k not in ("cases", "numbers")}
    return way | {"rows": rows | {"number_of_cases": len(way["rows"]["cases"])}, "files": len(way["files"])}
