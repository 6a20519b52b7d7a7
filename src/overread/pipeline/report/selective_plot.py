"""The report's picture of whether a package knows when it is wrong: share wrong over the share it decides."""

from __future__ import annotations

from overread.evaluate.figures import RiskCoverageFigure
from overread.pipeline.report.plots import COLOURS, INK, drawing, svg
from overread.pipeline.report.words import interval
from overread.stats.selective import risk_coverage


def risk_coverage_svg(figure: RiskCoverageFigure) -> str:
    """The curve from the surest case on, the share wrong of all as a line, and the point that the package takes."""
    curve = risk_coverage(figure.wrong, figure.sure)
    with drawing(4.4, 3.6) as (page, axes):
        label = None
        if figure.area is not None:
            label = f"area {interval(figure.area.interval.as_dict())}"
        axes.step(curve.coverage, curve.risk, where="post", color=COLOURS[0], linewidth=1.6, label=label)
        every = float(curve.risk[-1])
        axes.axhline(every, color=INK, linewidth=0.8, linestyle=":", label=f"all decided: {every:.3f} wrong")
        if figure.point is not None:
            share, wrong = figure.point
            axes.plot(
                [share], [wrong], "o", color=COLOURS[1], label=f"decided: {share:.0%}, wrong {wrong:.3f}"
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Share of the cases decided, surest first")
        axes.set_ylabel("Share wrong among these")
        axes.set_title(f"Risk over coverage, {figure.subject}")
        axes.legend()
        return svg(page)
