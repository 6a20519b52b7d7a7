"""Beyond the data, every parameter of a public function is keyword-only: no call can mix two numbers up."""

from __future__ import annotations

import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from overread import stats
from overread.stats.interval import Interval

# Data that are single numbers: a count of cases is what was observed, not how to treat it.
COUNTS = {"successes", "n", "x1", "n1", "x2", "n2", "tp", "fp", "fn", "tn", "fixed_n"}
# Data that may be left out, each with the function that can do without.
OPTIONAL = {
    ("cohen_kappa", "second"),
    ("aps_scores", "u"),
    ("raps_scores", "u"),
    ("ConformalBand.limits", "high"),
    ("hanley_mcneil", "y"),
    ("hanley_mcneil", "score"),
}
# Arrays that say how to treat the data, not what was observed.
NEVER = {"cluster", "weights", "thresholds", "parameters", "spacing", "pred_classes", "truth_classes"}
# What the families share, imported by them and not by users.
SHARED = {"arrays", "bootstrap", "interval"}


def public_callables() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """(module, qualified name, function) of every public function, classmethod and method of stats."""
    for found in pkgutil.iter_modules(stats.__path__, "overread.stats."):
        module = import_module(found.name)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield found.name, name, value
            elif inspect.isclass(value) and value.__module__.startswith("overread."):
                for key, member in vars(value).items():
                    function = member.__func__ if isinstance(member, classmethod) else member
                    if not key.startswith("_") and inspect.isfunction(function):
                        yield found.name, f"{name}.{key}", function


def is_number_or_choice(annotation: Any) -> bool:
    """Whether an annotation admits only a number, a flag, a text or a choice, never an array or a record."""
    if annotation in (int, float, bool, str, type(None), Interval):
        return True
    if typing.get_origin(annotation) is typing.Literal:
        return True
    union = typing.get_origin(annotation) in (types.UnionType, typing.Union)
    return union and all(is_number_or_choice(part) for part in typing.get_args(annotation))


CALLABLES = sorted(public_callables(), key=lambda row: row[:2])


@pytest.mark.parametrize(
    ("module", "name", "function"),
    CALLABLES,
    ids=[f"{m.removeprefix('overread.stats.')}.{n}" for m, n, _ in CALLABLES],
)
def test_only_data_are_positional(module: str, name: str, function: Callable[..., Any]) -> None:
    annotations = typing.get_type_hints(function)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "cls") or parameter.kind is parameter.KEYWORD_ONLY:
            continue
        where = f"{module}.{name}: {parameter.name}"
        assert parameter.name not in NEVER, where
        assert parameter.default is parameter.empty or (
            parameter.default is None and (name, parameter.name) in OPTIONAL
        ), where
        assert parameter.name in COUNTS or not is_number_or_choice(annotations[parameter.name]), where


def test_every_family_is_public_and_walked() -> None:
    families = {found.name for found in pkgutil.iter_modules(stats.__path__)} - SHARED
    assert families == set(stats.__all__) - {"Interval"}
    assert {module.rsplit(".", 1)[1] for module, _, _ in CALLABLES} == families
    assert all(getattr(stats, family).__name__ == f"overread.stats.{family}" for family in families)
