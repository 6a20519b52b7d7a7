"""The report's figures, as SVG that goes into the page itself. Colours of Okabe and Ito."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from overread.evaluate.figures import (
    ConfusionFigure,
    FrocFigure,
    PerCaseFigure,
    ReliabilityFigure,
    RocFigure,
    ScoredTruth,
    ScoresFigure,
)
from overread.pipeline.report.words import interval, number
from overread.stats.calibration import reliability_curve
from overread.stats.diagnostic import confusion_matrix
from overread.stats.interval import Interval
from overread.stats.intervals import rate_ci
from overread.stats.roc import operating_point_at, roc_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#4D4D4D"]
DASHES = ["-", "--", "-.", ":"]
INK, RULE = "#1d2733", "#c9d1da"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e8ecf0",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.hashsalt": "overread",
    "text.parse_math": False,  # a $ in a name is a $
}
CURVE_POINTS = 800
LABELLED = 3
FEW_CURVES = 5
MOST_FALSE = 16.0


def roc_svg(figure: RocFigure) -> str:
    """ROC curves, one against the rest beyond two classes; a fixed threshold with its intervals on a single one.

    Labels without both positive and negative cases have no curve.
    """
    with drawing(4.6, 4.6) as (page, axes):
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=1)
        single = len(figure.curves) == 1
        for i, one in enumerate(figure.curves):
            if one.truth.all() or not one.truth.any():
                continue
            curve = roc_curve(one.truth, one.score)
            thin = np.unique(np.linspace(0, len(curve.thresholds) - 1, CURVE_POINTS).astype(int))
            area = f"AUC {interval(one.area.as_dict())}" if one.area is not None else ""
            axes.plot(
                curve.false_positive_rate[thin],
                curve.sensitivity[thin],
                color=COLOURS[i % len(COLOURS)],
                linestyle=DASHES[i // len(COLOURS) % len(DASHES)],
                linewidth=1.8,
                label=area if single else f"{_short(one.label)}  {area}",
            )
            if one.threshold is not None and single:
                _mark_operating_point(axes, one, one.threshold)
        axes.set(
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            aspect="equal",
            xlabel="1 − specificity",
            ylabel="sensitivity",
            title="ROC curve" if single else "ROC curves",
        )
        # Many curves need their legend beside the picture, not on it.
        drawn = len(axes.get_legend_handles_labels()[0])
        if 0 < drawn <= FEW_CURVES:
            axes.legend(loc="lower right", handlelength=1.6)
        elif drawn:
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), handlelength=1.6, fontsize=7.5)
        return svg(page)


def _mark_operating_point(axes: Axes, one: ScoredTruth, threshold: float) -> None:
    point = operating_point_at(one.truth, one.score, threshold=threshold, cluster=one.clusters)
    se, sp = point.sensitivity, point.specificity
    x, low, high = 1 - sp.estimate, 1 - sp.high, 1 - sp.low
    axes.errorbar(
        [x],
        [se.estimate],
        xerr=[[x - low], [high - x]],
        yerr=[[se.estimate - se.low], [se.high - se.estimate]],
        fmt="o",
        color=COLOURS[1],
        markersize=6,
        capsize=3,
        linewidth=1.2,
        zorder=5,
        label=f"threshold {number(threshold)}\n"
        f"sensitivity {interval(vars(se))}\n"
        f"specificity {interval(vars(sp))}",
    )


def reliability_svg(figure: ReliabilityFigure) -> str:
    """Observed frequency against probability with Wilson bands, over the distribution of the probability."""
    bins = reliability_curve(figure.outcome, figure.probability)
    observed = [_observed(figure, b.low, b.high) if figure.clusters is not None else b.observed for b in bins]
    with drawing(4.6, 4.6, rows=2, ratio=(4, 1)) as (page, (axes, below)):
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=1, label="perfect calibration")
        x = [b.mean_predicted for b in bins]
        y = [o.estimate for o in observed]
        spread = [[o.estimate - o.low for o in observed], [o.high - o.estimate for o in observed]]
        axes.errorbar(
            x,
            y,
            yerr=spread,
            fmt="o-",
            color=COLOURS[0],
            markersize=5,
            linewidth=1.2,
            capsize=2.5,
            label="observed, 95% interval",
        )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="observed frequency", title="Reliability")
        axes.tick_params(labelbottom=False)
        axes.legend(loc="upper left")
        below.bar([(b.low + b.high) / 2 for b in bins], [b.n for b in bins], width=0.085, color=COLOURS[4])
        below.set(xlim=(-0.02, 1.02), xlabel=figure.subject, ylabel="cases")
        below.grid(axis="x", visible=False)
        return svg(page)


def _observed(figure: ReliabilityFigure, low: float, high: float) -> Interval:
    """How often the outcome was there among the probabilities of one bin, by patients."""
    assert figure.clusters is not None
    # Bins are (low, high], and 0 lies in the first.
    inside = ((figure.probability > low) | (low == 0)) & (figure.probability <= high)
    return rate_ci(figure.outcome[inside], cluster=figure.clusters[inside])


def confusion_svg(figure: ConfusionFigure) -> str:
    """Counts of true against decided class, shaded by share of the true class."""
    labels = figure.labels
    counts = confusion_matrix(figure.truth, figure.decided, classes=len(labels))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(3.2, 1.5 + 0.62 * len(labels))
    with drawing(side + 0.8, side) as (page, axes):
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1.15)
        axes.grid(visible=False)
        for i, j in np.ndindex(counts.shape):
            ink = "white" if share[i, j] > 0.55 else INK
            text = f"{counts[i, j]:,}\n{share[i, j]:.0%}" if len(labels) <= 6 else f"{counts[i, j]:,}"
            axes.text(j, i, text, ha="center", va="center", color=ink, fontsize=9 if len(labels) <= 6 else 7)
        names = [_short(label) for label in labels]
        axes.set_xticks(
            range(len(labels)),
            names,
            rotation=0 if len(labels) <= 3 else 40,
            ha="center" if len(labels) <= 3 else "right",
        )
        axes.set_yticks(range(len(labels)), names)
        axes.set(xlabel="decided", ylabel="true", title="Decisions")
        axes.spines[:].set_visible(False)
        return svg(page)


def scores_svg(figure: ScoresFigure) -> str:
    """Distribution of the probability by true class, one above the other, with the threshold."""
    edges = np.linspace(0, 1, 31)
    labels = figure.labels
    with drawing(4.6, 3.6, rows=len(labels), ratio=[1] * len(labels)) as (page, panels):
        for k, (axes, label) in enumerate(zip(panels, labels, strict=True)):
            axes.hist(figure.score[figure.truth == k], edges, color=COLOURS[k % len(COLOURS)], alpha=0.85)
            if figure.threshold is not None:
                axes.axvline(figure.threshold, color=INK, linewidth=1.2, linestyle="--")
            axes.set_title(f"True class: {_short(label)}", fontsize=9)
            axes.set(xlim=(-0.02, 1.02), ylabel="cases")
            axes.grid(axis="x", visible=False)
        panels[-1].set_xlabel(figure.subject)
        return svg(page)


def per_case_svg(figure: PerCaseFigure) -> str:
    """A value of every case by label: points, box, and the mean with its interval; the lowest are named."""
    structures = list(figure.values)
    generator = np.random.default_rng(0)
    start = min(0.5, *(float(np.nanmin(v)) for v in figure.values.values()))
    reach = 1.05 - start
    with drawing(8.4, 1.0 + 0.95 * len(structures)) as (page, axes):
        for row, structure in enumerate(structures):
            shown = np.flatnonzero(np.isfinite(figure.values[structure]))
            values = figure.values[structure][shown]
            colour = COLOURS[row % len(COLOURS)]
            axes.boxplot(
                values,
                positions=[row],
                orientation="horizontal",
                widths=0.5,
                showfliers=False,
                medianprops={"color": INK, "linewidth": 1.4},
                boxprops={"color": "#8a97a6"},
                whiskerprops={"color": "#8a97a6"},
                capprops={"color": "#8a97a6"},
            )
            height = row + generator.uniform(-0.17, 0.17, len(values))
            axes.scatter(
                values, height, s=13, color=colour, alpha=0.55, linewidths=0, rasterized=len(values) > 2000
            )
            taken: list[float] = []
            for index in np.argsort(values, kind="stable")[: LABELLED if len(values) > LABELLED else 0]:
                if any(abs(values[index] - x) < 0.12 * reach for x in taken):
                    continue
                taken.append(values[index])
                axes.annotate(
                    _short(figure.cases[shown[index]]),
                    (values[index], height[index]),
                    xytext=(0, -5),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    fontsize=6.5,
                    color="#5b6776",
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6},
                )
            if structure in figure.means:
                mean = figure.means[structure].interval
                errors = [[max(0, mean.estimate - mean.low)], [max(0, mean.high - mean.estimate)]]
                axes.errorbar(
                    [mean.estimate],
                    [row - 0.37],
                    xerr=errors,
                    fmt="D",
                    color=INK,
                    markersize=4.5,
                    capsize=3,
                    linewidth=1.2,
                )
        axes.set_yticks(range(len(structures)), [_short(s) for s in structures])
        axes.set(xlim=(start - 0.04, 1.01), ylim=(len(structures) - 0.45, -0.6), xlabel=figure.axis)
        axes.set_title(f"{figure.title} (box: median and quartiles; diamond: mean and its interval)")
        axes.grid(axis="y", visible=False)
        return svg(page)


def froc_svg(figure: FrocFigure) -> str:
    """Sensitivity against false positives per image, one line a label, the fixed operating points as dots."""
    with drawing(4.6, 4.6) as (page, axes):
        for i, label in enumerate(figure.labels):
            colour = COLOURS[i % len(COLOURS)]
            x, y = figure.false_positives[i], figure.sensitivity[i]
            axes.step(x, y, where="post", color=colour, linewidth=1.8, label=_short(label))
            point = figure.points[i]
            if point is not None:
                axes.plot([point[0]], [point[1]], "o", color=colour, markersize=6)
        most = max((float(x.max()) for x in figure.false_positives if len(x)), default=1.0)
        axes.set(
            xlim=(-0.02 * most, min(most, MOST_FALSE) * 1.02 + 1e-9),
            ylim=(-0.02, 1.02),
            xlabel="false positives per image",
            ylabel="sensitivity",
            title="Free-response ROC (dots: fixed thresholds)",
        )
        axes.legend(loc="lower right", handlelength=1.6)
        return svg(page)


def history_svg(history: Sequence[dict[str, Any]], metric: str | None = None) -> str:
    """Training loss, the loss on tuning patients, and there the ``metric`` that chose the weights, by epoch."""
    epochs = [h["epoch"] for h in history]
    parts = [("loss", "Loss, training patients"), ("tuning_loss", "Loss, tuning patients")]
    parts += [("metric", _short(metric, 28))] if metric else []
    shown = [(k, t) for k, t in parts if any(h.get(k) is not None for h in history)]
    with drawing(8.4, 2.5, columns=len(shown)) as (figure, panels):
        for i, (key, title) in enumerate(shown):
            axes = panels[i] if len(shown) > 1 else panels
            points = [(e, h[key]) for e, h in zip(epochs, history, strict=True) if h.get(key) is not None]
            axes.plot(
                *zip(*points, strict=True),
                color=COLOURS[i],
                linewidth=1.6,
                marker="o" if len(points) < 30 else "",
                markersize=3,
            )
            axes.set(xlabel="epoch (tuning patients)" if key == "metric" else "epoch", title=title)
            axes.xaxis.get_major_locator().set_params(integer=True)
        return svg(figure)


def _short(text: str, length: int = 24) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


@contextmanager
def drawing(
    width: float, height: float, rows: int = 1, columns: int = 1, ratio: Sequence[float] | None = None
) -> Iterator[tuple[Figure, Any]]:
    """A figure of ``width`` x ``height`` inches and its axes, in the report's style and outside pyplot."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, height_ratios=ratio, sharex=ratio is not None)


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same figure: without date and creator."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()
