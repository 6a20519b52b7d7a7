"""Which drawing, words and table belong to each kind of figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from overread.evaluate.figures import (
    AgreementFigure,
    ConfusionFigure,
    Figure,
    FrocFigure,
    PerCaseFigure,
    ReliabilityFigure,
    RiskCoverageFigure,
    RocFigure,
    ScoresFigure,
)
from overread.pipeline.report import plots
from overread.pipeline.report.agreement_plot import agreement_svg
from overread.pipeline.report.selective_plot import risk_coverage_svg

LOWEST = 5


@dataclass(frozen=True)
class Drawn:
    """A figure as SVG with its words; ``wide`` takes the page's width. ``rows`` under ``columns`` stand below it."""

    svg: str
    alt: str
    caption: str
    wide: bool = False
    title: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, list[float]], ...] = ()


def draw(figure: Figure) -> Drawn:
    """The figure for the page."""
    match figure:
        case RocFigure():
            fixed = any(curve.threshold is not None for curve in figure.curves) and len(figure.curves) == 1
            text = "Sensitivity against false positive rate over all thresholds, with the area under the curve and its "
            text += "95% interval"
            text += "; the point is the threshold fixed beforehand, with 95% intervals." if fixed else "."
            return Drawn(plots.roc_svg(figure), "ROC curve with the area under it and its interval", text)
        case ReliabilityFigure():
            text = (
                "Do probabilities mean what they say? Points on the diagonal do; above it the outcome is more frequent "
                "than stated, below it less. Bars: Wilson 95% intervals, by patients. Below: cases in each bin."
            )
            return Drawn(plots.reliability_svg(figure), f"Reliability diagram, {figure.subject}", text)
        case RiskCoverageFigure():
            text = (
                "Share of wrong decisions where only the surest cases are decided. A curve that rises to the right "
                "says that the package knows when it may be wrong"
            )
            text += "; the point is what it decides by its own threshold." if figure.point else "."
            return Drawn(risk_coverage_svg(figure), f"Risk over coverage, {figure.subject}", text)
        case ConfusionFigure():
            text = "Number of test cases and share of the true class."
            return Drawn(plots.confusion_svg(figure), "Confusion matrix", text)
        case ScoresFigure():
            text = "How far apart the classes lie."
            if figure.threshold is not None:
                text += " Cases on the wrong side of the dashed line, the threshold, are the errors."
            return Drawn(plots.scores_svg(figure), "Distribution of the probability by true class", text)
        case PerCaseFigure():
            return _per_case(figure)
        case FrocFigure():
            text = (
                "Share of true objects found against false alarms per image, over all thresholds; the dots are the "
                "thresholds fixed beforehand."
            )
            return Drawn(plots.froc_svg(figure), "Free-response ROC curve by label", text)
        case AgreementFigure():
            text = (
                "Left: the found against the true number; on the line they agree, and the bars are the stated "
                "prediction intervals. Right: found minus true against the mean of both (Bland and Altman), with the "
                "bias, the limits between which 95% of the differences lie, and their own 95% intervals as bands."
            )
            return Drawn(agreement_svg(figure), f"Agreement of found and true {figure.name}", text, wide=True)
        case _:
            assert_never(figure)


def _per_case(figure: PerCaseFigure) -> Drawn:
    """With the lowest cases as a table: their names do not all fit into the picture."""
    table = np.stack(list(figure.values.values()), axis=1)
    shown = np.flatnonzero(np.isfinite(table).any(axis=1))
    mean = np.full(len(table), np.nan)
    mean[shown] = np.nanmean(table[shown], axis=1)
    worst = shown[np.argsort(mean[shown], kind="stable")[:LOWEST]]
    several = table.shape[1] > 1
    rows = tuple(
        (figure.cases[i], [*table[i].tolist(), *([float(mean[i])] if several else [])]) for i in worst
    )
    columns = (*(f"{figure.axis}, {label}" for label in figure.values), *(["Mean"] if several else []))
    text = "One point per case that shows the structure. The lowest are named where there is room, and in the table."
    return Drawn(
        plots.per_case_svg(figure),
        f"{figure.axis} of every test case by structure",
        text,
        wide=True,
        title="Lowest cases",
        columns=columns,
        rows=rows,
    )
