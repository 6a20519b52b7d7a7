"""The report's picture of a number: found against true, and their differences against their means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from overread.evaluate.figures import AgreementFigure
from overread.pipeline.report.plots import COLOURS, INK, RULE, drawing, svg
from overread.pipeline.report.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def agreement_svg(figure: AgreementFigure) -> str:
    """Two panels: the line of identity with the intervals as bars, and Bland and Altman's plot with its limits."""
    with drawing(8.4, 4.2, columns=2) as (page, (left, right)):
        _against(left, figure)
        _differences(right, figure)
        return svg(page)


def _against(axes: Axes, figure: AgreementFigure) -> None:
    both = np.concatenate([figure.true, figure.found])
    ends = [float(both.min()), float(both.max())]
    axes.plot(ends, ends, color=RULE, linewidth=1)
    stated = np.isfinite(figure.low) & np.isfinite(figure.high)
    axes.vlines(
        figure.true[stated],
        figure.low[stated],
        figure.high[stated],
        color=COLOURS[4],
        linewidth=0.8,
        alpha=0.5,
    )
    axes.scatter(
        figure.true,
        figure.found,
        s=13,
        color=COLOURS[0],
        alpha=0.7,
        linewidths=0,
        rasterized=len(both) > 4000,
        zorder=3,
    )
    axes.set(xlabel=_named("true", figure), ylabel=_named("found", figure), title="Found against true")


def _differences(axes: Axes, figure: AgreementFigure) -> None:
    middle, off = (figure.true + figure.found) / 2, figure.found - figure.true
    axes.axhline(0, color=RULE, linewidth=1)
    axes.scatter(
        middle, off, s=13, color=COLOURS[0], alpha=0.7, linewidths=0, rasterized=len(off) > 2000, zorder=3
    )
    for k, measured in enumerate(figure.agreement):
        if measured is None:
            continue
        found, style = measured.interval, "-" if k == 0 else "--"
        axes.axhspan(found.low, found.high, color=COLOURS[1], alpha=0.12, linewidth=0)
        axes.axhline(found.estimate, color=COLOURS[1], linewidth=1.3, linestyle=style)
        axes.annotate(
            f"{'bias' if k == 0 else 'limit'} {number(found.estimate)}",
            (1, found.estimate),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7.5,
            color=INK,
        )
    unit = f", {figure.unit}" if figure.unit else ""
    axes.set(xlabel=f"mean of both{unit}", ylabel=f"found − true{unit}", title="Differences")


def _named(which: str, figure: AgreementFigure) -> str:
    return f"{which} {figure.name}" + (f", {figure.unit}" if figure.unit else "")
