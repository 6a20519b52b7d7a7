"""report.html: one file with everything in it, for the radiologist and for the quality lead."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.files import write_text
from overread.pipeline.report.words import (
    duration,
    interval,
    meanings,
    method_notes,
    metric_base,
    metric_name,
    moment,
    number,
)

FILE = "report.html"
WORST = 5
PLOTS = ("roc", "reliability", "confusion", "scores", "dice", "history")
FRACTIONS = {
    *("auroc", "auroc_macro", "sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy"),
    *("brier", "ece", "dice", "iou", "lesion_sensitivity", "lesion_precision", "lesion_f1", "answered"),
}


@dataclass(frozen=True)
class ReportFigures:
    """Arrays and pictures for the figures; what is missing is left out of the page.

    Attributes
    ----------
    y
        Classification: ``(n,)`` index of the true label.
    probability
        Classification: ``(n, labels)`` calibrated probabilities.
    per_case
        Segmentation: one dict per case, ``case`` and the Dice of each structure.
    gallery
        Title, caption and PNG bytes of each picture; pictures of one title stand together.
    """

    y: NDArray[np.integer] | None = None
    probability: NDArray[np.floating] | None = None
    per_case: Sequence[dict[str, Any]] = ()
    gallery: Sequence[tuple[str, str, bytes]] = field(default=())


def write_report(folder: Path, report: dict[str, Any], figures: ReportFigures) -> Path:
    """Write ``folder/report.html`` from the content of report.json and the figures' arrays; return its path.

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
    environment.filters.update(
        moment=moment, number=number, interval=interval, duration=duration, metric=metric_name
    )
    page = environment.get_template(FILE).render(**context(report, figures))
    write_text(folder / FILE, page)
    return folder / FILE


def context(report: dict[str, Any], figures: ReportFigures) -> dict[str, Any]:
    """Everything the template shows, missing parts as None or empty."""
    test = report.get("test") or {}
    endpoints = list(report.get("endpoints") or [])
    protocol, plan = report.get("protocol") or {}, report.get("plan") or {}
    primary = report.get("primary") or (endpoints[0]["metric"] if endpoints else next(iter(test), None))
    return {
        "r": report,
        "subject": list(report.get("labels") or [])[1 if report.get("task") == "segmentation" else 0 :],
        "protocol": protocol,
        "package": dict.fromkeys(("path", "sha256", "name", "version")) | (report.get("package") or {}),
        "virtual": bool(report.get("virtual")),
        "primary": {"key": primary, **test[primary]} if primary in test else None,
        "others": [{"key": key, **test[key]} for key in _headline(test) if key != primary],
        "endpoints": endpoints,
        "goals_met": sum(bool(e["met"]) for e in endpoints),
        "openings": report.get("openings"),
        "metrics": [_metric_row(key, row) for key, row in test.items()],
        "subgroups": _subgroups(report, test),
        "plots": _plots(report, figures),
        "worst": _worst(figures.per_case),
        "structures": [key for key in figures.per_case[0] if key != "case"] if figures.per_case else [],
        "gallery": _gallery(figures.gallery),
        "cases": report.get("cases") or {},
        "findings": [_finding(f) for f in (report.get("check") or {}).get("findings", [])],
        "checked": bool(report.get("check")),
        "plan": _plan_rows(plan),
        "reasons": plan.get("reasons") or [],
        "limits": _limit_rows(report.get("limits") or {}),
        "operating_point": report.get("operating_point"),
        "evidence": report.get("evidence") or {},
        "seconds": report.get("seconds") or {},
        "versions": report.get("versions") or {},
        "meanings": meanings(test),
        "methods": method_notes(str(row.get("method", "")) for row in test.values()),
    }


def _headline(test: dict[str, Any]) -> list[str]:
    """Up to four more measures for the top of the page."""
    wanted = (
        "sensitivity",
        "specificity",
        "balanced_accuracy",
        "accuracy",
        "dice",
        "lesion_sensitivity",
        "hd95",
    )
    keys = [key for name in wanted for key in test if metric_base(key) == name]
    return keys[:4]


def _metric_row(key: str, row: dict[str, Any]) -> dict[str, Any]:
    bar = {k: 100 * min(1.0, max(0.0, row[k])) for k in ("low", "estimate", "high")}
    return {**row, "key": key, "bar": bar if metric_base(key) in FRACTIONS else None}


def _subgroups(report: dict[str, Any], test: dict[str, Any]) -> dict[str, Any] | None:
    rows = list(report.get("subgroups") or [])
    if not rows:
        return None
    overall = test.get(rows[0]["metric"])
    whole = [row[k] for row in rows for k in ("low", "high")] + ([overall["estimate"]] if overall else [])
    low, high = min(whole), max(whole)
    room = 0.04 * (high - low) or 0.05
    low, high = low - room, high + room

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    return {
        "metric": rows[0]["metric"],
        "rows": [{**row, "bar": {k: place(row[k]) for k in ("low", "estimate", "high")}} for row in rows],
        "overall": {**overall, "place": place(overall["estimate"])} if overall else None,
        "axis": (low + room, high - room),
    }


