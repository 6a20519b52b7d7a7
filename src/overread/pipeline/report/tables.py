"""The report's small tables: the plan, the declared limits, the thresholds, the findings of the check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def finding_rows(findings: Sequence[Any]) -> list[dict[str, str]]:
    """Severity and text of each finding of check.json."""
    return [_finding(f) for f in findings]


def threshold_rows(points: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Label, threshold and rule of each operating point, and what it gave where it was chosen: name and figure."""
    return [{"label": label, "apparent": _apparent(point), **point} for label, point in points.items()]


def _apparent(point: Mapping[str, Any]) -> list[tuple[str, Any]]:
    figures = point.get("figures") or {}
    return [
        (key.removeprefix("apparent_").replace("_", " "), figure)
        for key, figure in figures.items()
        if key.startswith("apparent_")
    ]


def _finding(finding: Any) -> dict[str, str]:
    if not isinstance(finding, dict):
        return {"severity": "", "text": str(finding)}
    severity = (
        finding.get("severity") or finding.get("level") or ("blocking" if finding.get("blocking") else "")
    )
    return {"severity": str(severity), "text": str(finding.get("message") or finding.get("text") or finding)}


def plan_rows(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line of the plan that the report shows."""
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
        ("Steps per epoch", plan.get("steps_per_epoch")),
        ("Learning rate", plan.get("learning_rate")),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "", [])]


def limit_rows(limits: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each declared input limit, in words where the package holds more than a person can read."""
    names = {
        "modality": "Modality",
        "body_part": "Body part",
        "age_years": "Age, years",
        "size": "Size, voxels",
        "spacing_mm": "Spacing, mm",
        "slack": "Slack",
        "color": "Coloured pixels",
        "grey_values": "Grey values",
        "likeness": "Likeness",
        "unstated": "Not stated",
    }
    rows = []
    for key, value in limits.items():
        text = _limit(key, value)
        if text:
            rows.append((names.get(key, key.replace("_", " ")), text))
    return rows


def _limit(key: str, value: Any) -> str:
    if value in (None, [], ()):
        return ""
    if key in ("age_years", "color"):
        return " to ".join(f"{v:.0%}" if key == "color" else _plain(v) for v in value)
    if key in ("size", "spacing_mm"):
        return "; ".join(" to ".join(_plain(v) for v in axis) for axis in value)
    if key == "grey_values":
        limited = sum(bool(channel.get("low")) for channel in value)
        return f"percentiles of the image within those of training, {limited} channels" if limited else ""
    if key == "likeness":
        return f"a distance of at most {value['most']:.3g} from the images trained with"
    if key == "unstated":
        return {"note": "answered with a note", "refuse": "refused"}[value]
    return _plain(value)


def _plain(value: Any, between: str = ", ") -> str:
    if isinstance(value, (list, tuple)):
        return between.join(_plain(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
