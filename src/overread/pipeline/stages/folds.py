"""Cross-fitting: networks that each left some patients out, so that all outside the test can serve for tuning."""

from __future__ import annotations

from dataclasses import replace

from overread.cohort.cohort import Cohort
from overread.cohort.splits import folds, strata_of
from overread.cohort.table import read_table
from overread.errors import InputError
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.cross_fit import cross_fit
from overread.pipeline.last_layer import joined
from overread.pipeline.stages.seeds import MOST
from overread.pipeline.workspace import Workspace, progress
from overread.runtime.manifest_uncertainty import Ensemble, Uncertainty
from overread.runtime.package import Package
from overread.runtime.tasks import TASKS as RUNTIME


def check_folds(space: Workspace, count: int | None, *, seeds: int = 1) -> int:
    """How many folds to train on: ``count``, or the protocol's `cross_fit`, 0 for none.

    Raises InputError for a number that is none of folds, several seeds, or a task whose answers have no mean.
    """
    asked = "--folds" if count is not None else "protocol.yaml: cross_fit"
    wanted = (space.protocol.cross_fit or 0) if count is None else count
    if wanted == 0:
        return 0
    if not 2 <= wanted <= MOST:
        raise InputError(f"{asked}: found {wanted}, expected 2 to {MOST}, or 0 for none")
    if space.protocol.facts.answer == "objects":
        raise InputError(
            f"{asked}: found the task {space.protocol.task}, expected one whose answers have a mean, which boxes have "
            "not; take it out"
        )
    if seeds > 1:
        raise InputError(f"{asked}: found --seeds {seeds}, too; several seeds or several folds, not both")
    return wanted


def fold_of(space: Workspace, cohort: Cohort, count: int, number: int) -> Cohort:
    """The cohort with the patients of one of ``count`` folds as val, all others outside the test as train.

    The table's column ``fold`` is taken where it has that many; else patients are dealt to folds of equal size, of
    each class its part, the same for the same table and seed. Raises InputError for fewer patients than folds.
    """
    inside = [c for c in cohort if c.split != "test"]
    if {c.attributes.get("fold", "") for c in inside} == {str(n) for n in range(count)}:
        return cohort.fold(number)
    table = read_table(space.folder)
    strata = strata_of(table, [row["patient"].strip() for row in table.rows])
    fold = folds([c.patient for c in inside], count, strata=strata, seed=space.protocol.seed)
    cases = [
        c if c.split == "test" else replace(c, split="val" if fold[c.patient] == number else "train")
        for c in cohort
    ]
    return replace(cohort, cases=tuple(cases))


def folds_of(space: Workspace) -> int:
    """On how many folds the trained networks were trained; 0 without cross-fitting."""
    told = space.record_of("train")["result"].get("folds", [])
    return len(told) + 1 if told else 0


def fold_ensemble(draft: Package, networks: list[bytes]) -> Package:
    """The networks as one package, which answers with the mean of their logits: that is as sure as one of them is on
    average, so that what was decided on single networks holds for it; of a number, with the mean."""
    whole = joined(draft, networks)
    ensemble = whole.manifest.uncertainty.ensemble
    assert ensemble is not None
    if RUNTIME[draft.manifest.task].POOL is None:
        return whole
    members = [m.model_copy(update={"weight": 1 / len(ensemble.members)}) for m in ensemble.members]
    told = whole.manifest.uncertainty.model_copy(
        update={"ensemble": Ensemble(how="stacked", members=members)}
    )
    return replace(whole, manifest=whole.manifest.model_copy(update={"uncertainty": told}).sealed())


def drawless(draft: Package) -> Package:
    """The draft without draws of one network's last layer: each case is answered by another network."""
    told = draft.manifest.uncertainty
    if told.draws is None:
        return draft
    notes = [*told.notes, "draws: left out, as each case is answered by another of several networks"]
    told = told.model_copy(update={"draws": None, "notes": notes})
    return replace(draft, manifest=draft.manifest.model_copy(update={"uncertainty": told}).sealed())


def decided_by_folds(space: Workspace, package: Package, first: Package, others: list[bytes]) -> Calibrated:
    """What every case outside the test decides about ``package``, answered by the network that left its fold out.

    ``first`` answers with the first fold's network alone, ``others`` are the networks of the folds after it. Raises as
    `overread.evaluate.cross_fit.cross_fit`.
    """
    cohort, protocol = space.cohort(), space.protocol
    told = Uncertainty(evidential=first.manifest.uncertainty.evidential)
    bare = replace(
        first, manifest=first.manifest.model_copy(update={"uncertainty": told}).sealed(), further={}
    )
    alone = [first, *(replace(bare, model=model) for model in others)]
    rounds = [(one, fold_of(space, cohort, len(alone), n).split("val")) for n, one in enumerate(alone)]
    with progress("Calibrating on cases left out", sum(len(cases) for _, cases in rounds)) as advance:
        return cross_fit(package, rounds, rule=protocol.rule(), refer=protocol.refer_rule(), advance=advance)