def _plots(report: dict[str, Any], figures: ReportFigures) -> dict[str, str | None]:
    from overread.pipeline.report import plots

    out: dict[str, str | None] = dict.fromkeys(PLOTS)
    test, labels = report.get("test") or {}, list(report.get("labels") or [])
    if figures.y is not None and figures.probability is not None and len(figures.y):
        y, p, positive = figures.y, figures.probability, report.get("positive")
        binary = positive is not None and len(labels) == 2
        point = report.get("operating_point") or {}
        threshold = point.get("threshold")
        areas = {label: test[f"auroc_{label}"] for label in labels if f"auroc_{label}" in test}
        decided = p.argmax(axis=1)
        if binary:
            k = labels.index(str(positive))
            if "auroc" in test:
                areas[str(positive)] = test["auroc"]
            if threshold is not None:
                decided = np.where(p[:, k] >= threshold, k, 1 - k)
            outcome, probability, subject = y == k, p[:, k], f"probability of {positive}"
        else:
            outcome, probability, subject = (
                p.argmax(axis=1) == y,
                p.max(axis=1),
                "highest probability (observed: it was right)",
            )
        if binary:
            out["scores"] = _data_uri(plots.scores_svg(y, probability, labels, subject, threshold))
        if len(np.unique(y)) > 1:
            out["roc"] = _data_uri(
                plots.roc_svg(y, p, labels, positive if binary else None, areas, threshold)
            )
        out["reliability"] = _data_uri(plots.reliability_svg(outcome, probability, subject))
        out["confusion"] = _data_uri(plots.confusion_svg(y, decided, labels))
    if figures.per_case:
        structures = [key for key in figures.per_case[0] if key != "case"]
        means = {s: test[f"dice_{s}"] for s in structures if f"dice_{s}" in test}
        out["dice"] = _data_uri(plots.dice_svg(figures.per_case, means))
    if report.get("history"):
        out["history"] = _data_uri(plots.history_svg(report["history"]))
    return out


def _worst(per_case: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases of lowest mean Dice, worst first."""
    rows = [{"case": c["case"], "values": [float(v) for k, v in c.items() if k != "case"]} for c in per_case]
    ranked = sorted(rows, key=lambda row: float(np.mean(row["values"])))
    return [{**row, "mean": float(np.mean(row["values"]))} for row in ranked[:WORST]]


def _gallery(pictures: Sequence[tuple[str, str, bytes]]) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for title, caption, png in pictures:
        groups.setdefault(title, []).append({"caption": caption, "source": _data_uri(png)})
    return groups


def _finding(finding: Any) -> dict[str, str]:
    if not isinstance(finding, dict):
        return {"severity": "", "text": str(finding)}
    severity = (
        finding.get("severity") or finding.get("level") or ("blocking" if finding.get("blocking") else "")
    )
    return {"severity": str(severity), "text": str(finding.get("message") or finding.get("text") or finding)}


def _plan_rows(plan: dict[str, Any]) -> list[tuple[str, str]]:
    network, preprocess = plan.get("network") or {}, plan.get("preprocess") or {}
    arguments = ", ".join(f"{k} {_plain(v)}" for k, v in (network.get("arguments") or {}).items())
    parameters = network.get("parameters")
    rows = [
        ("Network", network.get("name")),
        ("Arguments", arguments),
        ("Parameters", f"{parameters:,}" if parameters else None),
        ("Input channels", _plain(plan.get("channels"))),
        (
            "Voxel spacing",
            f"{_plain(preprocess['spacing'], ' × ')} mm" if preprocess.get("spacing") else None,
        ),
        ("Image size", f"{_plain(preprocess['size'], ' × ')} voxels" if preprocess.get("size") else None),
        ("Patch", f"{_plain(plan['patch'], ' × ')} voxels" if plan.get("patch") else None),
        ("Batch", plan.get("batch")),
        ("Epochs", plan.get("epochs")),
        ("Steps per epoch", plan.get("steps_per_epoch")),
        ("Learning rate", plan.get("learning_rate")),
        ("Seed", plan.get("seed")),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "", [])]


def _limit_rows(limits: dict[str, Any]) -> list[tuple[str, str]]:
    names = {
        "modality": "Modality",
        "body_part": "Body part",
        "age_years": "Age, years",
        "size": "Size, voxels",
        "spacing_mm": "Spacing, mm",
    }
    rows = []
    for key, value in limits.items():
        if value in (None, [], ()):
            continue
        if key == "age_years":
            text = " to ".join(_plain(v) for v in value)
        elif key in ("size", "spacing_mm"):
            text = "; ".join(" to ".join(_plain(v) for v in axis) for axis in value)
        else:
            text = _plain(value)
        rows.append((names.get(key, key.replace("_", " ")), text))
    return rows


def _plain(value: Any, between: str = ", ") -> str:
    if isinstance(value, (list, tuple)):
        return between.join(_plain(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _data_uri(content: str | bytes) -> str:
    kind, data = ("svg+xml", content.encode()) if isinstance(content, str) else ("png", content)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
