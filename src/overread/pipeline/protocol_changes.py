"""What a protocol says otherwise than an earlier one, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Sentences such as ``endpoints.0.goal: 0.8, now 0.2``, in the order of ``now``; nothing for equal protocols."""
    then, today = dict(_leaves(before)), dict(_leaves(now))
    return [
        f"{key}: {_shown(then, key)}, now {_shown(today, key)}"
        for key in {**today, **then}
        if then.get(key, ...) != today.get(key, ...)
    ]


def _shown(values: Mapping[str, Any], key: str) -> str:
    return repr(values[key]) if key in values else "not stated"


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and what stands there; an empty list or mapping is a value of its own."""
    items = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None or not value:
        yield at, value
        return
    for key, inner in items:
        yield from _leaves(inner, f"{at}.{key}" if at else str(key))
