"""The search finds what is best, ends bad trials early, goes on where it stopped and shares its storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.learn.toys import plan

from overread.errors import InputError
from overread.learn.tune.search import Report, as_it_is, best_of, ended, open_study, search
from overread.learn.tune.space import Range, Space, changed


def objective(values: dict[str, float], report: Report) -> float:
    """Best where the learning rate's factor is 3, and told in four epochs."""
    import math

    best = 1 - abs(math.log10(values["learning_rate"] / 3))
    for epoch in range(1, 5):
        report(best * epoch / 4, epoch)
    return best


def test_it_finds_what_is_better_than_planned_and_ends_the_others_early(tmp_path: Path) -> None:
    study = open_study(f"sqlite:///{tmp_path}/t.db", "s", lower=False, seed=0)
    search(study, plan(), Space(), objective, trials=24)
    best = best_of(study)
    assert best is not None and ended(study) == 24
    trials = study.get_trials()
    assert trials[0].params["learning_rate"] == 1.0 and best["value"] > trials[0].value  # type: ignore[operator]
    assert 1.5 < best["values"]["learning_rate"] < 6
    assert any(t.state.name == "PRUNED" for t in trials)


def test_a_search_that_was_stopped_goes_on(tmp_path: Path) -> None:
    url, done = f"sqlite:///{tmp_path}/t.db", []

    def killed(values: dict[str, float], report: Report) -> float:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return objective(values, report)

    with pytest.raises(KeyboardInterrupt):
        search(open_study(url, "s", lower=False, seed=0), plan(), Space(), killed, trials=5)
    again = open_study(url, "s", lower=False, seed=0)
    assert ended(again) == 2
    search(again, plan(), Space(), objective, trials=5)
    assert ended(again) == 5
    # Nothing is left to do: another process of the same search ends at once.
    search(open_study(url, "s", lower=False, seed=0), plan(), Space(), killed, trials=5)
    assert ended(again) == 5


def test_less_is_better_where_it_is(tmp_path: Path) -> None:
    study = open_study(f"sqlite:///{tmp_path}/t.db", "s", lower=True, seed=0)
    search(study, plan(), Space(), lambda values, report: values["learning_rate"], trials=8)
    best = best_of(study)
    assert best is not None and best["value"] == min(t.value for t in study.get_trials())  # type: ignore[type-var]


def test_a_storage_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="--storage: nowhere cannot be opened"):
        open_study("nowhere", "s", lower=False, seed=0)


def test_a_plan_is_changed_by_factors_within_its_bounds() -> None:
    p = plan(augment={"rotate_deg": 120, "grey_values": {"gamma": 0.2}}, learning_rate=2.0)
    new = changed(p, {"learning_rate": 10.0, "weight_decay": 0.5, "augment": 2.0, "dropout": 0.3})
    assert (new.learning_rate, new.weight_decay) == (10.0, p.weight_decay / 2)
    assert new.augment.rotate_deg == 180 and new.augment.grey_values["gamma"] == 0.4
    assert new.network.arguments["dropout"] == 0.3
    assert changed(p, {"learning_rate": 1.0, "weight_decay": 1.0, "augment": 1.0}) == p
    assert as_it_is(Space(learning_rate=Range(low=2, high=4), dropout=None), plan()) == {
        "learning_rate": 2,
        "weight_decay": 1.0,
        "augment": 1.0,
    }
    own = plan()
    own.network.arguments["dropout"] = 0.25
    assert changed(own, as_it_is(Space(), own)) == own


@pytest.mark.parametrize("values", [{"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}])
def test_ranges_that_are_none(values: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Range(**values)
