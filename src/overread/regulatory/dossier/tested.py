"""Results of the project's own tests, from a JUnit XML file as pytest writes it (``--junitxml``)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from overread.errors import InputError


def read_tests(path: Path) -> dict[str, Counter[str]]:
    """Counts of ``passed``, ``failed`` and ``skipped`` by test file, such as ``tests/stats/test_roc.py``.

    Raises
    ------
    InputError
        No such file, or no JUnit XML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # Entities are what makes XML dangerous; JUnit has none.
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise InputError(f"{path}: declares entities; expected plain JUnit XML")
        root = ElementTree.fromstring(text)
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(
            f"{path}: cannot be read as JUnit XML ({error}); pytest --junitxml writes it"
        ) from error
    found: dict[str, Counter[str]] = {}
    for case in root.iter("testcase"):
        file = case.get("file") or case.get("classname", "").replace(".", "/") + ".py"
        bad = any(case.find(k) is not None for k in ("failure", "error"))
        state = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
        found.setdefault(file, Counter())[state] += 1
    return found


def result_of(tests: list[str], found: dict[str, Counter[str]] | None) -> str:
    """What the files or folders named by ``tests`` gave: counts, or that they were not run here."""
    if found is None:
        return "not run here; give --tests results.xml"
    total: Counter[str] = Counter()
    for name in tests:
        stem = name.removesuffix(".py")
        for file, counts in found.items():
            if (
                file == name
                or file.startswith((f"{name.rstrip('/')}/", f"{stem}/"))
                or file.removesuffix(".py").startswith(f"{stem}/")
            ):
                total += counts
    if not total:
        return "none of them in the results"
    return ", ".join(f"{total[k]} {k}" for k in ("passed", "failed", "skipped") if total[k])
