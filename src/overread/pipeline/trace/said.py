"""The way back from a figure, for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 3
"""Files that are named; of the others the number is told. --json has all of them."""


def lines_of(way: Mapping[str, Any]) -> list[str]:
    """The way as lines of text, from the figure down to the pixels."""
    figure, rows, files = way["figure"], way["rows"], way["files"]
    out = [f"{figure['id']}: {figure['text']}"]
    out += _labelled("is", [way["definition"]["name"], way["definition"].get("meaning", "")])
    limits = f"{figure['confidence']:.0%} interval, {figure['method']}" if figure.get("method") else ""
    out += _labelled("interval", [limits])
    out += _labelled("recorded", [way["recorded"]])
    for reason in way["exploratory"]:
        out += _labelled("exploratory", [reason])
    if rows["file"]:
        span = _span(rows["numbers"])
        out += _labelled(
            "rows",
            [
                f"{rows['file']}, {rows['chosen']}: {len(rows['cases'])} cases of {rows['patients']} patients{span}",
                f"sha256 {rows['sha256']}, {rows['state']}",
            ],
        )
    package = way.get("package") or {}
    if package:
        out += _labelled("package", [f"{package['path']} {package['version']}, hash {package['sha256']}"])
    for name, found in way["documents"].items():
        out += _labelled("file", [f"{name}, sha256 {found['sha256']}, {found['state']}"])
    out += _labelled("seeds", [", ".join(f"{k} {v}" for k, v in way["seeds"].items())])
    for stage in way["stages"]:
        facts = ", ".join(f"{k.removesuffix('_sha256')} {_brief(v)}" for k, v in stage["facts"].items())
        out += _labelled(
            stage["stage"],
            [f"row {stage['row']}, {stage['time'][:19]}Z, {stage['actor']}: {facts}".rstrip(": ")],
        )
    out += [line for text in _code(way["stages"]) for line in _labelled("code", [text])]
    for person in way["people"]:
        out += _labelled("people", [f"{person['name']} ({person['as']}): {', '.join(person['did'])}"])
    if files:
        wrong = [f for f in files if f["state"] in ("changed", "gone")]
        kept = (
            "not compared"
            if files[0]["state"] == "not compared"
            else f"{len(files) - len(wrong)} are as the check saw them"
        )
        out += _labelled("pixels", [f"{len(files)} files of these cases; {kept}"])
        for one in (wrong or files)[:SHOWN]:
            out += _labelled("", [f"{one['file']}, sha256 {one['sha256']}, {one['state']}"])
        if len(wrong or files) > SHOWN:
            out += _labelled("", [f"and {len(wrong or files) - SHOWN} more; --json lists them"])
    out += [line for text in way["missing"] for line in _labelled("MISSING", [text])]
    return out


def _labelled(label: str, texts: Sequence[str]) -> list[str]:
    return [f"  {label if n == 0 else '':<12}{text}" for n, text in enumerate(t for t in texts if t)]


def _code(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Code, Python, system and processor, once for all stages that ran on the same."""
    seen: dict[str, list[str]] = {}
    for stage in stages:
        facts = stage["environment"]
        if facts:
            text = (
                f"overread {facts.get('overread', '?')} (commit {facts.get('commit', 'not known')[:12]}, files "
                f"{facts.get('code_sha256', '?')[:12]}), Python {facts.get('python', '?')}, torch "
                f"{facts.get('torch', 'none')}, {facts.get('system', '?')}, {facts.get('processor', '?')}"
            )
            seen.setdefault(text, []).append(str(stage["stage"]))
    return [f"{text}: {', '.join(names)}" if len(seen) > 1 else text for text, names in seen.items()]


def _span(numbers: Sequence[int]) -> str:
    """Rows as ``, rows 2 to 9``, or the first of them where they are not together."""
    if not numbers:
        return ""
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        return f", rows {numbers[0]} to {numbers[-1]}"
    first = ", ".join(map(str, numbers[:8]))
    return f", rows {first}{' ...' if len(numbers) > 8 else ''}"


def _brief(value: Any) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)
