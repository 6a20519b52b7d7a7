"""Performance without labels, and class frequencies without labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from overread.stats.drift import cbpe, expected_metric, label_shift, label_shift_from_table


def calibrated(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    p = generator.beta(0.8, 1.6, n)
    return (generator.random(n) < p).astype(int), p


@pytest.mark.parametrize(
    ("name", "expected", "passed"), [("well", 0.8188819521, True), ("mis", 0.8961526866, False)]
)
def test_identity_of_accuracy(goldens_data: Path, name: str, expected: float, passed: bool) -> None:
    """Mean of max(p, 1 - p): right for calibrated scores, .08 too high for overconfident ones; truth .8176."""
    table = np.loadtxt(goldens_data / f"simulated_{name}data.csv", delimiter=",", skiprows=1)
    p, y = table[:, 1], table[:, 2]
    assert expected_metric(p) == pytest.approx(expected, abs=1e-9)
    found = cbpe(p, y, p)
    assert found.estimate.estimate == pytest.approx(expected, abs=1e-9)
    assert found.calibration.realised == pytest.approx(0.8176)
    assert found.trusted is passed is found.calibration.passed
    # Overconfident scores become usable once they are recalibrated on the reference.
    mended = cbpe(p, y, p, recalibrate="isotonic")
    assert mended.trusted and mended.estimate.estimate == pytest.approx(0.8176, abs=0.01)


def test_car_loan_benchmark() -> None:
    """NannyML 0.13.1 on its synthetic car loans: estimated areas of ten chunks, after a drop at the sixth."""
    folder = os.environ.get("NANNYML_DATA", "")
    if not folder:
        nannyml = pytest.importorskip(
            "nannyml", reason="no nannyml data (set NANNYML_DATA to its data folder)"
        )
        folder = str(Path(nannyml.__file__).parent / "datasets" / "data")
    if not (Path(folder) / "synthetic_car_loan_reference.csv").is_file():
        pytest.skip(f"no car loan data at {folder}")
    names = ("reference", "analysis", "analysis_target")
    files = {n: Path(folder) / f"synthetic_car_loan_{n}.csv" for n in names}
    columns = {n: files[n].read_text().splitlines()[0].split(",") for n in names}

    def column(file: str, name: str) -> np.ndarray:
        index = columns[file].index(name)
        return np.array(
            [line.split(",")[index] for line in files[file].read_text().splitlines()[1:]], dtype=float
        )

    p_reference, y_reference = column("reference", "y_pred_proba"), column("reference", "repaid")
    p, y = column("analysis", "y_pred_proba"), column("analysis_target", "repaid")
    estimated, realised = [], []
    for start in range(0, 50_000, 5000):
        part = slice(start, start + 5000)
        found = cbpe(p[part], y_reference, p_reference, metric="auc", recalibrate="isotonic", resamples=10)
        estimated.append(found.estimate.estimate)
        realised.append(roc_auc_score(y[part], p[part]))
    published = [
        0.970744,
        0.971011,
        0.971407,
        0.971091,
        0.971123,
        0.96109,
        0.961825,
        0.961073,
        0.962533,
        0.961316,
    ]
    assert estimated == pytest.approx(published, abs=1e-6)
    assert np.abs(np.subtract(estimated, realised)).mean() == pytest.approx(0.0021153691, abs=1e-6)
    chunks = [
        roc_auc_score(y_reference[k : k + 5000], p_reference[k : k + 5000]) for k in range(0, 50_000, 5000)
    ]
    low = np.mean(chunks) - 3 * np.std(chunks)
    assert low == pytest.approx(0.963317, abs=1e-6)
    assert [value < low for value in estimated] == [False] * 5 + [True] * 5


@pytest.mark.parametrize("metric", ["accuracy", "auc", "sensitivity", "specificity", "ppv", "npv", "f1"])
def test_expectation_by_simulation(metric: str) -> None:
    """The estimate is the mean of the metric over labels drawn from the probabilities."""
    generator = np.random.default_rng(0)
    p = np.round(generator.beta(1, 1.5, 400), 2)
    called = p >= 0.4
    measure = {
        "accuracy": lambda y: accuracy_score(y, called),
        "auc": lambda y: roc_auc_score(y, p),
        "sensitivity": lambda y: recall_score(y, called),
        "specificity": lambda y: recall_score(1 - y, ~called),
        "ppv": lambda y: precision_score(y, called),
        "npv": lambda y: precision_score(1 - y, ~called),
        "f1": lambda y: f1_score(y, called),
    }[metric]
    values = [measure((generator.random(400) < p).astype(int)) for _ in range(150)]
    found = expected_metric(p, metric=metric, threshold=0.4)  # type: ignore[arg-type]
    assert found == pytest.approx(np.mean(values), abs=4 * np.std(values) / 150**0.5 + 0.002)


@pytest.mark.parametrize("metric", ["accuracy", "auc", "f1"])
def test_limits_hold_the_realised_metric(metric: str) -> None:
    generator = np.random.default_rng(1)
    y_reference, p_reference = calibrated(generator, 100)
    hits = 0
    for k in range(200):
        y, p = calibrated(generator, 150)
        found = cbpe(p, y_reference, p_reference, metric=metric, resamples=150, seed=k).estimate  # type: ignore[arg-type]
        real = {
            "accuracy": accuracy_score(y, p >= 0.5),
            "auc": roc_auc_score(y, p),
            "f1": f1_score(y, p >= 0.5),
        }[metric]
        hits += found.low - 1e-12 <= real <= found.high + 1e-12
    assert 0.92 <= hits / 200 <= 0.99


def test_it_follows_a_harder_case_mix_but_not_a_changed_truth() -> None:
    generator = np.random.default_rng(2)
    y_reference, p_reference = calibrated(generator, 5000)
    harder = generator.beta(3, 3, 5000)
    y = generator.random(5000) < harder
    found = cbpe(harder, y_reference, p_reference)
    assert found.estimate.estimate == pytest.approx(np.mean((harder >= 0.5) == y), abs=0.02)
    # Concept drift: labels no longer follow the probabilities, and the estimate cannot know.
    blind = cbpe(p_reference, y_reference, p_reference).estimate.estimate
    turned = np.mean((p_reference >= 0.5) != y_reference)
    assert blind > turned + 0.3
    assert "concept drift" in found.assumptions and "calibrated" in found.assumptions


def test_calibrated_models_are_rarely_distrusted_and_overconfident_ones_caught() -> None:
    generator, trusted = np.random.default_rng(7), []
    for k in range(150):
        y, p = calibrated(generator, 400)
        trusted.append(cbpe(p[:50], y, p, tolerance=0.0, resamples=300, seed=k).trusted)
    assert np.mean(trusted) >= 0.96
    y, p = calibrated(generator, 1000)
    boasting = p**3 / (p**3 + (1 - p) ** 3)
    check = cbpe(boasting, y, boasting).calibration
    assert not check.passed and check.gap.estimate > check.detectable > 0
    # A dozen cases cannot show it, and the check says what they could.
    few = cbpe(boasting, y[:12], boasting[:12]).calibration
    assert few.detectable > 0.1


def test_check_reports_slope_or_none() -> None:
    generator = np.random.default_rng(3)
    y, p = calibrated(generator, 2000)
    check = cbpe(p, y, p).calibration
    assert check.slope is not None and check.slope.low < 1 < check.slope.high
    separated = cbpe([0.1, 0.9], [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8]).calibration
    assert separated.slope is None


def test_probabilities_at_0_and_1() -> None:
    found = cbpe([0.0, 1.0, 1.0], [0, 1, 1, 0], [0.0, 1.0, 0.9, 0.2])
    assert (found.estimate.estimate, found.estimate.low, found.estimate.high) == (1, 1, 1)
    assert expected_metric([0.0, 1.0], metric="auc") == 1


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (([0.2, np.nan], [0, 1], [0.2, 0.8]), {}, "NaN"),
        (([1.2], [0, 1], [0.2, 0.8]), {}, "expected 0 to 1"),
        (([0.2], [1, 1], [0.2, 0.8]), {}, "only class 1"),
        (([0.2], [0, 1], [0.2]), {}, "rows"),
        (([[0.2]], [0, 1], [0.2, 0.8]), {}, r"\(1, 1\)"),
        (([0.2], [0, 1], [0.2, 0.8]), {"metric": "kappa"}, "metric"),
        (([0.2], [0, 1], [0.2, 0.8]), {"metric": "ppv"}, "called positive"),
        (([0.0], [0, 1], [0.2, 0.8]), {"metric": "auc"}, "classes"),
    ],
)
def test_what_cannot_be(arguments: tuple, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        cbpe(*arguments, **options)


def test_rogan_and_gladen() -> None:
    """Two classes: (apparent prevalence + specificity - 1) / (sensitivity + specificity - 1)."""
    found = label_shift_from_table([[80, 20], [10, 90]], [300, 200])
    by_hand = (0.4 + 0.8 - 1) / (0.9 + 0.8 - 1)
    assert found.frequencies[1].estimate == pytest.approx(by_hand)
    assert found.weights == pytest.approx(((1 - by_hand) / 0.5, by_hand / 0.5))
    assert found.p_value < 0.01 and "frequencies of the classes" in found.assumptions


def test_no_shift_gives_the_validation_frequencies() -> None:
    table = np.array([[50, 5, 5], [4, 30, 6], [1, 2, 17]])
    found = label_shift_from_table(table, table.sum(axis=0) * 3)
    assert [f.estimate for f in found.frequencies] == pytest.approx(table.sum(axis=1) / 120)
    assert found.p_value == pytest.approx(1) and found.weights == pytest.approx((1, 1, 1))


def test_class_frequencies_are_covered() -> None:
    generator, hits = np.random.default_rng(4), 0
    given = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])
    truth = np.array([0.2, 0.3, 0.5])
    for k in range(200):
        table = np.array([generator.multinomial(n, g) for n, g in zip((150, 100, 80), given, strict=True)])
        found = label_shift_from_table(
            table, generator.multinomial(250, truth @ given), resamples=300, seed=k
        )
        hits += sum(f.low <= t <= f.high for f, t in zip(found.frequencies, truth, strict=True))
    assert 0.92 <= hits / 600 <= 0.98


def test_labels_and_tables_agree() -> None:
    generator = np.random.default_rng(5)
    y = generator.integers(0, 3, 200)
    predicted = np.where(generator.random(200) < 0.8, y, generator.integers(0, 3, 200))
    new = generator.integers(0, 3, 150)
    table = np.zeros((3, 3), dtype=int)
    np.add.at(table, (y, predicted), 1)
    assert label_shift(y, predicted, new) == label_shift_from_table(table, np.bincount(new, minlength=3))


def test_frequencies_are_never_negative() -> None:
    found = label_shift_from_table([[90, 10], [10, 90]], [100, 0])
    assert found.raw[1] < 0 and [f.estimate for f in found.frequencies] == [1, 0]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: label_shift_from_table([[5, 5], [5, 5]], [5, 5]), "singular"),
        (lambda: label_shift_from_table([[5, 5], [0, 0]], [5, 5]), "no validation case"),
        (lambda: label_shift_from_table([[5, 5]], [5, 5]), "expected"),
        (lambda: label_shift_from_table([[9, 1], [1, 9]], [0, 0]), "no case"),
        (lambda: label_shift([0, 1], [0], [0]), "rows"),
        (lambda: label_shift([0, 1], [0, np.nan], [0]), "NaN"),
    ],
)
def test_what_cannot_be_either(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=match):
        call()
