"""package: from trained weights to a calibrated, hashed package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overread.cohort.case import Case
from overread.cohort.fingerprint import Fingerprint
from overread.cohort.load import load_case
from overread.errors import InputError
from overread.evaluate.calibrate import calibrate
from overread.evaluate.calibrated import Calibrated
from overread.files import sha256_bytes
from overread.pipeline.last_layer import TrainingFeatures, joined, sure_plan
from overread.pipeline.monitoring import monitoring_of
from overread.pipeline.package_limits import looked_at, package_limits
from overread.pipeline.stages.folds import decided_by_folds, drawless, fold_ensemble, fold_of, folds_of
from overread.pipeline.stages.seeds import write_seeds
from overread.pipeline.stages.train import load_further, load_network
from overread.pipeline.workspace import Workspace, console, progress, stage_record
from overread.runtime.manifest import Channel, Limits, Manifest, Windows
from overread.runtime.measure import SMALLEST_PART
from overread.runtime.package import ARRAYS, Package, write_package
from overread.runtime.patch import centre_patch
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import TASKS as RUNTIME_TASKS
from overread.runtime.uncertainty.arrays import to_bytes

if TYPE_CHECKING:
    from overread.learn.plan import Plan

CHECKED_INPUTS = 4


def package_stage(
    folder: Path, *, draws: str | None = None, together: str | None = None, ensemble: bool = True
) -> None:
    """Export to ONNX, compare with torch, calibrate on the tuning patients, write the package.

    Networks of several seeds are packaged together, each beside that alone for the report, or with ``ensemble`` False
    the first alone. ``draws`` and ``together`` are taken in place of the plan's (`overread.learn.plan.Sureness`).
    """
    space = Workspace.open(folder)
    network, plan = load_network(space)
    plan = sure_plan(plan, draws=draws, together=together)
    with stage_record(space, "package") as result:
        from overread.learn.export import export_onnx

        cohort, count = space.cohort(), folds_of(space)
        if count:
            # What the first network was trained with, and what it left out.
            cohort = fold_of(space, cohort, count, 0)
        tune = cohort.split("val")
        samples = [
            centre_patch(prepare(load_case(c), plan.preprocess).array, plan.answered_at_once)
            for c in tune[:CHECKED_INPUTS]
        ]
        exported = export_onnx(network, plan, samples)
        others = {seed: export_onnx(one, plan, samples) for seed, one in load_further(space, plan)}
        look = Fingerprint.from_dict(
            json.loads((space.model / "fingerprint.json").read_text(encoding="utf-8"))
        )
        seen, tuned = (looked_at(cohort.split(part), look) for part in ("train", "val"))
        with progress("Looking at training and tuning cases", len(seen) + len(tuned)) as advance:
            features = TrainingFeatures(exported, plan)
            limits = package_limits(
                space.protocol, look, plan.preprocess, seen, tuned, advance, also=features.add
            )
        uncertainty, arrays = features.uncertainty()
        manifest = _manifest(space, plan, look, exported.outputs, limits).model_copy(
            update={"uncertainty": uncertainty}
        )
        further = {ARRAYS: to_bytes(arrays)} if arrays else {}
        draft = Package(space.package_file, manifest.sealed(), exported.model, further)
        alone = {plan.seed: draft} | (
            {} if count else {seed: replace(draft, model=one.model) for seed, one in others.items()}
        )
        networks = [one.model for one in others.values()]
        if others and ensemble:
            draft = fold_ensemble(draft, networks) if count else joined(draft, networks)
        if count:
            draft = drawless(draft)
            decided = decided_by_folds(space, draft, drawless(alone[plan.seed]), networks)
            draft = _with(draft, decided)
        else:
            draft, decided = _decided(space, draft, tune, plan, "Calibrating on tuning cases")
        manifest = _numbered(draft.manifest, draft, space.package_file)
        package = write_package(space.package_file, manifest, draft.model, draft.further)
        if others and not count:
            result["seeds"] = write_seeds(
                space,
                alone,
                lambda one, seed: _decided(space, one, tune, plan, f"Calibrating seed {seed}")[0],
            )
        if count:
            result["folds"] = count
        result.update(
            path=package.path.relative_to(folder).as_posix(),
            sha256=package.sha256,
            bytes=package.path.stat().st_size,
            onnx_difference=max(e.largest_difference for e in (exported, *others.values())),
            calibration=decided.calibration.model_dump(mode="json"),
            uncertainty=decided.uncertainty.model_dump(mode="json"),
            operating_points={k: p.model_dump(mode="json") for k, p in decided.operating_points.items()},
            postprocess={k: p.model_dump(mode="json") for k, p in decided.postprocess.items()},
        )
    console.print(
        f"  {package.path} ({package.path.stat().st_size / 1e6:.1f} MB, sha256 {package.sha256[:12]}); "
        f"outputs within {result['onnx_difference']:.1e} of torch's on {exported.inputs} real inputs.",
        highlight=False,
    )
    for note in decided.uncertainty.notes:
        console.print(f"  {note[:1].upper() + note[1:]}.", highlight=False)


def _decided(
    space: Workspace, draft: Package, tune: Sequence[Case], plan: Plan, said: str
) -> tuple[Package, Calibrated]:
    """The draft with what its tuning cases decide, and that alone."""
    with progress(said, len(tune)) as advance:
        decided = calibrate(
            draft,
            tune,
            rule=space.protocol.rule(),
            refer=space.protocol.refer_rule(),
            how=plan.uncertainty.together,
            advance=advance,
        )
    return _with(draft, decided), decided


def _with(draft: Package, decided: Calibrated) -> Package:
    manifest = draft.manifest.model_copy(
        update={
            **decided.updates(),
            "reference": {**draft.manifest.reference, **decided.reference},
            "uncertainty": decided.uncertainty,
        }
    )
    return replace(draft, manifest=manifest)


def _numbered(manifest: Manifest, draft: Package, path: Path) -> Manifest:
    """The manifest under a version of its own: other weights or thresholds never answer under the number of those that
    were packaged before (0.1.0, then 0.1.0+1, until the protocol states another)."""
    try:
        old = Package.load(path)
    except InputError:
        return manifest
    base, _, count = old.manifest.version.partition("+")
    if base != manifest.version:
        return manifest
    same = (old.networks_sha256, old.further.get(ARRAYS), _decisions(old.manifest)) == (
        draft.networks_sha256,
        draft.further.get(ARRAYS),
        _decisions(manifest),
    )
    version = old.manifest.version if same else f"{base}+{int(count) + 1 if count.isdigit() else 1}"
    return manifest.model_copy(update={"version": version})


def _decisions(manifest: Manifest) -> dict[str, Any]:
    """What turns the network's outputs into an answer."""
    content = manifest.model_dump(mode="json")
    return {
        k: content[k]
        for k in (
            *("operating_points", "calibration", "preprocess", "decoding", "labels", "views"),
            *("uncertainty", "postprocess", "measures", "counted_labels"),
        )
    }


