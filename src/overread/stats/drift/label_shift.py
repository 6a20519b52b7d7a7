"""How often each class occurs in new data without labels, if only the class frequencies have changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_classes, as_counts, check_confidence, same_length
from overread.stats.drift.binned import chi_square_from_counts
from overread.stats.interval import Interval

ASSUMPTIONS = (
    "Valid if only the frequencies of the classes changed: within a class the images, and so the predictions, "
    "are distributed as in the validation data (no new scanner, no new kind of disease, no concept drift), and "
    "no class is new."
)


@dataclass(frozen=True)
class LabelShift:
    """Estimated class frequencies of the new data (k,), with intervals.

    ``weights`` (k,) are these over the validation frequencies, as needed for reweighting. ``raw`` is the
    solution before negative frequencies were cut off. ``condition_number`` of the confusion matrix: large
    where predictions hardly separate the classes, and the intervals wide. ``p_value`` tests that predictions
    are distributed as in the validation data. ``assumptions`` states what all of this assumes.
    """

    frequencies: tuple[Interval, ...]
    validation_frequencies: tuple[float, ...]
    weights: tuple[float, ...]
    raw: tuple[float, ...]
    condition_number: float
    p_value: float
    n_validation: int
    n_current: int
    method: str
    assumptions: str = ASSUMPTIONS

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def label_shift(
    y_validation: ArrayLike,
    predicted_validation: ArrayLike,
    predicted_current: ArrayLike,
    *,
    classes: int | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> LabelShift:
    """Black-box shift estimation: class frequencies from predictions (Lipton, Wang and Smola, ICML 2018).

    ``y_validation`` (n,) and ``predicted_validation`` (n,) class indices of labelled data,
    ``predicted_current`` (m,) those predicted on new data. See ``label_shift_from_table``.
    """
    given = [np.asarray(v) for v in (y_validation, predicted_validation, predicted_current)]
    names = ("y_validation", "predicted_validation", "predicted_current")
    y, p, new = (as_classes(v, name, classes=classes) for v, name in zip(given, names, strict=True))
    same_length(len(y), p, "predicted_validation")
    k = classes or int(max(y.max(), p.max(), new.max())) + 1
    table = np.bincount(y * k + p, minlength=k * k).reshape(k, k)
    return label_shift_from_table(
        table, np.bincount(new, minlength=k), confidence=confidence, resamples=resamples, seed=seed
    )


def label_shift_from_table(
    confusion: ArrayLike,
    predicted: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> LabelShift:
    """Class frequencies q from a confusion matrix (k, k), rows the true class, and predicted counts (k,).

    Solves P(predicted) = sum over classes of P(predicted | class) q(class); with two classes this is Rogan and
    Gladen's correction of a prevalence (Am J Epidemiol 1978;107:71). Intervals by redrawing both tables
    (each class's row, and the predictions), percentiles.

    Raises ValueError where a class has no validation case, and where the matrix is singular: the predictions
    do not tell the classes apart.
    """
    check_confidence(confidence)
    table, counts = as_counts(confusion, "confusion"), as_counts(predicted, "predicted", ndim=1)
    k = len(table)
    if table.shape != (k, k) or k < 2 or len(counts) != k:
        raise ValueError(
            f"confusion is {table.shape} and predicted {counts.shape}, expected (k, k) and (k,), k >= 2"
        )
    rows = table.sum(axis=1)
    if (rows == 0).any():
        missing = int(np.flatnonzero(rows == 0)[0])
        raise ValueError(f"class {missing} has no validation case; its predictions are unknown")
    n, m = int(rows.sum()), int(counts.sum())
    if m == 0:
        raise ValueError("predicted holds no case (m = 0)")
    given = (table / rows[:, None]).T
    condition = float(np.linalg.cond(given))
    if not condition < 1e8:
        raise ValueError("the confusion matrix is singular: predictions do not tell the classes apart")
    raw = np.linalg.solve(given, counts / m)
    frequencies = _simplex(raw[None])[0]
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(rows, table / rows[:, None], size=(resamples, k)) / rows[:, None]
    new = generator.multinomial(m, counts / m, size=resamples) / m
    usable = np.abs(np.linalg.det(drawn)) > 1e-10
    if usable.mean() < 0.5:
        raise ValueError("most redrawn confusion matrices are singular; too few validation cases")
    solved = np.linalg.solve(np.swapaxes(drawn[usable], 1, 2), new[usable][..., None])[..., 0]
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(np.clip(solved, 0, 1), tails, axis=0)
    validation = rows / n
    return LabelShift(
        frequencies=tuple(
            Interval(
                float(q), float(min(a, q)), float(max(b, q)), confidence, "BBSE, both tables redrawn", n + m
            )
            for q, a, b in zip(frequencies, low, high, strict=True)
        ),
        validation_frequencies=tuple(float(v) for v in validation),
        weights=tuple(float(v) for v in frequencies / validation),
        raw=tuple(float(v) for v in raw),
        condition_number=condition,
        p_value=chi_square_from_counts(table.sum(axis=0), counts, method="auto", seed=seed).p_value,
        n_validation=n,
        n_current=m,
        method="black-box shift estimation",
    )


def _simplex(rows: Floats) -> Floats:
    """Nearest point with shares of 0 or more that add up to 1 (Duchi et al., ICML 2008)."""
    ordered = -np.sort(-rows, axis=1)
    excess = np.cumsum(ordered, axis=1) - 1
    index = np.arange(1, rows.shape[1] + 1)
    last = np.count_nonzero(ordered - excess / index > 0, axis=1)
    shift = excess[np.arange(len(rows)), last - 1] / last
    return np.asarray(np.maximum(rows - shift[:, None], 0.0))
