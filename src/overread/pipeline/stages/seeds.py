"""Trainings beside the first: the same plan by further seeds, or on other folds; their networks for later stages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from overread.cohort.case import Case
from overread.commands import command
from overread.errors import InputError
from overread.evaluate.run import evaluate
from overread.evaluate.seeds import seed_rows
from overread.files import atomic_path, canonical_json, sha256_bytes, sha256_file, write_json
from overread.pipeline.made_elsewhere import locked_elsewhere
from overread.pipeline.report.words import metric_name
from overread.pipeline.workspace import Workspace, console, progress
from overread.runtime.package import Package, write_package

if TYPE_CHECKING:
    from torch import nn

    from overread.learn.history import Fitted
    from overread.learn.plan import Plan

FOLDER = "seeds"
Kind = Literal["seed", "fold"]
MOST = 64
MOST_SAID = 4
"""Measures that are told on the command line; the report has all."""


def shared_out(plan: Plan, trainings: int, *, option: str = "--seeds") -> Plan:
    """The plan of one of ``trainings``: all together have the time that one had.

    Raises InputError for a number that is none of trainings; ``option`` names it.
    """
    if not 1 <= trainings <= MOST:
        raise InputError(f"{option}: found {trainings}, expected 1 to {MOST}")
    return (
        plan if trainings == 1 else plan.model_copy(update={"train_seconds": plan.train_seconds / trainings})
    )


def train_seeds(
    space: Workspace, plan: Plan, seeds: int, fit: Callable[[Plan], Fitted], *, of: str, resume: bool
) -> list[dict[str, Any]]:
    """Train by the seeds after the plan's own; see `train_further`."""
    return train_further(
        space,
        range(plan.seed + 1, plan.seed + seeds),
        lambda seed: fit(plan.model_copy(update={"seed": seed})),
        kind="seed",
        of=of,
        resume=resume,
    )


def train_further(
    space: Workspace,
    numbers: Sequence[int],
    fit: Callable[[int], Fitted],
    *,
    kind: Kind,
    of: str,
    resume: bool,
) -> list[dict[str, Any]]:
    """Train networks beside the first; leave model/seeds/<number>.pt (or folds), and return a record of each.

    ``of`` identifies plan and cohort: with ``resume`` a training of this identity that ended is not done again.
    """
    import torch

    folder = space.model / f"{kind}s"
    if not resume or not numbers:
        shutil.rmtree(folder, ignore_errors=True)
    records = []
    for count, number in enumerate(numbers, 2):
        weights, told = folder / f"{number}.pt", folder / f"{number}.json"
        asked = sha256_bytes(canonical_json({"of": of, kind: number}).encode())
        if told.is_file() and weights.is_file():
            record = json.loads(told.read_text(encoding="utf-8"))
            if record.get("asked_sha256") == asked and record["weights_sha256"] == sha256_file(weights):
                records.append(record)
                continue
        console.print(f"  {kind.capitalize()} {number} ({count} of {len(numbers) + 1})", highlight=False)
        fitted = fit(number)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(weights) as temporary:
            torch.save(fitted.network.state_dict(), temporary)
        record = {
            kind: number,
            "asked_sha256": asked,
            "weights_sha256": sha256_file(weights),
            "epochs": len(fitted.history),
            "seconds": round(fitted.seconds, 1),
            "selected": fitted.selected,
        }
        write_json(told, record)
        records.append(record)
    return records


def load_further(
    space: Workspace, fresh: Callable[[], nn.Module], *, kind: Kind
) -> list[tuple[int, nn.Module]]:
    """The networks of the further seeds or folds with their numbers, in ``fresh`` ones; none where one was trained.

    Raises InputError where their weights are not those that training left.
    """
    import torch

    found = []
    for record in space.record_of("train")["result"].get(f"{kind}s", []):
        path = space.model / f"{kind}s" / f"{record[kind]}.pt"
        if not path.is_file() or sha256_file(path) != record["weights_sha256"]:
            raise InputError(
                f"{path}: is missing or not what training left (see record/train.json); train again: "
                f"{command('train', space.folder, '--anew')} with the same --{kind}s"
            )
        network = fresh()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        found.append((int(record[kind]), network.eval()))
    return found


def write_seeds(
    space: Workspace, drafts: Mapping[int, Package], decided: Callable[[Package, int], Package]
) -> list[dict[str, Any]]:
    """Package each seed's network alone, calibrated by itself; a record of each with its hash.

    Its distance is that of the first seed's features: alone, a network of another seed is not asked for its own.
    """
    records = []
    for seed, draft in drafts.items():
        told = draft.manifest.uncertainty
        if draft.model is not next(iter(drafts.values())).model:
            told = told.model_copy(update={"features": "", "draws": None, "distance": None})
            draft = replace(draft, further={})
        name = f"{draft.manifest.name}-seed-{seed}"
        draft = replace(
            draft, manifest=draft.manifest.model_copy(update={"uncertainty": told, "name": name}).sealed()
        )
        ready = decided(draft, seed)
        path = space.package_file.parent / FOLDER / f"{name}.overread"
        path.parent.mkdir(parents=True, exist_ok=True)
        package = write_package(path, ready.manifest, ready.model, ready.further)
        records.append(
            {"seed": seed, "path": path.relative_to(space.folder).as_posix(), "sha256": package.sha256}
        )
    return records


def seed_packages(space: Workspace) -> list[Package]:
    """The packages of single seeds, as the package stage recorded them; none where one seed was trained.

    Raises InputError where one is missing or another than was written.
    """
    found = []
    for record in space.record_of("package")["result"].get("seeds", []):
        package = Package.load(space.folder / record["path"])
        if package.sha256 != record["sha256"]:
            raise InputError(
                f"{package.path}: not the package that was written (see record/package.json); run "
                f"{command('package', space.folder)} again"
            )
        found.append(package)
    return found


def of_seeds(space: Workspace, cases: Sequence[Case]) -> dict[str, Any]:
    """What the seeds' packages give on the tuning and on the opened test cases, by measure; empty of one seed.

    They are opened once: by the package and by the seeds' own in the same test.
    """
    packages = [] if locked_elsewhere(space) else seed_packages(space)
    if len(packages) < 2:
        return {}
    parts = {"tuning": space.cohort().split("val"), "test": list(cases)}
    told: dict[str, Any] = {"count": len(packages)}
    for part, of in parts.items():
        with progress(f"Seeds on {part} cases", len(packages) * len(of)) as advance:
            found = [evaluate(p, of, advance=advance, unanswered=space.protocol.unanswered) for p in packages]
        told[part] = seed_rows(found)
    return told


def said_of_seeds(told: Mapping[str, Any]) -> list[str]:
    """A line for each measure on the test: mean over seeds, its interval, and the deviation between them."""
    return [
        f"{metric_name(row['metric'], row['label'])} over {told['count']} seeds: {row['estimate']:.3f} "
        f"({row['confidence']:.0%} CI {row['low']:.3f} to {row['high']:.3f}), deviation {row['sd']:.3f}"
        for row in told.get("test", [])[:MOST_SAID]
    ]
