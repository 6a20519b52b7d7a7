"""What a person sees while a training runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import TextColumn

from overread.pipeline.workspace import bar, console

if TYPE_CHECKING:
    from overread.learn.history import Epoch, Live


@contextmanager
def training_display(steps: int, metric: str) -> Iterator[Callable[[Live], None]]:
    """A bar with steps, time left, loss, ``metric`` of the tuning cases, speed and where the time goes.

    Where nobody watches a terminal there is a line for each look at the tuning cases instead.
    """
    with bar(TextColumn("{task.fields[now]}")) as display:
        task = display.add_task("Training", total=steps, now="")

        def show(live: Live) -> None:
            for note in live.notes:
                console.print(f"  [yellow]{note}", highlight=False)
            display.update(task, completed=live.step, total=live.steps, now=now(live, metric))
            if live.epoch and live.epoch.validation_loss is not None and not console.is_terminal:
                console.print(f"  {line(live, live.epoch, metric)}", highlight=False)

        yield show


def now(live: Live, metric: str) -> str:
    """Loss, tuning metric, images a second, and the share of the time for which the network waits."""
    parts = [f"loss {live.loss:.3f}"]
    if live.metric is not None:
        parts.append(f"{metric} {live.metric:.3f}")
    parts.append(f"{live.samples_per_second:.3g}/s")
    if live.times.elapsed:
        parts.append(f"waiting {live.times.waiting / live.times.elapsed:.0%}")
    return " ".join(parts)


def line(live: Live, epoch: Epoch, metric: str) -> str:
    """One epoch for a log."""
    parts = [f"epoch {epoch.epoch}, step {live.step} of {live.steps}: loss {epoch.loss:.3f}"]
    if epoch.validation_loss is not None:
        parts.append(f"on tuning cases {epoch.validation_loss:.3f}")
    if epoch.metric is not None:
        parts.append(f"{metric} {epoch.metric:.3f}")
    left = (live.steps - live.step) * live.times.elapsed / max(1, live.step)
    return ", ".join(parts) + f"; {live.samples_per_second:.3g} images/s, about {left:.0f} s left"
