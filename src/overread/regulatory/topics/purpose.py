"""Title, abstract, purpose, goals: what the work is for and what it set out to show."""

from __future__ import annotations

from overread.evaluate.metrics import METRICS, title
from overread.ledger.figures import figure_id
from overread.regulatory.finished import Finished, record_of
from overread.regulatory.found import Found, Ref
from overread.regulatory.topics.topic import listed, name_of, with_interval

EMPTY_USE = (
    "intended_use in protocol.yaml is empty: which patients, which images, for what purpose, used by whom"
)


def design_word(run: Finished) -> str:
    """The task with its labels: ``classification of normal and pneumonia``."""
    return f"{run.report['task']} of {listed(list(run.report['labels']))}"


def naming(run: Finished) -> Found:
    """A title that says that it is an AI study, of which kind, and its measure."""
    primary = run.report["primary"]
    measure = title(METRICS[primary["metric"]], primary["label"])
    network = run.report["plan"]["network"]["name"]
    text = (
        f"A deep-learning model ({network}) for {design_word(run)}: development and test on held-out patients, judged "
        f"by {measure[:1].lower() + measure[1:]}"
    )
    return Found(
        (text,), (Ref("plan", "report.json: plan/network"), Ref("first measure", "report.json: primary"))
    )


def summary(run: Finished) -> Found:
    """Aim, patients, method and result in four sentences."""
    r, cases = run.report, run.report["cases"]
    row = run.measured(r["primary"]["metric"], r["primary"]["label"])
    use = str(run.protocol.get("intended_use") or "").strip()
    said = [f"Aim: {use}"] if use else []
    said.append(
        f"Patients: {cases['train']['patients']:,} for training, {cases['val']['patients']:,} for tuning and "
        f"{cases['test']['patients']:,} for the test, divided by patient."
    )
    said.append(
        f"Method: {design_word(run)} by {r['plan']['network']['name']}; thresholds fixed before the test."
    )
    if row is not None:
        said.append(f"Result: {with_interval(dict(row))}.")
    refs = (Ref("patients", "cases/test/patients"), Ref("result", figure_id("test", row or r["primary"])))
    return Found(tuple(said), refs, "" if use else EMPTY_USE)


def intended_use(run: Finished) -> Found:
    """The sentence of the protocol, and for whom the package refuses to answer."""
    use = str(run.protocol.get("intended_use") or "").strip()
    on = (
        *run.row("pipeline.lock", "protocol fixed by the lock"),
        Ref("protocol", "protocol.yaml: intended_use"),
    )
    return Found((use,), on) if use else Found(on=on, lacking=EMPTY_USE)


def goals(run: Finished) -> Found:
    """Every goal, how it is judged, and whether a person chose it."""
    rows = list(run.report.get("endpoints") or [])
    on = (
        *run.row("pipeline.lock", "goals fixed by the lock"),
        *(Ref(name_of(e), figure_id("endpoints", e)) for e in rows),
    )
    if not rows:
        return Found(("No goal was fixed before the test: the work is descriptive.",), on)
    said = []
    for e in rows:
        side = {"estimate": "point estimate", "low": "lower limit", "high": "upper limit"}[e["judged_on"]]
        said.append(
            f"Goal: {name_of(e)} {e.get('direction', 'at least')} {e['goal']:g}, judged on the {side}."
        )
    tested = record_of(run, "lock").get("sample_size") or []
    said += [f"{r['hypothesis']} {r['test']}" for r in tested if r.get("hypothesis")]
    proposed = sum(bool(e.get("proposed")) for e in rows)
    lacking = (
        f"{proposed} of {len(rows)} goals were proposed by a program: a person must choose or confirm them"
    )
    return Found(tuple(said), on, lacking if proposed else "")


def kind(run: Finished) -> Found:
    """What kind of work it is."""
    n = len(run.report.get("endpoints") or [])
    aim = (
        f"against {n} performance {'goal' if n == 1 else 'goals'} fixed beforehand" if n else "without a goal"
    )
    text = f"Development of a model and its test on held-out patients {aim}; no comparison with readers."
    return Found((text,), run.row("pipeline.lock", "lock"))


def timing(run: Finished) -> Found:
    """Whether images were there before the study was planned: the ledger has both times."""
    checked, locked = run.last("pipeline.check"), run.last("pipeline.lock")
    if checked is None or locked is None:
        return Found()
    text = (
        f"Retrospective: all images were there and hashed on {checked.time[:10]}, before protocol and package were "
        f"fixed on {locked.time[:10]} ({checked.time[11:16]} and {locked.time[11:16]} UTC)."
    )
    return Found((text,), (*run.row("pipeline.check", "check"), *run.row("pipeline.lock", "lock")))


def protocol_access(run: Finished) -> Found:
    """Where the protocol is, and the hash by which anybody can know it."""
    digest = run.report["evidence"]["protocol.yaml (sha256sum)"]
    text = f"protocol.yaml, kept beside the report and under its SHA-256 in artefacts/: {digest}."
    return Found((text,), run.row("pipeline.lock", "lock"))
