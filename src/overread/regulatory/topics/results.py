"""How it was measured, and what came out."""

from __future__ import annotations

import csv
from collections import Counter

from overread.evaluate.metrics import METRICS
from overread.ledger.figures import figure_id
from overread.regulatory.finished import Finished, check_of, record_of
from overread.regulatory.found import Found, Ref
from overread.regulatory.topics.topic import figure, name_of, with_interval

FEW = 30
"""Fewer patients than this behind the first measure are a limitation by themselves."""


def metrics(run: Finished) -> Found:
    """What is measured, in words."""
    keys = list(dict.fromkeys(row["metric"] for row in run.report["test"]))
    said = [f"{METRICS[k].name}: {METRICS[k].meaning}" for k in keys if k in METRICS]
    return Found(tuple(said), run.row("pipeline.lock", "goals and rules fixed by the lock"))


def uncertainty(run: Finished) -> Found:
    """How intervals were made; many groups; several images of a patient."""
    methods = list(dict.fromkeys(str(r["method"]) for r in run.report["test"]))
    cases = run.report["cases"]["test"]
    cluster = (
        "Patients have several images: intervals are of patients."
        if cases["images"] > cases["patients"]
        else "Every patient has one image."
    )
    goals = len(run.report.get("endpoints") or [])
    many = (
        f"All {goals} goals must hold together, which needs no correction."
        if goals > 1
        else ("One goal: no multiplicity." if goals else "No goal: nothing was tested.")
    )
    return Found(
        (f"95% intervals by these methods: {'; '.join(methods)}.", cluster, many),
        tuple(figure(dict(r)) for r in run.report["test"]),
    )


def robustness(run: Finished) -> Found:
    """Sensitivity analyses that were done: refused cases counted both ways, copies left out, seeds."""
    said, on = [], []
    beside = run.report.get("beside") or []
    if beside:
        ways = (
            ["wrong", "left out"]
            if run.report.get("unanswered", "wrong") == "wrong"
            else ["left out", "wrong"]
        )
        own, other = run.measured(beside[0]["metric"], beside[0]["label"]), beside[0]
        if own is not None:
            said.append(
                f"Refused cases counted as {ways[0]}: {with_interval(dict(own))}; {ways[1]}: {with_interval(other)}."
            )
            on += [figure(dict(own)), Ref("the other way", figure_id("beside", other))]
    copies = run.report.get("without_copies")
    if copies and copies.get("row"):
        said.append(
            f"Without test images that have a copy elsewhere ({copies['images']}): {with_interval(copies['row'])}."
        )
        on.append(Ref("without copies", "without_copies"))
    seeds = run.report.get("seeds") or {}
    if seeds:
        said.append(f"Trained by {seeds['count']} seeds; the spread stands in the report.")
    return Found(tuple(said), tuple(on), "" if said else "stress tests or sensitivity analyses")


def explanations(run: Finished) -> Found:
    """Maps that were drawn, and that they were not validated."""
    told = record_of(run, "explain")
    if not told:
        return Found(lacking="whether and how outputs are explained (overread explain)")
    n, method = len(told.get("pictures") or []), told.get("method") or "class activation maps"
    text = f"{n} {'picture' if n == 1 else 'pictures'} by {method}, for orientation."
    return Found(
        (text, "No reader judged the maps; they prove no mechanism."),
        run.row("pipeline.explain", "explanations"),
    )


def internal_test(run: Finished) -> Found:
    """The held-out patients of the same table."""
    opened = run.last("pipeline.opened")
    when = f" on {opened.time[:10]}" if opened else ""
    times = run.report.get("openings") or 1
    n, often = run.report["cases"]["test"]["patients"], "once" if times == 1 else f"{times} times"
    text = f"{n:,} held-out patients, opened {often}{when}."
    return Found((text, *accuracy(run).said[:1]), run.row("pipeline.test", "test"))


def external_test(run: Finished) -> Found:
    """Where the protocol says that the test is of other places or times."""
    design = (run.report.get("design") or {}).get("kind", "")
    if design not in ("external", "leave_site_out", "temporal"):
        return Found(lacking="performance on data of other origin; none is recorded")
    return Found(
        (f"Design: {design.replace('_', ' ')}; {run.report['design'].get('said', '')}",),
        run.row("pipeline.test", "test"),
    )


def accuracy(run: Finished) -> Found:
    """Every measure of the test with its interval."""
    rows = [dict(r) for r in run.report["test"]]
    first = run.report["primary"]
    rows.sort(key=lambda r: (r["metric"], r["label"]) != (first["metric"], first["label"]))
    return Found(tuple(f"{with_interval(r)}." for r in rows), tuple(figure(r) for r in rows))


def partition_results(run: Finished) -> Found:
    """Test with intervals; of tuning what chose weights and thresholds, which is apparent."""
    said = list(accuracy(run).said[:1])
    chosen = (run.report.get("training") or {}).get("selected") or {}
    if chosen.get("by") and chosen.get("value") is not None:
        said.append(
            f"Tuning, apparent (it chose the weights): {chosen['by']} {chosen['value']:.3f} on {chosen['cases']} cases."
        )
    for label, point in (run.report.get("operating_points") or {}).items():
        for key, f in (point.get("figures") or {}).items():
            if isinstance(f, dict) and key.startswith("apparent_"):
                name = key.removeprefix("apparent_").replace("_", " ")
                said.append(
                    f"Tuning, apparent: {name} of {label} {f['estimate']:.3f} ({f['low']:.3f} to {f['high']:.3f})."
                )
    return Found(tuple(said), accuracy(run).on[:1])


