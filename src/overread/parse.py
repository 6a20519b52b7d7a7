"""JSON and YAML that somebody else wrote: bounded in depth and in what aliases stand for, faults in one short line.

A parser of a nested format recurses, an alias stands for all that its anchor holds, and a message that quotes what it
found quotes all of it: a small file can so exhaust the stack, the memory, or the reader of the message.
"""

from __future__ import annotations

import codecs
import json
import reprlib
from collections.abc import Sequence
from typing import Any

import yaml

from overread.errors import InputError, printable

DEEPEST = 64
"""Levels of lists and mappings; nothing that this package reads has more than a dozen."""
MOST_YAML_BYTES = 4 << 20
"""A file that a person writes; the parser takes some seconds for so much."""
MOST_YAML_NODES = 1_000_000
"""Values of a YAML text once every alias is replaced by what it stands for."""
LONGEST_PLAIN = 10_000
"""Characters of a YAML value without quotes: such are tried as numbers and dates, whose cost grows with the square."""
LONGEST_TEXT = 300
"""Characters of a fault's text that are told."""

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxstring, _repr.maxother, _repr.maxlong = 3, 80, 80, 40


def brief(value: Any) -> str:
    """``value`` as Python writes it, on one line of at most a few hundred characters whatever it holds."""
    return short(_repr.repr(value))


def short(text: str) -> str:
    """``text`` on one line without control characters, cut in the middle where it is too long to be read."""
    line = " ".join(printable(text[: 20 * LONGEST_TEXT]).split())
    if len(line) <= LONGEST_TEXT:
        return line
    half = LONGEST_TEXT // 2 - 3
    return f"{line[:half]} ... {line[-half:]}"


def parse_json(data: str | bytes, where: str) -> Any:
    """The content of a JSON text (RFC 8259).

    Raises
    ------
    InputError
        No JSON, not UTF-8, or more than 64 levels deep: one line that begins with ``where``.
    """
    try:
        # Programs of Windows begin a file with a byte order mark.
        content = json.loads(data.removeprefix(codecs.BOM_UTF8) if isinstance(data, bytes) else data)
    except RecursionError as error:
        raise InputError(_too_deep(where, "JSON")) from error
    except ValueError as error:
        # Also UnicodeDecodeError, and a whole number of more digits than Python converts.
        raise InputError(f"{where}: is not JSON ({short(str(error))})") from error
    level = [content]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return content
    raise InputError(_too_deep(where, "JSON"))


def parse_yaml(text: str, where: str) -> Any:
    """The content of a YAML text (1.1, plain data only).

    Raises
    ------
    InputError
        No YAML, larger than 4 MiB, more than 64 levels deep, with aliases that unfold to more than a million values, or
        a key given twice: one line that begins with ``where``.
    """
    if len(text) > MOST_YAML_BYTES:
        raise InputError(
            f"{where}: holds {len(text)} characters, expected settings of at most {MOST_YAML_BYTES}"
        )
    try:
        _measure(text, where)
        return yaml.load(text, Loader=_OnceEach)
    except _TwiceError as error:
        raise InputError(f"{where}: {error}") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: a date such as 2001-99-99, a whole number of more digits than Python converts.
        raise InputError(f"{where}: is not YAML ({short(str(error))})") from error


class _TwiceError(Exception):
    """A key that one mapping holds a second time."""


class _OnceEach(yaml.SafeLoader):
    """Plain data; a key that stands twice is refused, where YAML's own loader silently takes the last one.

    Keys are unique by the specification (YAML 1.2.2, section 3.2.1.1); a goal written twice would otherwise be judged
    by whichever came last.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line, name = key.start_mark.line + 1, (key.tag, key.value)
                if name in first:
                    raise _TwiceError(
                        f"line {line} gives {short(key.value)!r} again, which line {first[name]} gave; keep one of them"
                    )
                first[name] = line
        return node


def yaml_line(text: str, place: Sequence[str | int]) -> int | None:
    """The line of a YAML text at which the key or item at ``place`` stands, or the last part of the way that is there.

    None where the text is none that `parse_yaml` takes, or the first part of the way is not in it.
    """
    try:
        _measure(text, "")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError, InputError):
        return None
    line = None
    for part in place:
        mark, node = _within(node, part)
        if mark is None:
            break
        line = mark.line + 1
    return line


def _within(node: yaml.Node | None, part: str | int) -> tuple[yaml.Mark | None, yaml.Node | None]:
    """Where ``part`` of a mapping or list begins, and what it holds."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None, node


def _measure(text: str, where: str) -> None:
    """Walk the text's events, which takes no recursion, and refuse what would be costly to build."""
    depth = total = 0
    begun: list[tuple[str | None, int]] = []
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        match event:
            case yaml.AliasEvent():
                total += sizes.get(event.anchor or "", 0)
            case yaml.ScalarEvent():
                if event.style is None and len(event.value) > LONGEST_PLAIN:
                    raise InputError(
                        f"{where}: line {_line(event)} holds a value of {len(event.value)} characters "
                        "without quotes; put a text of this length in quotes"
                    )
                total += 1
                if event.anchor:
                    sizes[event.anchor] = 1
            case yaml.CollectionStartEvent():
                depth, total = depth + 1, total + 1
                if depth > DEEPEST:
                    raise InputError(_too_deep(where, "YAML"))
                begun.append((event.anchor, total))
            case yaml.CollectionEndEvent():
                depth -= 1
                anchor, before = begun.pop()
                if anchor:
                    sizes[anchor] = total - before + 1
        if total > MOST_YAML_NODES:
            raise InputError(
                f"{where}: its aliases (*name) unfold to more than {MOST_YAML_NODES} values; write the settings out"
            )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _too_deep(where: str, what: str) -> str:
    return f"{where}: {what} nested more than {DEEPEST} levels deep; nothing that is read here is"
