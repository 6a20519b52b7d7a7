"""How often cases are drawn: by hand, never beyond its limit, the same cases for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from tests.learn.toys import plan

from overread.errors import InputError
from overread.learn.example import Example
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Named
from overread.learn.planner.sampling import choose_sampling
from overread.learn.sampling import balanced, build_sampling, repeat_factor, shown_by

CLASSES = np.eye(2)[[0] * 90 + [1] * 10]


def test_balanced_draws_all_classes_alike_and_half_way_by_the_root() -> None:
    drawn = balanced()(CLASSES)
    assert drawn[:90].sum() == pytest.approx(drawn[90:].sum())
    half = balanced(power=0.5)(CLASSES)
    assert half[99] / half[0] == pytest.approx(3.0)
    capped = balanced(most=2)(CLASSES)
    assert capped[99] / capped[0] == pytest.approx(2.0)


def test_repeat_factors_are_those_of_the_paper() -> None:
    shown = np.zeros((100, 2))
    shown[:1, 0], shown[:40, 1] = 1, 1
    found = repeat_factor(threshold=0.04)(shown)
    # One in a hundred, four times as rare as the threshold; the other finding is common, as is no finding.
    assert found[0] == pytest.approx(2.0) and (found[1:] == 1).all()


def test_what_is_not_stated_and_shares_of_readers_count_as_they_should() -> None:
    assert shown_by({"labels": np.array([1, np.nan, 0], np.float32)}, 3).tolist() == [1, 0, 0]
    assert shown_by({"label": np.array(2)}, 3).tolist() == [0, 0, 1]
    assert shown_by({"label": np.array([0.25, 0.75], np.float32)}, 2).tolist() == [0.25, 0.75]


def test_batches_draw_rare_classes_more_often_and_the_same_for_the_same_seed() -> None:
    examples = [
        Example(str(i), np.full((1, 12, 12), i, np.float32), {"label": np.array(int(i >= 45))})
        for i in range(50)
    ]
    drawn = {}
    for name in ("uniform", "balanced"):
        made = plan(sampling=Named(name=name), steps_per_epoch=20, seed=1)
        labels = [t["label"][:, 1] for _, t in PatchBatches(made, examples).epoch(0)]
        drawn[name] = float(np.mean([x.numpy() for x in labels]))
        again = [t["label"][:, 1] for _, t in PatchBatches(made, examples).epoch(0)]
        assert all((a == b).all() for a, b in zip(labels, again, strict=True))
    assert drawn["uniform"] == pytest.approx(0.1, abs=0.02) and drawn["balanced"] == pytest.approx(
        0.5, abs=0.1
    )


def test_the_planner_draws_rare_labels_more_often_and_says_why() -> None:
    even, why = choose_sampling({"a": 60, "b": 40}, 100, exclusive=True)
    assert even.name == "uniform" and "40%" in why
    rare, why = choose_sampling({"a": 97, "b": 3}, 100, exclusive=True)
    assert rare == Named(name="repeat_factor", arguments={"threshold": 0.25}) and "b has 3.0%" in why
    findings, _ = choose_sampling({"a": 50, "b": 1}, 100, exclusive=False)
    assert findings.arguments == {"threshold": 0.05}
    assert choose_sampling({}, 10, exclusive=True)[0].name == "uniform"


def test_what_cannot_be_is_named() -> None:
    for named, answer, said in (
        (Named(name="some"), "classes", "expected one of uniform, balanced, repeat_factor"),
        (Named(name="balanced"), "label_map", "expected uniform"),
        (Named(name="balanced", arguments={"most": 0}), "classes", "power, most"),
        (Named(name="repeat_factor", arguments={"t": 1}), "findings", "argument 't' is unknown"),
    ):
        with pytest.raises(InputError, match=said):
            build_sampling(named, answer=answer)
