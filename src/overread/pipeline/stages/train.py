"""train: fit the planned network within the time given; and the trained network for the stages after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overread.cohort.cohort import Cohort
from overread.commands import command
from overread.errors import InputError, StoppedError
from overread.files import atomic_path, canonical_json, sha256_bytes, sha256_file, write_json, write_text
from overread.pipeline.stages.folds import check_folds, fold_of
from overread.pipeline.stages.plan import exactly, read_plan
from overread.pipeline.stages.seeds import load_further as load_more
from overread.pipeline.stages.seeds import shared_out, train_further, train_seeds
from overread.pipeline.training_display import ended_in_words
from overread.pipeline.unfinished import begun, finished, identity
from overread.pipeline.workspace import Workspace, console, stage_record

if TYPE_CHECKING:  # torch takes seconds to import: only the stages that train pay for it
    from torch import nn

    from overread.learn.checkpoint import Checkpoints
    from overread.learn.history import Fitted
    from overread.learn.plan import Plan


def train_stage(
    folder: Path,
    *,
    resume: bool = False,
    anew: bool = False,
    exact: bool = False,
    seeds: int = 1,
    folds: int | None = None,
) -> None:
    """Train by plan.json; leave model/weights.pt, model/plan.json and model/history.json.

    ``resume`` goes on from the last checkpoint of a training that did not end, ``anew`` drops it; without either such
    a training is refused. ``exact`` does the plan's epochs whatever the clock says. ``seeds`` trainings, by the plan's
    seed and those after it, share the time of one; so do ``folds`` trainings, each of which leaves one fold of the
    patients outside the test out (the protocol's `cross_fit` where None, 0 for none). Started by `torchrun`, all its
    processes train together, and the first writes.

    Raises
    ------
    InputError
        A plan or cohort that does not fit, or is not the one that the checkpoints belong to.
    OverreadError
        Another process trains in the folder.
    StoppedError
        Ctrl-C, or a request to terminate.
    """
    space = Workspace.open(folder)
    plan = read_plan(space.plan_file)
    if exact:
        plan = exactly(plan, plan.epochs)
    count = check_folds(space, folds, seeds=seeds)
    plan = shared_out(plan, count, option="--folds") if count else shared_out(plan, seeds)
    if (seeds > 1 or count) and "TORCHELASTIC_RUN_ID" in os.environ:
        raise InputError(
            "--seeds, --folds: several networks are trained one after the other; start them without torchrun"
        )
    # What torch.distributed.is_torchelastic_launched asks, without torch: others set RANK, too.
    if "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["RANK"]):
        _help(space, plan)
        return
    from overread.learn.checkpoint import Checkpoints
    from overread.learn.lock import one_training

    whole = space.cohort()
    cohort = fold_of(space, whole, count, 0) if count else whole
    with ExitStack() as stack:
        stack.enter_context(one_training(space.model))
        kept = Checkpoints(space.model / "checkpoints", {})
        plan = begun(
            space,
            plan,
            cohort,
            kept,
            exact=exactly(plan, plan.epochs),
            resume=resume,
            anew=anew,
        )
        kept.of = identity(plan, cohort)
        if resume and finished(space, kept):
            console.print(f"  The training in {folder} is finished: nothing to resume.", highlight=False)
            kept.clear()
            return
        _train(space, plan, cohort, kept, resume=resume, seeds=seeds, folds=count)
        kept.clear()


def _train(
    space: Workspace, plan: Plan, cohort: Cohort, kept: Checkpoints, *, resume: bool, seeds: int, folds: int
) -> None:
    whole, kind = space.cohort(), "folds" if folds else "seeds"
    with stage_record(space, "train") as result:
        import torch

        with _told(space, kept, kind, folds or seeds):
            prepared, fitted, plan = _fit(space, plan, cohort, kept, resume=resume)
        with atomic_path(space.model / "weights.pt") as temporary:
            torch.save(fitted.network.state_dict(), temporary)
        _write_plan(space, plan, fitted)
        write_text(
            space.model / "fingerprint.json",
            (space.folder / "fingerprint.json").read_text(encoding="utf-8"),
        )
        write_json(space.model / "history.json", fitted.record())
        with _told(space, kept, kind, folds or seeds):
            of = _sha(kept.of)["asked_sha256"]
            if folds:
                further = train_further(
                    space,
                    range(1, folds),
                    lambda n: _fit(space, plan, fold_of(space, whole, folds, n), None, resume=False)[1],
                    kind="fold",
                    of=of,
                    resume=resume,
                )
            else:
                further = train_seeds(
                    space,
                    plan,
                    seeds,
                    lambda own: _fit(space, own, cohort, None, resume=False)[1],
                    of=of,
                    resume=resume,
                )
        result.update(
            weights_sha256=sha256_file(space.model / "weights.pt"),
            plan_sha256=sha256_file(space.model / "plan.json"),
            cohort_sha256=whole.digest(),
            torch=torch.__version__.split("+")[0],
            prepare_seconds=round(prepared, 1),
            **({kind: further} if further else {}),
            **_sha(kept.of),
            **fitted.record(),
        )
    for text in ended_in_words(fitted):
        console.print(f"  {text}", highlight=False)


@contextmanager
def _told(space: Workspace, kept: Checkpoints, kind: str, count: int) -> Iterator[None]:
    """Say how a training that is stopped goes on, and leave that it was in the ledger."""
    try:
        yield
    except StoppedError as error:
        space.ledger.append("pipeline.train.stopped", {"why": str(error), **_sha(kept.of)})
        same = ("--resume", f"--{kind}", str(count)) if count > 1 else ("--resume",)
        raise StoppedError(
            f"{error}; go on with {command('train', space.folder, *same)}",
            number=error.exit_code - 128,
        ) from None


def _sha(of: Any) -> dict[str, str]:
    return {"asked_sha256": sha256_bytes(canonical_json(dict(of)).encode())}


def _fit(
    space: Workspace, plan: Plan, cohort: Cohort, kept: Checkpoints | None, *, resume: bool
) -> tuple[float, Fitted, Plan]:
    """Prepare the cases and train; the seconds of the first, what came of the second, and by which of the plans."""
    from overread.pipeline.stages.roads import fit_roads

    return fit_roads(space, plan, cohort, kept, resume=resume)


def _help(space: Workspace, plan: Plan) -> None:
    """Take part as one of several processes; the first writes and speaks."""
    console.quiet = True
    try:
        _fit(space, plan, space.cohort(), None, resume=False)
    except StoppedError as error:
        raise SystemExit(error.exit_code) from None


def _write_plan(space: Workspace, plan: Plan, fitted: Fitted) -> None:
    """model/plan.json: the plan as it was trained by, which memory may have made smaller."""
    trained = plan.model_copy(update=fitted.changed)
    if trained == read_plan(space.plan_file):
        text = space.plan_file.read_text(encoding="utf-8")
    else:
        text = json.dumps(trained.model_dump(mode="json"), indent=2) + "\n"
    write_text(space.model / "plan.json", text)


def load_network(space: Workspace) -> tuple[nn.Module, Plan]:
    """The trained network and the plan it was trained by.

    Raises
    ------
    InputError
        Training has not run, or weights, plan, protocol or cohort are no longer those it ran with.
    """
    import torch

    weights = space.model / "weights.pt"
    if not weights.is_file():
        raise InputError(f"{weights}: no such file; run {command('train', space.folder)} first")
    plan = read_plan(space.model / "plan.json")
    check_trained(space, plan)
    network = _fresh(plan)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval(), plan


def load_further(space: Workspace, plan: Plan) -> list[tuple[int, nn.Module]]:
    """The networks of further seeds or folds, with their numbers. Raises InputError as `seeds.load_further`."""
    return [found for kind in ("seed", "fold") for found in load_more(space, lambda: _fresh(plan), kind=kind)]


def _fresh(plan: Plan) -> nn.Module:
    from overread.nets.networks import build

    return build(plan.network.name, plan.dimensions, len(plan.channels), plan.outputs, plan.network.arguments)


def check_trained(space: Workspace, plan: Plan) -> None:
    """Raise InputError unless weights, plan, protocol and cohort are the ones that training ran with."""
    record = space.record_of("train")["result"]
    again = f"train again: {command('train', space.folder)}"
    for name, key in (("weights.pt", "weights_sha256"), ("plan.json", "plan_sha256")):
        if sha256_file(space.model / name) != record[key]:
            raise InputError(
                f"{space.model / name}: is not what training wrote (see record/train.json); {again}"
            )
    protocol = space.protocol
    asked = (protocol.task, protocol.dimensions, protocol.labels, protocol.regions)
    channels = [c.name for c in protocol.channels]
    if (asked, channels) != ((plan.task, plan.dimensions, plan.labels, plan.regions), plan.inputs):
        raise InputError(
            f"{space.folder / 'protocol.yaml'}: task, dimensions, labels, regions or channels were changed after "
            f"training; plan and {again}"
        )
    if space.cohort().digest() != record["cohort_sha256"]:
        table = space.folder / "cohort.csv"
        raise InputError(
            f"{table}: cases, splits, or how protocol.yaml counts uncertain and missing findings, were changed after "
            f"training; plan and {again}"
        )
