"""What a package needs to say how sure it is, from features of the training cases: references, posteriors, heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.truth import TRUTHS
from overread.evaluate.last_layer import HEADS, laplace, resampled_heads
from overread.imaging.image import Image
from overread.runtime.engine import Engine
from overread.runtime.manifest_uncertainty import Draws, Ensemble, Member, Uncertainty
from overread.runtime.package import Package
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import TASKS as RUNTIME
from overread.runtime.uncertainty.distance import fit_distance
from overread.settings import validated
from overread.task import TASKS as FACTS

if TYPE_CHECKING:
    from overread.learn.export import Exported
    from overread.learn.plan import Plan

FEATURES = "features"
FEWEST = 20
"""Training patients below which nobody can say what their features have in common."""
LONGEST = 2048
"""Features beyond which a covariance takes too long: the nearest training cases are asked then."""


@dataclass
class TrainingFeatures:
    """Features ``(F,)`` of training cases, taken while their images are at hand."""

    exported: Exported
    plan: Plan
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    truths: list[NDArray[np.float64]] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = (
            Engine(self.exported.model, "exported network") if self.exported.head is not None else None
        )

    def add(self, case: Case, image: Image) -> None:
        """Run the network over a case. Raises InputError where it cannot be prepared, or its truth not be read."""
        if self.engine is None:
            return
        prepared = prepare(image, self.plan.preprocess)
        self.rows.append(self.engine(prepared.array[None])[FEATURES][0])
        truth = TRUTHS[FACTS[self.plan.task].truth].read(case, image, self.plan.labels)
        self.truths.append(np.atleast_1d(np.asarray(truth, np.float64)))
        self.patients.append(case.patient)

    def uncertainty(self) -> tuple[Uncertainty, dict[str, NDArray[Any]]]:
        """What the plan asks for, and the arrays for it; what cannot be had is told in ``notes``."""
        head, asked = self.exported.head, self.plan.uncertainty
        pool = RUNTIME[self.plan.task].POOL
        told = Uncertainty(evidential=self.plan.loss.name == "evidential")
        notes: list[str] = []
        if head is None or pool is None or not self.rows:
            if asked.draws != "none":
                notes.append("draws: this network has no last layer that can be drawn from")
            return told.model_copy(update={"notes": notes}), {}
        arrays: dict[str, NDArray[Any]] = {"head_weight": head.weight, "head_bias": head.bias}
        features = np.stack(self.rows)
        if asked.distance != "none":
            if len(set(self.patients)) < FEWEST:
                notes.append(f"distance: {len(set(self.patients))} training patients, expected {FEWEST}")
            else:
                method = "nearest" if features.shape[1] > LONGEST else asked.distance
                arrays |= fit_distance(features, method)
        draws, rate = None, head.dropout or 0.0
        try:
            if asked.draws != "none" and told.evidential:
                notes.append(
                    f"draws: {asked.draws}: an evidential network's outputs are evidence, not logits to draw"
                )
            elif asked.draws == "dropout" and not rate:
                notes.append("draws: dropout: the network was trained without it (network.arguments.dropout)")
            elif asked.draws == "dropout":
                draws = Draws(method="dropout", rate=rate)
            elif asked.draws == "laplace":
                arrays |= laplace(features, head.weight, head.bias, pool)
                draws = Draws(method="laplace")
            elif asked.draws == "heads":
                truth = np.stack(self.truths)
                arrays |= resampled_heads(
                    features, truth, np.array(self.patients), head.weight, head.bias, pool
                )
                draws = Draws(method="heads", draws=HEADS)
        except ValueError as error:
            notes.append(f"draws: {asked.draws}: {error}")
        small = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
        return Uncertainty(features=FEATURES, evidential=told.evidential, draws=draws, notes=notes), small


def sure_plan(plan: Plan, *, draws: str | None, together: str | None) -> Plan:
    """The plan with other `Sureness` where any is given. Raises InputError for a name that there is not."""
    given = {k: v for k, v in (("draws", draws), ("together", together)) if v is not None}
    if not given:
        return plan
    asked = validated(type(plan.uncertainty), plan.uncertainty.model_dump() | given, "package")
    return plan.model_copy(update={"uncertainty": asked})


def joined(draft: Package, networks: Sequence[bytes]) -> Package:
    """The draft with further ``networks`` that answer with its own, alike until tuning cases say otherwise.

    Draws of one network's last layer are dropped: the networks themselves disagree.
    """
    files = {f"model-{k}.onnx": model for k, model in enumerate(networks, 1)}
    told = draft.manifest.uncertainty
    notes = [*told.notes, *(["draws: several networks are asked in their place"] if told.draws else [])]
    members = [Member(file="model.onnx"), *(Member(file=name) for name in files)]
    uncertainty = told.model_copy(
        update={"ensemble": Ensemble(members=members), "draws": None, "notes": notes}
    )
    manifest = draft.manifest.model_copy(update={"uncertainty": uncertainty})
    return replace(draft, manifest=manifest.sealed(), further={**draft.further, **files})
