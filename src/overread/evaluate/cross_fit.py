"""What all patients outside the test decide about a package of networks that each left some of them out.

Each case goes through the network that was not trained with its patient, so that every one of them counts as a tuning
case (cross-fitting: Chernozhukov 2018, doi 10.1111/ectj.12097; for prediction sets CV+, Barber 2021,
doi 10.1214/20-AOS1965). What is decided holds for one network trained on the others; several of them together are
about as sure where they agree, and err a little less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from overread.cohort.case import Case
from overread.errors import InputError
from overread.evaluate.calibrate import decide, distance_of
from overread.evaluate.calibrated import Calibrated
from overread.evaluate.refer import ReferRule
from overread.evaluate.tuned import Tuned, tuned_of
from overread.runtime.manifest_uncertainty import Uncertainty
from overread.runtime.package import Package


def cross_fit(
    package: Package,
    rounds: Sequence[tuple[Package, Sequence[Case]]],
    *,
    rule: str = "",
    refer: ReferRule | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Calibrated:
    """Scales, thresholds, sets and limits of ``package`` from cases that went through networks they did not train.

    Parameters
    ----------
    package
        What is calibrated: one of the networks, or all of them together. Its weights of several networks stay.
    rounds
        Of each network a package that answers with it alone, and the cases whose patients it was not trained with. The
        first is the network whose features the package measures distances by.
    rule, refer, advance
        As in `overread.evaluate.calibrate.calibrate`.

    Raises
    ------
    InputError
        As `calibrate`; a patient stands in two rounds.
    """
    _apart(rounds)
    told = package.manifest.uncertainty
    # Features of different networks are not comparable, and weights were not chosen on these cases.
    bare = package.manifest.model_copy(update={"uncertainty": Uncertainty(evidential=told.evidential)})
    found: list[Tuned] = []
    refused: dict[str, str] = {}
    for number, (alone, cases) in enumerate(rounds):
        tuned, left = tuned_of(alone, cases, advance=advance)
        refused |= left
        found += tuned
        if number == 0:
            told = distance_of(package, tuned)
    decided = decide(replace(package, manifest=bare), found, refused, rule=rule, refer=refer)
    note = (
        f"calibrated on {len(found)} cases of {len({c.patient for c in found})} patients, each answered by the one of "
        f"{len(rounds)} networks that was not trained with its patient"
    )
    own = decided.uncertainty
    uncertainty = told.model_copy(
        update={"refer": own.refer, "quality": own.quality, "notes": [*told.notes, *own.notes, note]}
    )
    return replace(
        decided,
        uncertainty=uncertainty,
        reference=_counted(decided.reference, len(rounds)),
    )


def _counted(reference: Mapping[str, object], folds: int) -> Mapping[str, object]:
    counts = reference.get("tuning")
    return {**reference, "tuning": {**(counts if isinstance(counts, dict) else {}), "folds": folds}}


def _apart(rounds: Sequence[tuple[Package, Sequence[Case]]]) -> None:
    seen: dict[str, int] = {}
    for number, (_, cases) in enumerate(rounds):
        for case in cases:
            if seen.setdefault(case.patient, number) != number:
                raise InputError(
                    f"case {case.case!r}: patient {case.patient!r} was left out by two networks, {seen[case.patient]} "
                    f"and {number}; expected all cases of a patient in one fold"
                )
