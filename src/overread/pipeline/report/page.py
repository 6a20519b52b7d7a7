"""report.html: one file with everything in it, for the radiologist and for the quality lead."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.evaluate.figures import Figure
from overread.evaluate.metrics import METRICS
from overread.files import write_text
from overread.imaging.picture import COLORS
from overread.ledger.figures import figure_id
from overread.pipeline.looks import Looks
from overread.pipeline.report.decision import decision_curves
from overread.pipeline.report.figures import draw
from overread.pipeline.report.flow import flow_svg
from overread.pipeline.report.forest import forest_svg, multiplicity
from overread.pipeline.report.plots import history_svg
from overread.pipeline.report.sureness import sureness_rows
from overread.pipeline.report.tables import finding_rows, limit_rows, plan_rows, threshold_rows
from overread.pipeline.report.training import selected_metric, training_rows
from overread.pipeline.report.words import (
    duration,
    interval,
    meanings,
    method_notes,
    metric_name,
    moment,
    number,
)
from overread.task import TASKS

FILE = "report.html"
HEADLINE = (
    "sensitivity",
    "specificity",
    "balanced_accuracy",
    "accuracy",
    "auroc",
    "dice",
    "false_finding",
    "lesion_sensitivity",
    "nsd",
    "precision",
    "false_positives_per_image",
    "average_precision",
)
"""Measures that may stand beside the primary one at the top of the page, in this order."""
BY_LABEL = (
    *("auroc", "average_precision", "dice", "nsd", "sensitivity", "specificity", "ppv", "npv"),
    *("precision", "false_positives_per_image", "false_finding", "lesion_sensitivity", "lesion_precision"),
)
"""Measures of each label that stand side by side in one table, in this order."""
MOST_CARDS = 4
FEW_PATIENTS = 30
"""Fewer than this in the primary measure, and the page warns."""
Key = tuple[str, str | None]


@dataclass(frozen=True)
class ReportFigures:
    """Figures as data, and the gallery: title, caption and PNG bytes of each picture."""

    figures: Sequence[Figure] = ()
    gallery: Sequence[tuple[str, str, bytes]] = ()


def write_report(folder: Path, report: dict[str, Any], figures: ReportFigures) -> Path:
    """Write ``folder/report.html`` from the content of report.json and the figures; return its path.

    The page holds its pictures and style, has no script and asks nothing of any network.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=moment, number=number, interval=interval, duration=duration)
    environment.globals.update(
        figure_id=figure_id, metric=lambda row: metric_name(row["metric"], row["label"])
    )
    page = environment.get_template(FILE).render(**context(report, figures))
    write_text(folder / FILE, page)
    return folder / FILE


def context(report: dict[str, Any], figures: ReportFigures) -> dict[str, Any]:
    """Everything the template shows, missing parts as None or empty."""
    test = list(report.get("test") or [])
    by_key: dict[Key, dict[str, Any]] = {(row["metric"], row["label"]): row for row in test}
    endpoints = list(report.get("endpoints") or [])
    stated = report.get("primary") or {}
    primary = by_key.get((stated.get("metric", ""), stated.get("label")))
    absent = list(report.get("not_computed") or [])
    asked = (stated.get("metric"), stated.get("label"))
    plan, training = report.get("plan") or {}, report.get("training") or {}
    return {
        "r": report,
        "subject": list(report.get("subject") or report.get("labels") or []),
        "protocol": report.get("protocol") or {},
        "package": dict.fromkeys(("path", "sha256", "name", "version")) | (report.get("package") or {}),
        "virtual": bool(report.get("virtual")),
        "primary": primary,
        "primary_unit": _unit(primary),
        "missing": next((row for row in absent if (row["metric"], row["label"]) == asked), None),
        "others": headline(test, primary),
        "by_label": by_label(test),
        "few": FEW_PATIENTS,
        "endpoints": endpoints,
        "goals_met": sum(bool(e["met"]) for e in endpoints),
        "openings": report.get("openings"),
        "exploratory": report.get("exploratory")
        or Looks(openings=report.get("openings") or 1).exploratory({}),
        "protocol_changes": report.get("protocol_changes") or [],
        "opened_in_training": report.get("opened_in_training") or 0,
        "metrics": [_metric_row(row) for row in test],
        "not_computed": absent,
        "subgroups": subgroup_tables(report, by_key),
        "gaps": report.get("subgroup_gaps") or [],
        "answered_by": report.get("answered_by") or [],
        "counted": report.get("counted") or {},
        "unanswered": report.get("unanswered") or "wrong",
        "beside": report.get("beside") or [],
        "find": lambda row: by_key.get((row["metric"], row["label"])),
        "copies": report.get("without_copies"),
        "table_one": report.get("table_one") or [],
        "earlier_goals": report.get("earlier_goals") or [],
        "proposed": sum(bool(e.get("proposed")) for e in endpoints),
        "notes": report.get("calibration_notes") or {},
        "seeds": report.get("seeds") or {},
        "sureness": sureness_rows(report.get("uncertainty") or {}),
        "legend": legend(report),
        "figures": [draw(figure) for figure in figures.figures],
        "flow": flow_svg(report["flow"]) if report.get("flow") else None,
        "population": report.get("population") or [],
        "design": report.get("design") or {},
        "readings": report.get("readings") or {},
        "signatures": report.get("signatures") or [],
        "decisions": [d for d in report.get("decisions") or [] if d.get("decision")],
        "deviations": report.get("deviations") or [],
        "decision": decision_curves(report.get("decision") or []),
        "failures": report.get("failures") or [],
        "gallery": _gallery(figures.gallery),
        "cases": report.get("cases") or {},
        "findings": finding_rows((report.get("check") or {}).get("findings", [])),
        "checked": bool(report.get("check")),
        "plan": plan_rows(plan) if plan else [],
        "reasons": plan.get("reasons") or [],
        "limits": limit_rows(report.get("limits") or {}),
        "thresholds": threshold_rows(report.get("operating_points") or {}),
        "evidence": report.get("evidence") or {},
        "seconds": report.get("seconds") or {},
        "versions": report.get("versions") or {},
        "history": history_svg(report["history"], selected_metric(training))
        if report.get("history")
        else None,
        "training": training_rows(training, plan),
        "weights_by": selected_metric(training),
        "meanings": meanings(row["metric"] for row in test),
        "methods": method_notes(str(row.get("method", "")) for row in test),
        "uri": data_uri,
    }


