"""Plans that start from pretrained weights, and their rivals."""

from __future__ import annotations

import pytest
from tests.learn.looks import look

from overread.learn import make_plan as module
from overread.learn.plan import Plan
from overread.learn.plan_check import check_plan
from overread.learn.plan_roads import plan_roads
from overread.learn.timing import Timing
from overread.learn.weights.find import WEIGHTS, is_there

NAME = "efficientnet_lite0"
pytestmark = pytest.mark.skipif(not is_there(NAME), reason=f"{WEIGHTS[NAME].package} is not installed")


@pytest.fixture
def planned(monkeypatch):
    def plan(
        shape: tuple[int, ...], *, cases: int, step: float, seconds: float = 600, **asked: object
    ) -> Plan:
        """A machine whose step takes ``step`` seconds for a batch of 224 x 224 pixels."""

        def timed(plan: Plan, size: object) -> Timing:
            return Timing(step * plan.patch[0] * plan.patch[1] / 224**2, 0.0, 1.0)

        monkeypatch.setattr(module, "time_step", timed)
        known = {
            "task": "classification",
            "dimensions": len(shape),
            "channels": ["image"],
            "labels": ["a", "b"],
            "modality": [],
            "train_cases": cases,
            "answered_cases": 50,
            "seconds_left": seconds,
        }
        made = plan_roads(look(shape, (1.0,) * len(shape)), **(known | asked))
        if made.train_seconds:
            check_plan(made, "plan.json")
        return made

    return plan


def test_few_cases_start_from_weights_as_fine_as_time_allows(planned) -> None:
    fast = planned((400, 400), cases=200, step=1.0)
    assert fast.network.name == NAME and fast.patch == [224, 224] and not fast.rivals
    assert fast.transfer and (fast.transfer.how, fast.transfer.origin["licence"]) == ("full", "Apache-2.0")
    assert fast.transfer.views > 1 and any("few to learn from chance" in r for r in fast.reasons)
    assert any("about 224 x 224 pixels" in r for r in fast.reasons)
    slow = planned((400, 400), cases=200, step=6.0)
    assert slow.patch[0] < 224 and slow.transfer and slow.transfer.how == "full"
    slower = planned((400, 400), cases=2000, step=10.0)
    assert slower.transfer and slower.transfer.how == "features"
    assert "The head alone is solved for" in slower.reasons[-2]


def test_many_tiny_images_start_from_chance_with_frozen_features_as_rival(planned) -> None:
    plan = planned((28, 28), cases=4000, step=1.0)
    [rival] = plan.rivals
    assert plan.transfer is None and plan.patch == [28, 28] and plan.network.name == "resnet"
    assert rival.transfer and rival.transfer.how == "features" and rival.patch == [96, 96]


def test_a_plan_of_so_many_epochs_starts_from_weights_only_where_they_are_named(planned) -> None:
    assert planned((400, 400), cases=200, step=1.0, epochs=2).transfer is None
    named = planned((400, 400), cases=200, step=1.0, epochs=2, weights=NAME)
    assert named.transfer and named.epochs == 2