def cross_table(run: Finished) -> Found:
    """Counts of true and decided classes, from predictions.csv; other tasks by their measures."""
    path = run.folder / "predictions.csv"
    with path.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    if rows and {"label", "decided"} <= rows[0].keys():
        counts = Counter((r["label"], r["decided"] or "no answer") for r in rows)
        said = tuple(f"True {true}, answered {told}: {n:,}." for (true, told), n in sorted(counts.items()))
    else:
        said = tuple(f"{with_interval(dict(r))}." for r in run.report["test"][:6])
    return Found(
        said, (Ref("predictions", f"predictions.csv, SHA-256 {run.report['evidence']['predictions']}"),)
    )


def subgroups(run: Finished) -> Found:
    """Groups, planned in the protocol."""
    rows = [dict(r) for r in run.report.get("subgroups") or []]
    if not rows:
        planned = list(run.protocol.get("subgroups") or [])
        text = (
            "No subgroup was planned."
            if not planned
            else f"Planned: {', '.join(planned)}; none could be computed."
        )
        return Found(
            (text,),
            run.row("pipeline.lock", "lock"),
            "how results differ between groups of patients (age, sex, site)",
        )
    said = tuple(f"{r['attribute']} {r['group']}: {with_interval(r)}." for r in rows)
    return Found(said, tuple(Ref(f"{r['attribute']} {r['group']}", figure_id("subgroups", r)) for r in rows))


def fairness(run: Finished) -> Found:
    """Largest gaps, with simultaneous limits."""
    gaps = run.report.get("subgroup_gaps") or []
    said = tuple(
        f"{g['attribute']}: largest gap of {name_of(g)} {g['gap']['estimate']:.3f} ({g['gap']['low']:.3f} to "
        f"{g['gap']['high']:.3f}; {g['highest']} against {g['lowest']}, limits for all pairs together)."
        for g in gaps
    )
    lacking = (
        ""
        if said
        else "a comparison of groups of patients; the protocol names no subgroups that could be compared"
    )
    return Found(said, tuple(Ref(g["attribute"], figure_id("subgroup_gaps", g)) for g in gaps), lacking)


def by_site(run: Finished) -> Found:
    """Results by site, where the protocol names it."""
    rows = [dict(r) for r in run.report.get("subgroups") or [] if r["attribute"] in ("site", "scanner")]
    said = tuple(f"{r['group']}: {with_interval(r)}." for r in rows)
    return Found(
        said,
        tuple(Ref(r["group"], figure_id("subgroups", r)) for r in rows),
        "" if said else "results by site or scanner",
    )


def failures(run: Finished) -> Found:
    """Wrong cases by kind of error."""
    kinds = run.report.get("failures") or []
    if kinds:
        said = tuple(
            f"{k['kind']}: {k['cases']:,} of {k['of']:,} ({k['share']:.1%}); such as {', '.join(k['examples'][:3])}."
            for k in kinds
        )
        return Found(said, tuple(Ref(k["kind"], f"failures/{k['kind']}") for k in kinds))
    table = [t for t in cross_table(run).said if t.startswith("True") and not _right(t)]
    said = tuple(table) or ("No wrong case.",)
    return Found(said, (Ref("pictures", "report.html#pictures"), *cross_table(run).on))


def _right(text: str) -> bool:
    true, _, told = text.removeprefix("True ").partition(", answered ")
    return told.startswith(f"{true}:")


def limitations(run: Finished) -> Found:
    """What evidence itself shows of weaknesses; people add the rest."""
    said = []
    n = run.report["cases"]["test"]["patients"]
    if n < FEW:
        said.append(f"The test rests on {n} patients.")
    if not run.report.get("subgroups"):
        said.append("No subgroup was looked at: nothing is known of differences between patients.")
    if (run.report.get("design") or {}).get("kind", "") not in ("external", "leave_site_out", "temporal"):
        said.append(
            "Test patients come from the same table as training patients: performance elsewhere may be lower."
        )
    warned = [
        f
        for f in check_of(run).get("findings") or []
        if isinstance(f, dict) and f.get("severity") == "warning"
    ]
    said += [f"Cohort check: {f['message']}" for f in warned]
    said += run.exploratory
    if run.virtual:
        said.append("All patients are virtual: nothing here is about real ones.")
    return Found(
        tuple(said),
        run.row("pipeline.check", "check"),
        "what the numbers do not show, in the author's judgement",
    )


def audit(run: Finished) -> Found:
    """What is kept of every answer."""
    text = (
        f"Every stage and every answer in the clinic is a row of a hash-chained ledger ({len(run.events)} rows here, "
        f"head {run.events[-1].hash[:12]}); overread ledger verify recomputes it."
    )
    return Found((text,), run.row("pipeline.test", "test"))


def changes(run: Finished) -> Found:
    """What changed after the lock or an earlier look: signed deviations, and what the protocol says otherwise."""
    told = list(run.report.get("protocol_changes") or [])
    told += [f"Deviation of {d['time'][:10]}: {d['reason']}" for d in run.report.get("deviations") or []]
    none = (
        "The protocol was not changed after the test patients were opened, and nobody recorded a deviation."
    )
    return Found(tuple(told) or (none,), run.row("pipeline.opened", "opening"))


def monitoring(run: Finished) -> Found:
    """Limits for the time in use, as the package carries them."""
    rows = run.manifest.model_card.get("monitoring") or []
    said = tuple(f"{str(r['says']).rstrip('.')}." for r in rows)
    lacking = "" if said else "how performance is watched in use, with which limits, and who acts on an alarm"
    return Found(said, run.row("pipeline.package", "package"), lacking)
