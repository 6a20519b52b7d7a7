"""What the report says of the training: how it ended, what it can repeat, and what chose its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from overread.evaluate.metrics import METRICS, title

ENDED = {
    "schedule": "all that were planned",
    "clock": "the time given decided how many; {planned} were expected",
    "no better weights": "of {planned} planned; the tuning metric had stopped improving",
    "solved": "the head was solved for on frozen features",
}


def training_of(history: Mapping[str, Any]) -> dict[str, Any]:
    """The content of history.json for report.json, without its list of epochs."""
    return {k: v for k, v in history.items() if k != "history"}


def epochs_of(history: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The epochs of history.json for report.json: losses, and the metric by which weights were selected."""
    return [
        {
            "epoch": e["epoch"],
            "loss": e["loss"],
            "tuning_loss": e["validation_loss"],
            "metric": e.get("metric"),
        }
        for e in history["history"]
    ]


def selected_metric(training: Mapping[str, Any]) -> str | None:
    """Name of the metric on tuning cases that chose the weights; None where nothing did."""
    chosen = training.get("selected") or {}
    metric = METRICS.get(chosen.get("by") or "")
    return title(metric, chosen.get("label")) if metric else None


def training_rows(training: Mapping[str, Any], plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line about the training; none without a training."""
    if not training:
        return []
    planned = training.get("epochs_planned")
    ended = ENDED.get(training.get("ended_by", ""), "").format(planned=planned)
    precision = training.get("precision") or {}
    processes = training.get("processes", 1)
    rows = [
        ("Epochs done", f"{training.get('epochs')}" + (f": {ended}" if ended else "")),
        ("Repeats", _repeats(training, plan)),
        ("Weights kept", _kept(training)),
        ("Pretrained weights", _weights(training, plan)),
        *_roads(training.get("roads") or []),
        ("Computed on", f"{training.get('device')}" + (f", {processes} processes" if processes > 1 else "")),
        ("Numbers", precision.get("name")),
        ("Where the time went", _times(training.get("times") or {})),
    ]
    rows += [("Memory", f"{c['change']} from step {c['step']} on") for c in training.get("changes") or []]
    if training.get("resumed"):
        rows.append(("Resumed at step", ", ".join(map(str, training["resumed"]))))
    return [(name, str(value)) for name, value in rows if value]


def _repeats(training: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    if training.get("repeatable"):
        return f"yes, on the same machine, with seed {plan.get('seed')}"
    return "no: the number of epochs follows the clock"


def _kept(training: Mapping[str, Any]) -> str:
    chosen, name = training.get("selected") or {}, selected_metric(training)
    if name is None:
        return "averaged, after the last epoch"
    return (
        f"averaged, after epoch {chosen['epoch']}: the best by {name} ({chosen['value']:.3f}) on "
        f"{chosen['cases']} tuning cases"
    )


def _weights(training: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """What the network started from, with source and licence; empty where it started from chance."""
    transfer, start = plan.get("transfer"), training.get("start") or {}
    if not transfer:
        return ""
    origin = transfer.get("origin") or {}
    said = ", ".join(str(origin[k]) for k in ("learnt_on", "source") if origin.get(k))
    solved = f"; head solved on frozen features, C {start['c']:g}" if "c" in start else ""
    return f"{transfer['weights']} ({said}; licence {origin.get('licence', 'not stated')}){solved}"


def _roads(roads: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Every network that the tuning cases chose from, the best first."""
    rows = []
    for road in roads:
        text = f"{road['name']}: loss {road['loss']:.3f} on {road['cases']} tuning cases"
        if road["kept"]:
            text += "; kept, for it is the least"
        else:
            more, low, high = road["more"]
            text += f", {more:+.3f} (95% interval {low:+.3f} to {high:+.3f}) beside the one kept"
            text += "" if low > 0 else "; that may be chance"
        rows.append(("Road" if road["kept"] else "Other road", text))
    return rows


def _times(times: Mapping[str, float]) -> str:
    whole = times.get("elapsed") or 0.0
    shares = [
        (k, times[k] / whole) for k in ("stepping", "waiting", "tuning", "saving") if whole and k in times
    ]
    return ", ".join(f"{name} {share:.0%}" for name, share in shares if share >= 0.005)
