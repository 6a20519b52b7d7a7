"""join: packages of the same task and labels answer together as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError
from overread.evaluate.calibrate import calibrate
from overread.pipeline.workspace import Workspace, console, progress
from overread.runtime.manifest import Calibration, Limits, Manifest
from overread.runtime.manifest_calibration import Scale
from overread.runtime.manifest_uncertainty import Ensemble, Member, Uncertainty
from overread.runtime.package import MODEL, Package, write_package
from overread.runtime.tasks import TASKS as RUNTIME

ALIKE = ("task", "labels", "positive", "quantity", "channels", "outputs", "decoding", "views")
"""What packages must have in common to answer together."""


def join_stage(paths: Sequence[Path], out: Path, *, folder: Path | None = None) -> None:
    """Write one package of several, whose networks answer together, each by its own preprocessing and calibration.

    With a protocol's ``folder`` its tuning patients decide how they answer together, thresholds and scales; without
    one the package claims no calibration of its own.

    Raises
    ------
    InputError
        Fewer than two packages; they differ in what they answer, or in limits; one has several networks itself; a task
        that does not see whole images; a protocol of another task.
    """
    draft = together([Package.load(path) for path in paths], out)
    if folder is None:
        written = write_package(out, draft.manifest, draft.model, draft.further)
        console.print(
            f"  {written.path}: {len(paths)} networks, not calibrated together: no thresholds, no intervals. Name a "
            f"protocol's folder with its tuning patients: {command('join', *map(str, paths), '--protocol', 'DIR')}",
            highlight=False,
        )
        return
    space = Workspace.open(folder)
    protocol = space.protocol
    asked, had = (protocol.task, protocol.labels), (draft.manifest.task, draft.manifest.labels)
    if asked != had:
        raise InputError(
            f"{folder}: found {asked[0]} of {asked[1]}, the packages answer {had[0]} of {had[1]}"
        )
    tune = space.cohort().split("val")
    with progress("Calibrating on tuning cases", len(tune)) as advance:
        found = calibrate(draft, tune, rule=protocol.rule(), refer=protocol.refer_rule(), advance=advance)
    changes = {
        **found.updates(),
        "reference": {**draft.manifest.reference, **found.reference},
        "uncertainty": found.uncertainty,
    }
    manifest = draft.manifest.model_copy(update=changes)
    written = write_package(out, manifest, draft.model, draft.further)
    console.print(
        f"  {written.path}: {len(paths)} networks, calibrated on {found.calibration.cases} tuning cases. That none of "
        "the networks was trained with these patients, the packages cannot show.",
        highlight=False,
    )


def together(packages: Sequence[Package], path: Path) -> Package:
    """The packages as one that is not calibrated, under the name of ``path``. Raises InputError as `join_stage`."""
    if len(packages) < 2:
        raise InputError(f"join: found {len(packages)} package, expected two or more")
    first = packages[0].manifest
    for package in packages:
        _check(package, packages[0])
    members = [_member(p, first, number) for number, p in enumerate(packages)]
    uncertainty = Uncertainty(
        evidential=first.uncertainty.evidential,
        ensemble=Ensemble(members=members),
        notes=["features: left out, as each package measured distances by its own network"],
    )
    manifest = first.model_copy(
        update={
            "name": path.stem,
            "version": "0.1.0",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "calibration": Calibration(),
            "operating_points": {},
            "uncertainty": uncertainty,
            "limits": _common([p.manifest.limits for p in packages], packages),
            "reference": {k: v for k, v in first.reference.items() if k in ("fingerprint", "box_overlap")},
            "model_card": {
                **first.model_card,
                "joined": [f"{p.manifest.name} {p.manifest.version}" for p in packages],
            },
            "evidence": {f"package {n}": p.sha256 for n, p in enumerate(packages, 1)},
        }
    )
    further = {m.file: p.model for m, p in zip(members[1:], packages[1:], strict=True)}
    return Package(path, manifest.sealed(), packages[0].model, further)


def _check(package: Package, first: Package) -> None:
    manifest, own = package.manifest, first.manifest
    if RUNTIME[manifest.task].POOL is None:
        raise InputError(
            f"{package.path}: found the task {manifest.task}, expected one whose answers are probabilities of the image"
        )
    if manifest.uncertainty.ensemble or manifest.uncertainty.draws:
        raise InputError(
            f"{package.path}: found several networks or draws, expected a package of one network; join those it was "
            "made of"
        )
    if manifest.uncertainty.evidential != own.uncertainty.evidential:
        raise InputError(f"{package.path}: evidential networks and others do not answer together")
    for name in ALIKE:
        found, expected = getattr(manifest, name), getattr(own, name)
        if found != expected:
            raise InputError(
                f"{package.path}: {name}: found {found}, expected as in {first.path}: {expected}"
            )


def _member(package: Package, first: Manifest, number: int) -> Member:
    """The package's network with the calibration of its own, as far as a member can have one.

    An isotonic curve is left out: the logits are taken as they are.
    """
    manifest = package.manifest
    calibration = manifest.calibration
    scales = [calibration.scales.get(k, Scale(slope=1, intercept=0)) for k in manifest.labels]
    return Member(
        file=MODEL if number == 0 else f"model-{number}.onnx",
        preprocess=None if manifest.preprocess == first.preprocess else manifest.preprocess,
        temperature=calibration.temperature,
        scales=scales if calibration.scales else calibration.vector,
        origin=f"{manifest.name} {manifest.version}, sha256 {package.sha256}",
    )


def _common(limits: Sequence[Limits], packages: Sequence[Package]) -> Limits:
    """What lies within the limits of all: ranges and lists in common.

    Grey values and likeness hold for one network's own preprocessing: they are kept where all packages have the same.
    """

    where = " and ".join(str(p.path) for p in packages)

    def names(field: str) -> list[str]:
        some = [set(getattr(one, field)) for one in limits if getattr(one, field)]
        both = set.intersection(*some) if some else set()
        if some and not both:
            raise InputError(f"limits: {field}: nothing that {where} all answer")
        return sorted(both)

    def ranges(field: str, *, one: bool = False) -> list[Any] | None:
        given = [getattr(each, field) for each in limits if getattr(each, field) is not None]
        if not given:
            return None
        axes = zip(*([value] if one else value for value in given), strict=True)
        found = [(max(low for low, _ in axis), min(high for _, high in axis)) for axis in axes]
        if any(low > high for low, high in found):
            raise InputError(f"limits: {field}: nothing that {where} all answer")
        return found

    age, color = ranges("age_years", one=True), ranges("color", one=True)
    first = limits[0]
    return Limits(
        modality=names("modality"),
        body_part=names("body_part"),
        age_years=age[0] if age else None,
        size=ranges("size"),
        spacing_mm=ranges("spacing_mm"),
        slack=first.slack if all(each.slack == first.slack for each in limits) else None,
        color=color[0] if color else None,
        grey_values=first.grey_values
        if all(each.grey_values == first.grey_values for each in limits)
        else [],
        likeness=first.likeness if all(each.likeness == first.likeness for each in limits) else None,
        unstated="refuse" if any(each.unstated == "refuse" for each in limits) else "note",
    )
