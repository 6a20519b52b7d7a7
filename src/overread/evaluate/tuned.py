"""What the networks give for cases, kept small: the ground of everything that tuning decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.tasks import TASKS
from overread.imaging.image import Image
from overread.runtime.limits import breaches
from overread.runtime.outputs import Outputs
from overread.runtime.package import Package
from overread.runtime.predict import raw_of
from overread.runtime.preprocess import Prepared, prepare
from overread.runtime.tasks import TASKS as RUNTIME
from overread.task import TASKS as FACTS

SMALL = ("logits", "features", "draws", "vacuity")
"""Outputs of a whole image, which are kept for every case."""


@dataclass(frozen=True)
class Tuned:
    """One case through a package's networks.

    ``evidence`` is what the task's calibration reads. ``raw`` and ``prepared`` (without its images) are kept of tasks
    that see the whole image, else empty and None: those can be combined and answered again.
    """

    case: str
    patient: str
    truth: TruthValue
    evidence: Any
    raw: Outputs = field(default_factory=dict)
    prepared: Prepared | None = None

    def with_logits(self, logits: NDArray[np.float64], package: Package) -> Tuned:
        """The same with other logits of all networks together."""
        assert self.prepared is not None
        raw = self.raw | {"logits": logits.astype(np.float32)}
        manifest = package.manifest
        evidence = TASKS[manifest.task].evidence(raw, self.truth, self.prepared, manifest)
        return replace(self, raw=raw, evidence=evidence)


def tuned_of(
    package: Package, cases: Sequence[Case], *, advance: Callable[[], None] = lambda: None
) -> tuple[list[Tuned], Mapping[str, str]]:
    """Every case that the declared limits let pass, through the networks; and the others with the reason.

    Raises InputError for a case that cannot be read; it is named.
    """
    manifest = package.manifest
    task, truth = TASKS[manifest.task], TRUTHS[FACTS[manifest.task].truth]
    whole = RUNTIME[manifest.task].POOL is not None
    found: list[Tuned] = []
    refused: dict[str, str] = {}
    for case in cases:
        image = load_case(case)
        broken = breaches(image, manifest)
        if broken:
            refused[case.case] = "; ".join(map(str, broken))
        else:
            prepared = prepare(image, manifest.preprocess)
            real = truth.read(case, image, manifest.labels)
            raw = raw_of(package, prepared)
            one = Tuned(case.case, case.patient, real, task.evidence(raw, real, prepared, manifest))
            if whole:
                kept = {k: raw[k] for k in SMALL if k in raw}
                one = replace(one, raw=kept, prepared=_without_images(prepared))
            found.append(one)
        advance()
    return found, refused


def outcomes(cases: Sequence[Tuned]) -> NDArray[np.float64]:
    """``(n, groups)``: the true class, or 1, 0 and NaN (not stated) of each finding."""
    return np.stack([np.atleast_1d(np.asarray(c.truth, np.float64)) for c in cases])


def _without_images(prepared: Prepared) -> Prepared:
    empty = Image(np.zeros((1,) * (len(prepared.original.spatial) + 1), np.float32), np.eye(4))
    return Prepared(np.zeros((1, 1, 1), np.float32), np.eye(4), empty, empty, empty)
