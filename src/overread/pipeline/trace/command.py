"""`overread trace`: from a figure of a report to everything that it rests on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from overread.errors import InputError, OverreadError
from overread.ledger.figures import find
from overread.pipeline.trace.said import lines_of
from overread.pipeline.trace.way import Way
from overread.pipeline.workspace import console


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
    if figure is not None:
        found = way.of(find(way.figures, figure))
        if as_json:
            print(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            for line in lines_of(found):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
        if found["missing"]:
            raise OverreadError(
                f"{folder}: {len(found['missing'])} steps of the way cannot be shown or were changed"
            )
        return
    told = [way.of(one) for one in way.figures]
    if as_json:
        print(json.dumps([_short(one) for one in told], indent=2, ensure_ascii=False))
    else:
        for one in told:
            mark = "MISSING " if one["missing"] else ""
            line = f"{one['figure']['id']}: {one['figure']['text']}  [{mark}{one['rows']['chosen']}]"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    broken = sorted({text for one in told for text in one["missing"]})
    for text in broken:
        console.print(f"  MISSING {text}", highlight=False, markup=False, soft_wrap=True)
    if not as_json:
        whole = sum(not one["missing"] for one in told)
        console.print(f"{whole} of {len(told)} figures can be followed to their end.", highlight=False)
    if broken:
        raise OverreadError(f"{folder}: {len(broken)} steps of the way cannot be shown or were changed")


def _short(way: dict[str, Any]) -> dict[str, Any]:
    """The way without the names of its files, which the ways of other figures share."""
    rows = {k: v for k, v in way["rows"].items() if k not in ("cases", "numbers")}
    return way | {"rows": rows | {"number_of_cases": len(way["rows"]["cases"])}, "files": len(way["files"])}