def _manifest(
    space: Workspace, plan: Plan, look: Fingerprint, outputs: Sequence[str], limits: Limits
) -> Manifest:
    protocol = space.protocol
    channels = protocol.channels
    if len(plan.channels) != len(channels):  # colour: one file, three network channels
        channels = [
            Channel(name=n, modality=channels[0].modality, match=channels[0].match) for n in plan.channels
        ]
    evidence = {
        "protocol": protocol.digest(),
        "plan": space.record_of("train")["result"]["plan_sha256"],
        "cohort": space.record_of("train")["result"]["cohort_sha256"],
        "weights": space.record_of("train")["result"]["weights_sha256"],
        "ledger_head": space.ledger.head(),
    }
    return Manifest(
        name=protocol.name,
        version=protocol.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=protocol.task,
        channels=channels,
        preprocess=plan.preprocess,
        labels=protocol.labels,
        positive=protocol.positive,
        outputs=list(outputs),
        quantity=protocol.quantity,
        decoding={**RUNTIME_TASKS[protocol.task].DECODING, **plan.decoding},
        windows=Windows(size=plan.answered_at_once, overlap=plan.overlap) if protocol.facts.local else None,
        limits=limits,
        views=plan.views,
        counted_labels=protocol.counted_labels,
        measures=protocol.measures,
        regions=plan.regions,
        smallest_part=SMALLEST_PART,
        reference={"fingerprint": look.as_dict()}
        | ({} if protocol.box_overlap is None else {"box_overlap": protocol.box_overlap}),
        model_card=_card(space, plan),
        evidence=evidence,
        files={"model.onnx": sha256_bytes(b"")},
    )


def _card(space: Workspace, plan: Plan) -> dict[str, Any]:
    cohort, protocol = space.cohort(), space.protocol
    return {
        "intended_use": protocol.intended_use or "not stated",
        "data": "virtual patients" if protocol.virtual else "as described by the cohort's source",
        "cases": {name: len(cohort.split(name)) for name in ("train", "val", "test")},
        "patients": {name: len({c.patient for c in cohort.split(name)}) for name in ("train", "val", "test")},
        "network": plan.network.model_dump(mode="json"),
        "pretrained weights": plan.transfer.origin if plan.transfer else "none",
        "uncertain findings": protocol.uncertain,
        "findings not stated": protocol.missing,
        **({"monitoring": monitoring_of(protocol)} if protocol.monitoring else {}),
        "status": "research use only",
    }
