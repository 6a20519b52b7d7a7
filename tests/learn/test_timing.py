"""What is timed is what runs."""

from __future__ import annotations

import pytest
from tests.learn.toys import TOYS

from overread.learn import timing
from overread.learn.step import Step


@pytest.mark.parametrize("task", TOYS)
def test_the_very_steps_of_training_are_timed(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, examples = TOYS[task]
    ran = []
    monkeypatch.setattr(timing, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(timing, "Step", lambda plan: ran.append(CountedStep(plan)) or ran[-1], raising=True)
    found = timing.time_step(plan, examples[0].image.shape[1:])
    assert found.step > 0 and found.batch > 0 and found.memory_gib > 0
    assert ran[0].steps >= timing.LEAST_STEPS
    assert ran[0].shape == (plan.batch, len(plan.channels), *plan.patch)


class CountedStep(Step):
    """A `Step` that remembers what it was given."""

    def __call__(self, image, targets, rate):
        self.shape = tuple(image.shape)
        return super().__call__(image, targets, rate)
