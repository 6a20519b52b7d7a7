"""A forest plot: one measure in every group, with intervals, beside all cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from overread.pipeline.report.plots import COLOURS, INK, drawing, svg
from overread.pipeline.report.words import interval


def forest_svg(rows: Sequence[Mapping[str, Any]], overall: Mapping[str, Any] | None, name: str) -> str:
    """``rows`` of one measure as report.json has them under ``subgroups``; squares grow with the number of patients."""
    most = max(int(r["patients"]) for r in rows)
    with drawing(7.4, 0.9 + 0.3 * (len(rows) + 1)) as (page, axes):
        names = []
        for k, row in enumerate(rows):
            axes.plot([row["low"], row["high"]], [k, k], color=COLOURS[0], linewidth=1.4)
            size = 3 + 5 * (int(row["patients"]) / most) ** 0.5
            axes.plot([row["estimate"]], [k], "s", color=COLOURS[0], markersize=size)
            names.append(f"{row['attribute']} {row['group']} (n = {row['patients']})")
            axes.annotate(
                interval(dict(row)), (1.01, k), xycoords=("axes fraction", "data"), va="center", fontsize=8
            )
        if overall is not None:
            last = len(rows)
            axes.axvline(overall["estimate"], color=INK, linewidth=0.9, linestyle="--")
            axes.plot([overall["low"], overall["high"]], [last, last], color=INK, linewidth=1.6)
            axes.plot([overall["estimate"]], [last], "D", color=INK, markersize=6)
            axes.annotate(
                interval(dict(overall)),
                (1.01, last),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
            )
            names.append("all")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_title(name)
        axes.grid(axis="y", visible=False)
        return svg(page)


def multiplicity(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many intervals are shown, and how many of them miss the truth by chance alone."""
    n = len(rows)
    level = float(rows[0].get("confidence", 0.95))
    return (
        f"{n} intervals of {level:.0%}, each for itself: of {n} such, {n * (1 - level):.1f} miss their true value by "
        "chance alone. Limits that hold together are those of the gaps."
    )
