"""What a person sees while a training runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.progress import TextColumn

from overread.pipeline.workspace import bar, console

if TYPE_CHECKING:
    from overread.learn.history import Epoch, Fitted, Live


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


def ended_in_words(fitted: Fitted) -> list[str]:
    """What a person reads when the training is done."""
    if fitted.ended_by == "solved":
        return [
            f"The head was solved for on frozen features in {fitted.seconds:.0f} s.",
            *roads_in_words(fitted.roads),
        ]
    last = fitted.history[-1]
    why = {
        "schedule": "all that were planned",
        "clock": f"{fitted.epochs_planned} were expected; the clock decided",
        "no better weights": f"of {fitted.epochs_planned}: the tuning metric had stopped improving",
    }[fitted.ended_by]
    tuning = next(
        (e.validation_loss for e in reversed(fitted.history) if e.validation_loss is not None), None
    )
    losses = f"loss {last.loss:.3f} on training patches"
    if tuning is not None:
        losses += f", {tuning:.3f} on tuning cases"
    lines = [
        f"{len(fitted.history)} epochs ({why}) on {fitted.device} in {fitted.seconds:.0f} s; {losses}.",
        f"Where the time went: {fitted.times}; {fitted.samples_per_second:.3g} images a second.",
    ]
    chosen = fitted.selected
    if chosen.get("by"):
        label = f" of {chosen['label']}" if chosen.get("label") else ""
        lines.append(
            f"Kept: the averaged weights after epoch {chosen['epoch']}, the best by {chosen['by']}{label} "
            f"({chosen['value']:.3f}) on {chosen['cases']} tuning cases."
        )
    if fitted.precision.get("name") == "bfloat16":
        lines.append(f"Computed in bfloat16: {fitted.precision['why']}.")
    return lines + roads_in_words(fitted.roads)


def roads_in_words(roads: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the tuning cases chose from, and how clear the choice was."""
    if not roads:
        return []
    kept = next(r for r in roads if r["kept"])
    lines = [
        f"Kept: {kept['name']}, with the least loss ({kept['loss']:.3f}) on {kept['cases']} tuning cases."
    ]
    for road in roads:
        if not road["kept"]:
            more, low, high = road["more"]
            lines.append(
                f"  {road['name']}: {road['loss']:.3f}, {more:+.3f} (95% interval {low:+.3f} to {high:+.3f})"
            )
    return lines
