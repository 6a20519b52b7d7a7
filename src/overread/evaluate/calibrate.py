"""What the tuning patients decide about a package: scales, thresholds, prediction sets. Never the test patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.errors import InputError
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.ensemble import choose_weights
from overread.evaluate.refer import ReferRule, decided, masks_decided, referrals
from overread.evaluate.strange import distance_limit
from overread.evaluate.tasks import TASKS
from overread.evaluate.tasks.protocol import clusters_of
from overread.evaluate.tuned import Tuned, outcomes, tuned_of
from overread.runtime.manifest import Manifest, Uncertainty
from overread.runtime.manifest_uncertainty import Ensemble
from overread.runtime.package import Package
from overread.runtime.tasks import TASKS as RUNTIME
from overread.runtime.uncertainty.distance import Method, distances
from overread.runtime.uncertainty.pool import How, together


def calibrate(
    package: Package,
    cases: Sequence[Case],
    *,
    rule: str = "",
    refer: ReferRule | None = None,
    how: How | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Calibrated:
    """Run the networks over the tuning cases and fix what they decide.

    Cases that the package's limits refuse take no part, as they get no answer later.

    Parameters
    ----------
    rule
        The operating point's; the task's own where it is empty.
    refer
        How many decisions may be wrong: who is then referred to a person.
    how
        How several networks are combined; chosen on the tuning cases where not given.
    advance
        Called after each case.

    Raises
    ------
    InputError
        Every case was refused, or one cannot be read; the case is named.
    ValueError
        A rule that the task does not know.
    """
    found, refused = tuned_of(package, cases, advance=advance)
    return decide(package, found, refused, rule=rule, refer=refer, how=how)


def decide(
    package: Package,
    cases: Sequence[Tuned],
    refused: Mapping[str, str],
    *,
    rule: str = "",
    refer: ReferRule | None = None,
    how: How | None = None,
) -> Calibrated:
    """`calibrate` of cases that went through the networks before, each through any that it was not trained with.

    ``refused`` are those that the declared limits refused, with the reason.
    """
    task = TASKS[package.manifest.task]
    rule = task.rule(rule, package.manifest.labels, package.manifest.positive)
    manifest, cases = _combined(package, list(cases), how)
    told = distance_of(replace(package, manifest=manifest), cases)
    manifest = manifest.model_copy(update={"uncertainty": told})
    apart = _apart(replace(package, manifest=manifest), cases)
    strange = (
        {}
        if apart is None or told.distance is None
        else {
            c.case: "its features lie far from the training's"
            for c, d in zip(cases, apart, strict=True)
            if d > told.distance.most
        }
    )
    refused = dict(refused) | strange
    cases = [c for c in cases if c.case not in strange]
    if not cases:
        first = next((f" (case {name}: {why})" for name, why in refused.items()), "")
        raise InputError(
            f"{package.path}: none of {len(refused)} tuning cases lies within its limits{first}; it cannot be "
            "calibrated"
        )
    patients = [c.patient for c in cases]
    clusters = clusters_of(patients)
    found = task.calibrate([c.evidence for c in cases], manifest, rule, clusters)
    told = told.model_copy(update={"quality": found.uncertainty.quality})
    if refer is not None:
        told = _referred(told, found, manifest, cases, refer, clusters)
    counts = {"cases": len(cases), "patients": len(set(patients)), "refused": len(refused)}
    return replace(found, reference={**found.reference, "tuning": counts}, uncertainty=told)


def _combined(package: Package, cases: list[Tuned], how: How | None) -> tuple[Manifest, list[Tuned]]:
    """The manifest with weights for several networks, and the cases as these answer together."""
    manifest, pool = package.manifest, RUNTIME[package.manifest.task].POOL
    ensemble = manifest.uncertainty.ensemble
    if ensemble is None or pool is None or not cases:
        return manifest, cases
    z = np.stack([c.raw["draws"] for c in cases]).astype(np.float64)
    chosen = choose_weights(
        z, outcomes(cases), pool, cluster=clusters_of([c.patient for c in cases]), how=how
    )
    members = [
        m.model_copy(update={"weight": w}) for m, w in zip(ensemble.members, chosen.weights, strict=True)
    ]
    told = manifest.uncertainty.model_copy(
        update={
            "ensemble": Ensemble(how=chosen.how, members=members),
            "notes": [*manifest.uncertainty.notes, f"networks: {chosen.how}: {chosen.reason}"],
        }
    )
    logits = together(z, chosen.weights, pool, how=chosen.how)
    return manifest.model_copy(update={"uncertainty": told}), [
        c.with_logits(one, package) for c, one in zip(cases, logits, strict=True)
    ]


def distance_of(package: Package, cases: Sequence[Tuned]) -> Uncertainty:
    """The uncertainty with the limit of the distance, of a package that has what it is measured from."""
    told, method = package.manifest.uncertainty, method_of(package.arrays)
    if method is None or not told.features or not cases:
        return told
    apart = distances(np.stack([c.raw["features"] for c in cases]), package.arrays, method)
    limit = distance_limit(apart, method, cluster=clusters_of([c.patient for c in cases]))
    return told.model_copy(update={"distance": limit})


def _apart(package: Package, cases: Sequence[Tuned]) -> NDArray[np.float64] | None:
    limit = package.manifest.uncertainty.distance
    if limit is None or not cases:
        return None
    return distances(np.stack([c.raw["features"] for c in cases]), package.arrays, limit.method)


def method_of(arrays: Mapping[str, Any]) -> Method | None:
    """Which distance a package's arrays were made for."""
    if "distance_axes" in arrays:
        return "mahalanobis"
    return "nearest" if "distance_references" in arrays else None


def _referred(
    told: Uncertainty,
    found: Calibrated,
    manifest: Manifest,
    cases: Sequence[Tuned],
    refer: ReferRule,
    clusters: NDArray[Any] | None,
) -> Uncertainty:
    """The uncertainty with thresholds below which a person must decide, as the calibrated package answers."""
    ready = manifest.model_copy(update=found.updates())
    task = RUNTIME[manifest.task]
    if found.masks and refer.dice is None:
        why = "refer: from which Dice on a mask is right is not stated ({dice: 0.7}): nobody is referred"
        return told.model_copy(update={"notes": [*told.notes, why]})
    said = masks_decided(found.masks, refer.dice or 0.0) or [
        decided(task.answer(c.raw, c.prepared, ready), c.truth, ready)
        for c in cases
        if c.prepared is not None
    ]
    if not any(said):
        return told.model_copy(
            update={"notes": [*told.notes, "this task decides nothing yes or no: nobody is referred"]}
        )
    thresholds, notes = referrals(said, risk=refer.risk, confidence=refer.confidence, cluster=clusters)
    if found.masks:
        thresholds = {k: r.model_copy(update={"dice": refer.dice}) for k, r in thresholds.items()}
    return told.model_copy(update={"refer": thresholds, "notes": [*told.notes, *notes]})
