"""The one training loop: every task, every network, one process or many."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from overread.errors import StoppedError
from overread.learn.checkpoint import Checkpoints, Loaded
from overread.learn.example import Example
from overread.learn.hardware import drawing_threads, surroundings
from overread.learn.history import Ended, Epoch, Fitted, Live
from overread.learn.losses.protocol import Tensors
from overread.learn.memory import changed, is_out_of_memory, take_less
from overread.learn.patch_batches import Batch, PatchBatches
from overread.learn.plan import Plan
from overread.learn.precision import choose_precision
from overread.learn.prefetch import Prefetched
from overread.learn.processes import agreed, any_of, join, rank, world
from overread.learn.repeatable import repeatable
from overread.learn.schedule import due, epochs_in_time, schedule
from overread.learn.state import State
from overread.learn.step import Step
from overread.learn.stop import Stop
from overread.learn.transfer.lora import merge_lora
from overread.learn.watched import watched_loss

if TYPE_CHECKING:  # it brings the readers of every format along
    from overread.learn.selection import TuningMetric

__all__ = ["Epoch", "Fitted", "Live", "fit", "schedule"]

Report = Callable[[Live], None]


def fit(
    plan: Plan,
    train: Sequence[Example],
    tune: Sequence[Example],
    report: Report = lambda live: None,
    *,
    metric: TuningMetric | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    start: Mapping[str, Tensor] | None = None,
) -> Fitted:
    """Train ``plan``'s network on ``train`` and watch the loss on ``tune``.

    The steps are those of `overread.learn.step.Step`, the learning rate warms up and decays by half a cosine. The
    schedule ends with the time given (see `Plan.follow_clock`): after each epoch the number of those to come is set
    anew from the speed seen, and the decay is stretched to match. What is returned are the averaged weights: the last,
    or those best by ``metric``, which is then the plan's `selection`.

    With ``checkpoints`` the state is written every few minutes and when the training is stopped; ``resume`` goes on
    from the newest whole one. Where the plan does not follow the clock, the weights are then those of a training that
    was never stopped, bit for bit, on the same machine with as many threads and processes.

    The network begins with ``start``, its state, where that is given; else by the plan.

    ``report`` is called after each step, and with the finished `Epoch` at the end of each.

    Raises
    ------
    InputError
        A network, loss or grey-value transform that does not exist or does not fit; a precision without hardware.
    OverreadError
        The loss is no longer finite, or memory does not hold the smallest step.
    StoppedError
        Ctrl-C, or a request to terminate; what was learnt is kept where there are ``checkpoints``.
    """
    join()
    with repeatable(not plan.follow_clock), Stop(insist=world() == 1) as stop:
        return _Training(plan, train, tune, report, metric, checkpoints, resume, stop, start).run()


class _Training:
    def __init__(
        self,
        plan: Plan,
        train: Sequence[Example],
        tune: Sequence[Example],
        report: Report,
        metric: TuningMetric | None,
        checkpoints: Checkpoints | None,
        resume: bool,
        stop: Stop,
        start: Mapping[str, Tensor] | None,
    ) -> None:
        loaded = agreed(checkpoints.latest() if resume and checkpoints and rank() == 0 else None)
        self.asked, self.train, self.tune = plan, train, tune
        self.report, self.metric, self.checkpoints, self.stop = report, metric, checkpoints, stop
        self.notes: list[str] = []
        precision = loaded.state["state"]["precision"] if loaded else choose_precision(plan, train).record()
        self.plan = plan.model_copy(update=loaded.state["state"]["changed"]) if loaded else plan
        self.step = Step(self.plan, precision=precision["name"], start=start)
        self.state = State.fresh(plan)
        if loaded:
            self._go_on(loaded)
        self.state.precision = precision
        self.total = self.state.epochs * plan.steps_per_epoch
        self.before = self.state.times.elapsed
        self.began = time.perf_counter()
        self.trained = 0

    def _go_on(self, loaded: Loaded) -> None:
        self.step.load(loaded.state["step"])
        self.state = State.of(loaded.state["state"], self.step.device)
        self.state.resumed.append(self.step.steps)
        self.notes += loaded.damaged
        now, then = surroundings(self.step.device), loaded.state["surroundings"]
        other = [f"{k} {then[k]} then, {now[k]} now" for k in now if now[k] != then.get(k)]
        if other:
            self.notes.append(
                f"the training goes on elsewhere ({'; '.join(other)}): the last bits may differ from a training that "
                "was never stopped"
            )

    def run(self) -> Fitted:
        ended: Ended | None = self._ended()
        while ended is None:
            self._epochs_with(self.plan)
            ended = self._ended()
        self._elapsed()
        return self._fitted(ended)

    def _epochs_with(self, plan: Plan) -> None:
        """Train until the end, or until memory makes another plan of ``plan``."""
        batches = PatchBatches(plan, self.train, rank(), world())
        first, skip = len(self.state.history), len(self.state.losses)
        draws = (draw for e in count(first) for draw in batches.draws(e, skip if e == first else 0))
        times = self.state.times
        before = (times.waiting, times.reading, times.augmenting)
        with Prefetched(
            draws, threads=drawing_threads(), read_seconds=lambda: batches.read_seconds
        ) as stream:

            def note() -> None:
                now = (stream.waited, stream.reading, stream.augmenting)
                times.waiting, times.reading, times.augmenting = map(sum, zip(before, now, strict=True))

            while self._ended() is None:
                if not self._epoch(plan, stream, note):
                    return

    def _epoch(self, plan: Plan, stream: Iterator[Batch], note: Callable[[], None]) -> bool:
        """Train to the end of the epoch under way; False where the plan had to change."""
        state = self.state
        while len(state.losses) < plan.steps_per_epoch:
            image, targets = next(stream)
            loss = self._learn(image, targets)
            if loss is None:
                return False
            state.losses.append(loss)
            state.progress += (1 - state.progress) / max(1, self.total - self.step.steps + 1)
            self.trained += plan.batch
            note()
            self._tell(float(loss))
            self._keep_or_stop()
        self._end_epoch()
        return True

    def _learn(self, image: Tensor, targets: Tensors) -> Tensor | None:
        """One step, in smaller parts where memory gives out; None where only a smaller patch would do."""
        while True:
            try:
                progress = self.state.progress
                return self.step(
                    image, targets, self.asked.learning_rate * schedule(progress), progress=progress
                )
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                said = str(error).splitlines()[0]
            # Outside the handler, so that nothing holds the step's tensors any more.
            self.step.forget()
            patch = self.plan.patch
            self._take_less(said)
            if self.plan.patch != patch:
                return None

    def _take_less(self, said: str) -> None:
        self.plan, change = take_less(self.plan, step=self.step.steps + 1, said=said, processes=world())
        self.step.accumulate = self.plan.accumulate
        self.state.changed = changed(self.asked, self.plan)
        self.state.changes.append(change)
        self.notes.append(f"out of memory in step {change['step']}: from here {change['change']}")

    def _end_epoch(self) -> None:
        state, asked, done = self.state, self.asked, len(self.state.history) + 1
        seconds = self._elapsed() - state.epoch_began
        validation = value = None
        if due(done, state.epochs):
            began = time.perf_counter()
            validation = watched_loss(self.step, self.plan, self.tune)
            if self.metric:
                value = self.metric(self.step.average.eval(), self.step.device)
                if value is not None:
                    state.measured(
                        value, done, lower=self.metric.metric.better == "lower", network=self.step.average
                    )
            state.times.tuning += time.perf_counter() - began
        loss, rate = float(torch.stack(state.losses).mean()), self.step.rate
        state.history.append(Epoch(done, loss, validation, rate, seconds, value))
        state.losses = []
        if asked.follow_clock:
            fit_in = epochs_in_time(
                [e.seconds for e in state.history[-5:]],
                done=done,
                remaining=asked.train_seconds - self._elapsed(),
                besides=state.times.tuning / done,
            )
            state.epochs = agreed(min(asked.most_epochs, fit_in))
        self.total = state.epochs * asked.steps_per_epoch
        state.epoch_began = self._elapsed()
        self._tell(loss, state.history[-1])
        self._keep_or_stop()

    def _ended(self) -> Ended | None:
        state, selection = self.state, self.asked.selection
        if selection and selection.patience and state.best and state.best.worse >= selection.patience:
            return "no better weights"
        if len(state.history) < state.epochs:
            return None
        return "clock" if self.asked.follow_clock and state.epochs < self.asked.most_epochs else "schedule"

    def _elapsed(self) -> float:
        self.state.times.elapsed = self.before + time.perf_counter() - self.began
        return self.state.times.elapsed

    def _tell(self, loss: float, epoch: Epoch | None = None) -> None:
        speed = self.trained / max(self._elapsed() - self.before, 1e-9)
        notes, self.notes = tuple(self.notes), []
        metric = next((e.metric for e in reversed(self.state.history) if e.metric is not None), None)
        self.report(Live(self.step.steps, self.total, loss, metric, speed, self.state.times, epoch, notes))

    def _keep_or_stop(self) -> None:
        """Write a checkpoint where one is due; where a stop was asked for, write one and stop."""
        asked = any_of(self.stop.asked is not None)
        mine = self.checkpoints if rank() == 0 else None
        if mine and (asked or mine.due()):
            before = self._elapsed()
            mine.save(self.step.steps, self.total, self._saved())
            self.state.times.saving += self._elapsed() - before
        if asked:
            where = self.checkpoints
            kept = f"what was learnt is kept in {where.folder}" if where else "nothing of it is kept"
            raise StoppedError(
                f"stopped after step {self.step.steps} of {self.total}: {kept}",
                number=self.stop.asked or signal.SIGINT,
            )

    def _saved(self) -> dict[str, Any]:
        return {
            "step": self.step.state(),
            "state": self.state.saved(),
            "surroundings": surroundings(self.step.device),
        }

    def _fitted(self, ended: Ended) -> Fitted:
        state = self.state
        network = self.step.average.eval()
        if state.best:
            network.load_state_dict(state.best.weights)
        merge_lora(network)
        return Fitted(
            network.cpu(),
            state.history,
            state.times.elapsed,
            self.asked.epochs,
            str(self.step.device),
            ended_by=ended,
            repeatable=not self.asked.follow_clock,
            processes=world(),
            samples_per_second=self.trained / max(state.times.elapsed - self.before, 1e-9),
            times=state.times,
            precision=state.precision,
            selected=state.selected(self.asked.selection, self.metric),
            changes=state.changes,
            resumed=state.resumed,
            changed=state.changed,
        )
