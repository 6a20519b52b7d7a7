"""The tuning loss is of cases from all over the table, and of patches with and without something to be found."""

from __future__ import annotations

import numpy as np
import pytest
from tests.learn.toys import SEGMENTATION, pictures, plan

from overread.learn import watched
from overread.learn.step import Step
from overread.learn.watched import drawn, watched_loss


def test_cases_are_drawn_by_hash_whatever_their_order() -> None:
    names = [f"{site}{i}" for site in "ab" for i in range(100)]
    chosen = [names[i] for i in drawn(names, 40)]
    again = [names[::-1][i] for i in drawn(names[::-1], 40)]
    assert chosen == again and len(set(chosen)) == 40
    assert 10 <= sum(n.startswith("a") for n in chosen) <= 30
    assert drawn(names[:3], 40) == [0, 1, 2]
    assert len(watched.watched(names, task="segmentation", dimensions=3)) == watched.WATCHED_CASES
    assert len(watched.watched(names, task="classification", dimensions=2)) == 200


def test_half_of_the_patches_are_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """And they are the same every time."""
    p, examples = plan(**SEGMENTATION | {"patch": [8, 8]}), pictures(8)
    step, seen = Step(p), []
    measure = step.measure

    def note(image, targets):
        seen.append(np.asarray(targets["mask"].sum(dim=(1, 2)) > 0))
        return measure(image, targets)

    monkeypatch.setattr(step, "measure", note)
    first = watched_loss(step, p, examples)
    shown = np.concatenate(seen)
    assert len(shown) == 16 and shown[:8].all() and not shown[8:].all()
    assert watched_loss(step, p, examples) == first
    assert watched_loss(step, p, []) is None
