"""The model: what it is, how it was trained and chosen, on what."""

from __future__ import annotations

from collections.abc import Mapping

from overread.regulatory.finished import Finished
from overread.regulatory.found import Found, Ref


def model(run: Finished) -> Found:
    """Inputs, outputs, layers, thresholds."""
    m, network = run.manifest, run.report["plan"]["network"]
    inputs = ", ".join(f"{c.name} ({' or '.join(c.modality) or 'any modality'})" for c in m.channels)
    size = f", {network['parameters']:,} parameters" if network.get("parameters") else ""
    arguments = ", ".join(f"{k} {v}" for k, v in (network.get("arguments") or {}).items())
    said = [
        f"Input: {inputs}. Output: {m.task} of {', '.join(m.labels)}.",
        f"Network: {network['name']}{size} ({arguments}).",
        f"Package {m.name} {m.version}, SHA-256 {run.report['package']['sha256']}.",
    ]
    return Found(
        tuple(said) + thresholds(run).said,
        (*run.row("pipeline.package", "package"), Ref("plan", "report.json: plan")),
    )


def thresholds(run: Finished) -> Found:
    """Every cut-off, its rule, and that it was fixed before the test."""
    points = run.report.get("operating_points") or {}
    if not points:
        return Found(
            ("No cut-off: the answer itself decides (largest probability, label map or number).",),
            run.row("pipeline.lock", "lock"),
        )
    said = [
        f"Cut-off for {k}: {p['threshold']:.4g}, by {p['rule']} on tuning patients, before the test."
        for k, p in points.items()
    ]
    return Found(
        tuple(said),
        (
            *(Ref(f"cut-off {k}", f"operating_points/{k}/threshold") for k in points),
            *run.row("pipeline.lock", "lock"),
        ),
    )


def software(run: Finished) -> Found:
    """Libraries and machine of the test."""
    facts: Mapping[str, str] = run.report.get("environment") or run.report.get("versions") or {}
    names = {k: v for k, v in facts.items() if k != "code_sha256"}
    text = "; ".join(f"{k} {v}" for k, v in names.items()) + "."
    trained = (run.report.get("training") or {}).get("device")
    said = (text, f"Trained on: {trained}.") if trained else (text,)
    return Found(said, (*run.row("pipeline.test", "test"), *run.row("pipeline.train", "training")))


def initialisation(run: Finished) -> Found:
    """What the weights started from."""
    transfer = run.report["plan"].get("transfer")
    if not transfer:
        seed = run.report["plan"].get("seed", run.protocol.get("seed"))
        text = f"Weights started at random (seed {seed}); no pretrained weights."
    else:
        origin = transfer.get("origin") or {}
        text = (
            f"Weights started from {transfer['weights']} (learnt on {origin.get('learnt_on', 'not stated')}, source "
            f"{origin.get('source', 'not stated')}, licence {origin.get('licence', 'not stated')})."
        )
    return Found((text,), run.row("pipeline.train", "training"))


def training(run: Finished) -> Found:
    """Loss, rates, schedule, augmentation, when it stopped."""
    plan, done = run.report["plan"], run.report.get("training") or {}
    augment = {k: v for k, v in (plan.get("augment") or {}).items() if v not in (0, 0.0, [], {}, None)}
    said = [
        f"Loss {plan['loss']['name']}; learning rate {plan['learning_rate']:g}, weight decay {plan['weight_decay']:g}, "
        f"batches of {plan['batch']}.",
        f"Augmentation: {', '.join(f'{k} {v}' for k, v in augment.items()) or 'none'}.",
    ]
    if done:
        said.append(f"{done.get('epochs')} epochs; ended by {done.get('ended_by') or 'the schedule'}.")
    return Found(tuple(said), (*run.row("pipeline.train", "training"), Ref("plan", "report.json: plan")))


def selection(run: Finished) -> Found:
    """Which weights were kept, and by what."""
    done = run.report.get("training") or {}
    chosen = done.get("selected") or {}
    if chosen.get("by"):
        by, cases = chosen["by"], chosen["cases"]
        text = f"The weights with the best {by} on {cases} tuning cases were kept (epoch {chosen['epoch']})."
    else:
        text = "The averaged weights after the last epoch were kept; no tuning case chose them."
    roads = done.get("roads") or []
    more = (f"Of {len(roads)} plans the one with the least loss on tuning cases was kept.",) if roads else ()
    return Found((text, *more), run.row("pipeline.train", "training"))


def ensembling(run: Finished) -> Found:
    """How several networks were combined, or that there is one."""
    together = run.manifest.uncertainty.ensemble
    if together is None:
        return Found(("One network; nothing was combined.",), run.row("pipeline.package", "package"))
    return Found((f"Several networks answer together: {together}.",), run.row("pipeline.package", "package"))


def imbalance(run: Finished) -> Found:
    """What was done about rare classes."""
    plan = run.report["plan"]
    extra = plan["loss"].get("arguments") or {}
    text = f"Cases were drawn {plan['sampling']['name']}; loss {plan['loss']['name']}"
    text += (
        f" with {', '.join(f'{k} {v}' for k, v in extra.items())}." if extra else " without class weights."
    )
    return Found(
        (text, "Probabilities were calibrated on tuning patients afterwards."),
        run.row("pipeline.train", "training"),
    )


def prediction_code(run: Finished) -> Found:
    """What computed the predictions."""
    env = run.report.get("environment") or {}
    text = (
        f"overread {env.get('overread', '')} (code SHA-256 {env.get('code_sha256', 'not recorded')}), package "
        f"{run.report['package']['sha256']}, the same function that answers in the clinic."
    )
    return Found((text,), run.row("pipeline.test", "test"))


def bad_input(run: Finished) -> Found:
    """How poor or unavailable input is met."""
    limits = run.manifest.limits
    unstated = "answered with a note" if limits.unstated == "note" else "refused"
    answered = run.measured("answered")
    said = [
        "An image outside the package's limits (modality, size, spacing, grey values, likeness to training) gets a "
        f"coded reason and no score; an image that does not state a limited property is {unstated}."
    ]
    if answered is not None:
        said.append(
            f"In the test {answered['estimate']:.1%} were answered ({answered['low']:.1%} to {answered['high']:.1%}, "
            f"n = {answered['n']})."
        )
    return Found(tuple(said), (Ref("limits", "report.json: limits"), Ref("answered", "test/answered")))


def updating(run: Finished) -> Found:
    """Whether the model was changed after the evaluation."""
    tested = run.last("pipeline.test")
    later = [
        e
        for e in run.events
        if tested and e.seq > tested.seq and e.kind in ("pipeline.train", "pipeline.package")
    ]
    text = (
        "The model was not changed after the test."
        if not later
        else f"The model was made anew after the test (row {later[0].seq})."
    )
    return Found((text,), run.row("pipeline.test", "test"))


def availability(run: Finished) -> Found:
    """What exists, by hash; on which terms it can be had only people know."""
    digest = run.report["evidence"]["package file (sha256sum)"]
    text = f"Package {run.report['package']['path']} (file SHA-256 {digest}); overread is Apache-2.0."
    return Found(
        (text,),
        run.row("pipeline.package", "package"),
        "whether weights, data and predictions can be had, where and on which terms",
    )
