"""A metric of `overread.evaluate` on tuning cases while training goes on, by which weights may be selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.protocol import TruthValue
from overread.errors import InputError
from overread.evaluate.metric import Metric
from overread.evaluate.tasks import TASKS as EVALUATE
from overread.evaluate.tasks.protocol import clusters_of
from overread.imaging.image import Image
from overread.learn.draft_manifest import draft_manifest
from overread.learn.plan import Plan, Selection
from overread.learn.processes import agreed, gathered, rank, world
from overread.learn.watched import drawn
from overread.nets.architecture import by_name
from overread.runtime.manifest import Manifest
from overread.runtime.prediction import Outcome
from overread.runtime.preprocess import Prepared, prepare
from overread.runtime.regions import judged
from overread.runtime.tasks import TASKS as RUNTIME
from overread.task import TASKS as FACTS

HELD_BYTES = 2**29
"""Of prepared tuning cases that stay in memory from one measurement to the next; others are read again."""


@dataclass
class TuningMetric:
    """The metric of ``selection`` over some of the tuning ``cases``, by the very answers that a package would give.

    Attributes
    ----------
    manifest
        That of a package without calibration: its thresholds are chosen later, on the same cases.
    metric
        The metric, with the direction in which it improves.
    reason
        Why the last measurement gave nothing; empty where it did.
    """

    selection: Selection
    cases: Sequence[Case]
    manifest: Manifest
    metric: Metric
    reason: str = ""
    _held: dict[str, tuple[Image, TruthValue, Prepared]] = field(default_factory=dict)
    _bytes: int = 0

    def __call__(self, network: nn.Module, device: torch.device) -> float | None:
        """The metric's estimate now; None, with `reason`, where these cases cannot give it.

        Processes answer a share of the cases each.
        """
        task, facts = EVALUATE[self.manifest.task], RUNTIME[self.manifest.task]
        network.eval()

        def outputs(batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
            with torch.inference_mode():
                found = by_name(network(torch.from_numpy(batch).to(device)))
                return {name: value.float().cpu().numpy() for name, value in found.items()}

        rows: list[dict[str, Any]] = []
        for case in self.cases[rank() :: world()]:
            image, truth, prepared = self._ready(case)
            answer = facts.answer(facts.raw(outputs, prepared, self.manifest), prepared, self.manifest)
            about: dict[str, Any] = {"case": case.case, "patient": case.patient, "outcome": str(Outcome.OK)}
            rows.append(about | task.row(answer, truth, image, self.manifest))
        everything = gathered(rows)
        value, self.reason = agreed(self._of(everything) if rank() == 0 else (None, ""))
        return value

    def _of(self, rows: Sequence[dict[str, Any]]) -> tuple[float | None, str]:
        measures = EVALUATE[self.manifest.task].measures(
            rows, self.manifest, clusters_of([r["patient"] for r in rows])
        )
        wanted = (self.selection.metric, self.selection.label)
        try:
            for measure in measures:
                if (measure.metric.key, measure.label) == wanted:
                    return float(measure.compute().estimate), ""
        except ValueError as error:  # these cases cannot give it: one class only, say
            return None, str(error)
        return None, "the tuning cases do not give it"

    def _ready(self, case: Case) -> tuple[Image, TruthValue, Prepared]:
        if case.case in self._held:
            return self._held[case.case]
        image = load_case(case)
        truth = TRUTHS[FACTS[self.manifest.task].truth].read(case, image, self.manifest.labels)
        ready = image, truth, prepare(image, self.manifest.preprocess)
        size = image.array.nbytes + ready[2].array.nbytes
        if self._bytes + size <= HELD_BYTES:
            self._held[case.case] = ready
            self._bytes += size
        return ready


def tuning_metric(
    plan: Plan, cases: Sequence[Case], *, positive: str | None, counted: Sequence[str]
) -> TuningMetric | None:
    """What the plan's selection asks for; None where it asks for nothing.

    Raises InputError for a metric that the task does not measure, that has no better direction, or without cases.
    """
    selection = plan.selection
    if selection is None:
        return None
    offered = EVALUATE[plan.task].offered(judged(plan.labels, plan.regions), positive, counted)
    able = {(m.key, label): m for m, label in offered if m.better != "none"}
    metric = able.get((selection.metric, selection.label))
    if metric is None:
        names = ", ".join(key if label is None else f"{key} of {label}" for key, label in able)
        raise InputError(
            f"plan.json: selection: found metric {selection.metric!r}, label {selection.label!r}; expected one of "
            f"{names}"
        )
    if not cases:
        raise InputError("plan.json: selection: there are no tuning cases to measure it on; leave it out")
    manifest = draft_manifest(plan, "tuning", positive=positive, counted=counted)
    chosen = drawn([c.case for c in cases], selection.most_cases)
    return TuningMetric(selection, [cases[i] for i in chosen], manifest, metric)
