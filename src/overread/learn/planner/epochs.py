"""How a budget of time becomes epochs."""

from __future__ import annotations

# Below this many steps a network that sees patches has hardly begun: smaller patches buy more of them.
FEWEST_STEPS = 500
FEWEST_EPOCHS = 2
# A step is this many times as long as answering its windows in ONNX Runtime: a first guess, until it is measured.
FASTER = 2.0
# Reading cases back, statistics of the test and the report, beside export and answers, which are measured.
OTHER_SECONDS = 14.0


def train_seconds(left: float, *, answered: int, case: float, other: float = OTHER_SECONDS) -> float:
    """What is left of ``left`` seconds for training when ``answered`` cases have been answered, ``case`` seconds each.

    ``other`` is what export, statistics and report take. Never under a third, whatever answering takes; 0 where nothing
    is left.
    """
    return max(0.0, left / 3, left - answered * case - other)


def guessed_case(*, windows: float, step: float, batch: int) -> float:
    """Seconds to answer an image of ``windows``, from those of a training ``step`` of ``batch`` windows."""
    return windows * step / batch / FASTER


def epochs_in(seconds: float, *, steps_per_epoch: int, step: float, most: int) -> int:
    """How many epochs ``seconds`` hold, from `FEWEST_EPOCHS` to ``most``."""
    return int(min(most, max(FEWEST_EPOCHS, seconds / (steps_per_epoch * step))))
