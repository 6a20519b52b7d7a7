"""plan.json is read strictly."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.learn.toys import plan

from overread.learn.plan import Plan


def test_it_is_plain_json() -> None:
    p = plan()
    assert Plan.model_validate_json(p.model_dump_json()) == p


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "captioning"}, "found 'captioning', expected one of classification, ordinal"),
        ({"augment": {"sepia": 1}}, "augment.sepia"),
        ({"loss": "cross_entropy"}, "loss"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_is_wrong_is_named(changes: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plan(**changes)
