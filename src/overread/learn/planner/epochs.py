"""How a budget of time becomes epochs."""

from __future__ import annotations

# Below this many steps a network that sees patches has hardly begun: smaller patches buy more of them.
FEWEST_STEPS = 500
FEWEST_EPOCHS = 2
# A step is this many times as long as answering its windows in ONNX Runtime, with reading and resampling; measured.
FASTER = 1.7
# Export, report and start-up.
OTHER_SECONDS = 18.0


def train_seconds(left: float, *, answered: int, windows: int, step: float, batch: int) -> float:
    """What is left of ``left`` seconds for training when ``answered`` cases of ``windows`` windows have been answered.

    ``step`` is the seconds of a training step of ``batch`` windows. Never under a third, whatever answering takes.
    """
    answering = answered * windows * step / batch / FASTER
    return max(left / 3, left - answering - OTHER_SECONDS)


def epochs_in(seconds: float, *, steps_per_epoch: int, step: float, most: int) -> int:
    """How many epochs ``seconds`` hold, from `FEWEST_EPOCHS` to ``most``."""
    return int(min(most, max(FEWEST_EPOCHS, seconds / (steps_per_epoch * step))))