def _unit(row: dict[str, Any] | None) -> str:
    """The unit of a measure that is no share, whose number says nothing without it."""
    if row is None or row["metric"] not in METRICS or METRICS[row["metric"]].share:
        return ""
    return str(row["unit"])


def headline(test: Sequence[dict[str, Any]], primary: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Up to four more measures for the top of the page: those of everything; of many labels the lowest and the highest.

    Which labels stand at the top must not hang on their order.
    """
    of_all = [
        r
        for name in HEADLINE
        for r in test
        if r["metric"] == name and r["label"] is None and r is not primary
    ]
    found = of_all[:MOST_CARDS]
    for name in HEADLINE:
        rows = [r for r in test if r["metric"] == name and r["label"] is not None and r is not primary]
        if len(rows) == 1 and primary is not None and primary["metric"] == name:
            continue  # of a single label the mean over labels says the same
        if len(rows) <= 2:
            found += rows[: MOST_CARDS - len(found)]
        elif len(found) <= MOST_CARDS - 2:
            ranked = sorted(rows, key=lambda r: r["estimate"])
            ends = (("lowest of", ranked[0]), ("highest of", ranked[-1]))
            found += [{**r, "which": f"{word} {len(rows)}"} for word, r in ends]
    return found[:MOST_CARDS]


def by_label(test: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """One table of the measures of each label; None of fewer than two labels or measures."""
    labels = list(dict.fromkeys(r["label"] for r in test if r["label"] is not None))
    cells = {(r["metric"], r["label"]): r for r in test}
    keys = [k for k in BY_LABEL if sum((k, label) in cells for label in labels) > 1]
    if len(labels) < 2 or len(keys) < 2:
        return None
    rows = [(label, [cells.get((k, label)) for k in keys]) for label in labels]
    return {"columns": [metric_name(k, None) for k in keys], "rows": rows}


def legend(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and colour, as CSS has it, of what pictures show by colour; empty for tasks that say nothing of where."""
    facts = TASKS.get(report.get("task", ""))
    if facts is None or not facts.local:
        return []
    labels = list(report.get("labels") or [])[1 if facts.background else 0 :]
    return [(label, "#{:02x}{:02x}{:02x}".format(*COLORS[k % len(COLORS)])) for k, label in enumerate(labels)]


def _metric_row(row: dict[str, Any]) -> dict[str, Any]:
    metric = METRICS.get(row["metric"])
    share = metric is not None and metric.share
    bar = {k: 100 * min(1.0, max(0.0, row[k])) for k in ("low", "estimate", "high")}
    return {**row, "bar": bar if share else None}


def subgroup_tables(report: dict[str, Any], by_key: dict[Key, dict[str, Any]]) -> list[dict[str, Any]]:
    """A table for each measure that is shown by group, the primary one first, each with its own axis."""
    tables: dict[Key, list[dict[str, Any]]] = {}
    for row in report.get("subgroups") or []:
        tables.setdefault((row["metric"], row["label"]), []).append(row)
    lost: dict[Key, list[dict[str, Any]]] = {}
    for row in report.get("subgroups_not_computed") or []:
        lost.setdefault((row["metric"], row["label"]), []).append(row)
    keys = dict.fromkeys([*tables, *lost])
    return [_subgroup_table(key, tables.get(key, []), by_key.get(key), lost.get(key, [])) for key in keys]


def _subgroup_table(
    key: Key,
    rows: Sequence[dict[str, Any]],
    overall: dict[str, Any] | None,
    lost: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    whole = [row[k] for row in rows for k in ("low", "high")] + ([overall["estimate"]] if overall else [])
    low, high = min(whole, default=0.0), max(whole, default=1.0)
    room = 0.04 * (high - low) or 0.05
    low, high = low - room, high + room

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    return {
        "metric": key[0],
        "label": key[1],
        "rows": [{**row, "bar": {k: place(row[k]) for k in ("low", "estimate", "high")}} for row in rows],
        "overall": {**overall, "place": place(overall["estimate"])} if overall else None,
        "axis": (low + room, high - room),
        "forest": forest_svg(rows, overall, metric_name(*key)) if len(rows) > 1 else None,
        "multiplicity": multiplicity(rows) if rows else "",
        "lost": lost,
    }


def _gallery(pictures: Sequence[tuple[str, str, bytes]]) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for title, caption, png in pictures:
        groups.setdefault(title, []).append({"caption": caption, "source": data_uri(png)})
    return groups


def data_uri(content: str | bytes) -> str:
    """SVG text or PNG bytes as they stand in a page."""
    kind, data = ("svg+xml", content.encode()) if isinstance(content, str) else ("png", content)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
