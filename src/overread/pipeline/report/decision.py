"""Decision curves: what acting on the package's probability is worth, against acting on all and on none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from overread.evaluate.figures import Figure, ReliabilityFigure
from overread.pipeline.report.plots import COLOURS, INK, drawing, svg
from overread.stats.decision import decision_curve

THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))
RESAMPLES = 1000


def decision_rows(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Net benefit at each threshold of every probability that a reliability figure is of, answered cases only.

    Each row: ``label`` (what the probability is of), ``threshold``, ``model`` and ``all``, each an interval (true
    positives per case; Vickers and Elkin 2006, bootstrap by patients). Nothing where one class is missing.
    """
    found: list[dict[str, Any]] = []
    for figure in figures:
        if not isinstance(figure, ReliabilityFigure):
            continue
        try:
            curve = decision_curve(
                figure.outcome,
                figure.probability,
                thresholds=THRESHOLDS,
                cluster=figure.clusters,
                resamples=RESAMPLES,
            )
        except ValueError:  # one class only
            continue
        found += [
            {
                "label": figure.subject,
                "threshold": t,
                "model": curve.model.net_benefit[k].as_dict(),
                "all": curve.treat_all.net_benefit[k].as_dict(),
            }
            for k, t in enumerate(THRESHOLDS)
        ]
    return found


def decision_curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A picture for each label of `decision_rows`."""
    by_label: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_label.setdefault(str(row["label"]), []).append(row)
    return {label: _svg(label, members) for label, members in by_label.items()}


def _svg(label: str, rows: Sequence[Mapping[str, Any]]) -> str:
    t = [float(r["threshold"]) for r in rows]
    with drawing(4.6, 3.6) as (page, axes):
        model = [r["model"] for r in rows]
        axes.fill_between(
            t,
            [m["low"] for m in model],
            [m["high"] for m in model],
            color=COLOURS[0],
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(t, [m["estimate"] for m in model], color=COLOURS[0], linewidth=1.6, label="package")
        every = [r["all"]["estimate"] for r in rows]
        axes.plot(t, every, color=COLOURS[1], linewidth=1.1, linestyle="--", label="act on all")
        axes.axhline(0, color=INK, linewidth=0.9, linestyle=":", label="act on none")
        top = max(m["high"] for m in model)
        axes.set_ylim(-0.15 * top - 0.01, 1.1 * top + 0.01)
        axes.set_xlim(0, 1)
        axes.set_xlabel("Probability from which one would act")
        axes.set_ylabel("Net benefit, true positives per case")
        axes.set_title(f"Decision curve, {label}")
        axes.legend()
        return svg(page)
