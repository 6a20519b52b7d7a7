"""Which cases a figure was computed of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from overread.pipeline.trace.members import key_of, members

PROTOCOL: Any = SimpleNamespace(subgroups=[], bands={})
COHORT: Any = [
    SimpleNamespace(case=f"c{i}", split="test" if i % 2 else "train", label=label, attributes={})
    for i, label in enumerate(["normal", "normal", "ill", "ill", "normal", "normal"])
]


def test_who_was_answered_of_a_class_leads_to_the_cases_of_that_class() -> None:
    found = members("answered_by/class/normal", COHORT, PROTOCOL)
    assert [c.case for c in found.cases] == ["c1", "c5"] and found.group == "normal"
    assert key_of("answered_by/class/normal", PROTOCOL) != key_of("answered_by/class/ill", PROTOCOL)


def test_a_class_that_no_label_names_leads_to_all_test_cases() -> None:
    found = members("answered_by/class/lesion", COHORT, PROTOCOL)
    assert [c.case for c in found.cases] == ["c1", "c3", "c5"] and found.group is None
