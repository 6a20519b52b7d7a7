"""What becomes of a training that did not end: it goes on, is dropped, or is refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overread.cohort.cohort import Cohort
from overread.commands import command
from overread.errors import InputError
from overread.files import canonical_json, sha256_bytes, sha256_file
from overread.pipeline.workspace import Workspace, console

if TYPE_CHECKING:
    from overread.learn.checkpoint import Checkpoints
    from overread.learn.plan import Plan


def identity(plan: Plan, cohort: Cohort) -> dict[str, Any]:
    """What a checkpoint must have in common with the training that goes on from it."""
    return {"plan": plan.model_dump(mode="json"), "cohort": cohort.digest()}


def begun(
    space: Workspace,
    plan: Plan,
    cohort: Cohort,
    kept: Checkpoints,
    *,
    exact: Plan,
    resume: bool,
    anew: bool,
) -> Plan:
    """The plan to train by, once it is clear what becomes of checkpoints that lie there.

    ``exact`` is the plan as `--exact` makes it: a run that repeats goes on so, also where that is not said again.

    Raises InputError where they belong to another training, or to this one and nothing is said of them.
    """
    from overread.learn.checkpoint import checkpoints

    lying = checkpoints(kept.folder)
    if not lying:
        if resume and not (space.model / "history.json").is_file():
            console.print("  No checkpoint yet: the training begins at its first step.", highlight=False)
        return plan
    last = lying[0]
    same = next((p for p in (plan, exact) if identity(p, cohort) == last.of), None)
    at = f"step {last.step} of {last.steps_planned}, saved {last.saved}"
    if resume:
        if same is None:
            raise InputError(
                f"{space.folder}: the training that stopped at {at} cannot go on: "
                f"{_differences(plan, cohort, last.of)}. Take that back, or begin anew with "
                f"{command('train', space.folder, '--anew')}"
            )
        return same
    if same is not None and not anew:
        raise InputError(
            f"{space.folder}: a training stopped here at {at}; go on with "
            f"{command('train', space.folder, '--resume')}, or begin anew with --anew"
        )
    console.print(f"  The unfinished training ({at}) is dropped.", highlight=False)
    kept.clear()
    return plan


def _differences(plan: Plan, cohort: Cohort, before: dict[str, Any]) -> str:
    """What changed since the checkpoint, key by key."""
    now, then = plan.model_dump(mode="json"), before.get("plan", {})
    said = [
        f"plan.json: {key}: found {now.get(key)!r}, the training began with {then.get(key)!r}"
        for key in {**then, **now}
        if now.get(key) != then.get(key)
    ]
    if cohort.digest() != before.get("cohort"):
        said.append("cohort.csv: cases, splits or truths are not those it began with")
    return "; ".join(said)


def finished(space: Workspace, kept: Checkpoints) -> bool:
    """Whether the last training that ended is the one to be resumed."""
    record = space.folder / "record" / "train.json"
    if not record.is_file() or not (space.model / "weights.pt").is_file():
        return False
    result = space.record_of("train")["result"]
    asked = sha256_bytes(canonical_json(dict(kept.of)).encode())
    return bool(
        result.get("asked_sha256") == asked
        and sha256_file(space.model / "weights.pt") == result["weights_sha256"]
    )
