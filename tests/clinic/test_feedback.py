"""Feedback: structured, whole, the latest first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from overread.clinic.feedback import Feedback, FeedbackStore, Verdict
from overread.errors import InputError

OPINION = Feedback("k" * 32, "1.2.3", "a" * 64, "ann", Verdict.ACCEPT)


def test_what_is_said_is_kept(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "clinic.db")
    wrong = replace(
        OPINION,
        verdict=Verdict.CORRECT,
        reason="wrong_measure",
        label="lesion",
        correction="2 ml",
        comment="edge",
    )
    assert [store.say(OPINION), store.say(wrong)] == [1, 2]
    latest, first = store.feedback()
    assert (latest.verdict, latest.correction, latest.comment) == (Verdict.CORRECT, "2 ml", "edge")
    assert first.made and first.user == "ann"
    assert store.feedback("other") == []
    assert [f.id for f in store.feedback("k" * 32, limit=1)] == [2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": Verdict.REJECT}, "reason"),
        ({"verdict": Verdict.REJECT, "reason": "because"}, "reason"),
        ({"verdict": Verdict.CORRECT, "reason": "other"}, "correction: is empty"),
        ({"comment": "x" * 2001}, "comment: is longer"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        FeedbackStore(tmp_path / "clinic.db").say(replace(OPINION, **changes))
