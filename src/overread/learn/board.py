"""Curves for TensorBoard, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from overread.learn.history import Live


def board(folder: Path) -> Callable[[Live], None]:
    """What writes each finished epoch to ``folder``; does nothing without the package tensorboard."""
    if find_spec("tensorboard") is None:
        return lambda live: None
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def write(live: Live) -> None:
        if live.epoch is None:
            return
        values = {
            "loss/training": live.epoch.loss,
            "loss/tuning": live.epoch.validation_loss,
            "tuning metric": live.epoch.metric,
            "learning rate": live.epoch.learning_rate,
            "samples per second": live.samples_per_second,
        }
        for name, value in values.items():
            if value is not None:
                writer.add_scalar(name, value, live.step)
        writer.flush()

    return write
