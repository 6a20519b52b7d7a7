"""Our run beside frozen ImageNet features with scikit-learn's logistic regression, on every small set of whole images.

``python -m benchmarks.frozen_features [--sets idrid_dr_grades ...] [--minutes 15] [--folder DIR] [--weights auto]``

Both see the same training and tuning patients and answer the same sealed ones. The other side is the usual recipe:
EfficientNet-Lite0 at 224 x 224 pixels, features standardised, C by five-fold cross-validation. Areas under the ROC
curve are means over classes, each against all others; differences are paired, with intervals over resampled patients.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.transfer_sets import SETS, write
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

RESAMPLES = 2000
SIDE = 224
Floats = NDArray[np.float64]


def main() -> None:
    """Run every set within the time given, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="*", default=[s for s in SETS if s != "adrenalmnist3d"], choices=SETS)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--weights", default="auto", help="as in protocol.yaml: auto, none, or a name")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="frozen-features-"))
    rows = []
    for name in asked.sets:
        rows.append(
            compared(name, folder / name, minutes=asked.minutes, weights=asked.weights, seed=asked.seed)
        )
        (folder / "frozen_features.json").write_text(json.dumps(rows, indent=2))
        console = Console(width=150)
        console.print(drawn(rows, asked.minutes))
    print(f"kept in {folder}")


def compared(name: str, folder: Path, *, minutes: float, weights: str, seed: int) -> dict[str, Any]:
    """Run and baseline on one set."""
    write(name, folder, budget=f"{minutes:g}m", weights=weights, seed=seed)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "overread", "run", str(folder)], check=True)
    seconds = time.perf_counter() - began
    truth, ours, patients = answered(folder)
    frozen = baseline(folder)
    keep = ~np.isnan(ours).any(axis=1)
    truth, ours, frozen, patients = truth[keep], ours[keep], frozen[keep], patients[keep]
    record = json.loads((folder / "record" / "train.json").read_text())["result"]
    kept = next((r["name"] for r in record.get("roads", []) if r["kept"]), "from scratch")
    rows: dict[str, Any] = {
        "set": name,
        "seconds": round(seconds),
        "answered": int(keep.sum()),
        "of": len(keep),
        "road": kept,
    }
    for key, measure in measures(name).items():
        rows[key] = paired(measure, truth, ours, frozen, patients)
    return rows


def measures(name: str) -> dict[str, Any]:
    """What is compared: of grades the agreement, too."""
    found: dict[str, Any] = {"auroc": macro_auroc}
    if SETS[name].protocol["task"] == "ordinal":
        found["kappa"] = kappa
    elif SETS[name].protocol["task"] == "classification":
        found["balanced accuracy"] = balanced_accuracy
    return found


def answered(folder: Path) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Truths ``(n, labels)`` as 0 and 1, our scores, NaN where the package refused, and the patients."""
    from overread.cohort.load import load_case
    from overread.pipeline.workspace import Workspace
    from overread.runtime.package import Package
    from overread.runtime.predict import predict

    space = Workspace.open(folder)
    package = Package.load(space.package_file)
    labels = space.protocol.labels
    truth, scores, patients = [], [], []
    for case in space.cohort().split("test"):
        answer: Any = predict(package, load_case(case)).answer
        truth.append(truth_of(case, labels))
        scores.append(
            [np.nan] * len(labels) if answer is None else [float(answer.scores[label]) for label in labels]
        )
        patients.append(case.patient)
    return np.array(truth), np.array(scores), np.array(patients)


def truth_of(case: Any, labels: Sequence[str]) -> list[float]:
    """One row of 0 and 1."""
    if case.label is not None:
        return [float(case.label == label) for label in labels]
    return [float(bool(case.labels[label])) for label in labels]


def baseline(folder: Path) -> Floats:
    """Scores ``(n, labels)`` of scikit-learn's regression on frozen features, fitted on training and tuning cases."""
    import torch
    import torch.nn.functional as F
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from overread.cohort.load import load_case
    from overread.learn.transfer.load import load_weights
    from overread.learn.weights.find import DEFAULT, find_weights, read_weights
    from overread.nets.networks import build
    from overread.pipeline.workspace import Workspace

    space = Workspace.open(folder)
    cohort, labels = space.cohort(), space.protocol.labels
    path, origin = find_weights(DEFAULT)
    network: Any = build(DEFAULT, 2, 3, 2, {}).eval()
    load_weights(network, read_weights(path), where="baseline")

    def features(cases: Sequence[Any]) -> Floats:
        found = []
        for case in cases:
            x = torch.from_numpy(np.asarray(load_case(case).array, np.float32))[None]
            top = 255.0 if float(x.max()) > 1 else 1.0
            x = F.interpolate(x / top, (SIDE, SIDE), mode="bilinear", antialias=True).expand(-1, 3, -1, -1)
            with torch.inference_mode():
                found.append(network.features((x - origin.mean) / origin.std)[0].numpy())
        return np.stack(found)

    known = [*cohort.split("train"), *cohort.split("val")]
    x, z = features(known), features(cohort.split("test"))
    y = np.array([truth_of(c, labels) for c in known])

    def fitted(target: NDArray[Any]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            regression = LogisticRegressionCV(
                Cs=np.logspace(-4, 2, 13),
                cv=5,
                max_iter=500,
                scoring="neg_log_loss",
                use_legacy_attributes=False,
            )
            return make_pipeline(StandardScaler(), regression).fit(x, target)

    if space.protocol.task == "multilabel":
        return np.stack([fitted(y[:, k]).predict_proba(z)[:, 1] for k in range(len(labels))], 1)
    scores = np.zeros((len(z), len(labels)))
    made = fitted(y.argmax(1))
    scores[:, made.classes_.astype(int)] = made.predict_proba(z)
    return scores


def macro_auroc(truth: Floats, scores: Floats) -> float:
    """Mean over the labels that are there and not everywhere."""
    from scipy.stats import rankdata

    areas = []
    for t, s in zip(truth.T, scores.T, strict=True):
        n, p = len(t), int(t.sum())
        if 0 < p < n:
            areas.append((rankdata(s)[t == 1].sum() - p * (p + 1) / 2) / (p * (n - p)))
    return float(np.mean(areas))


def balanced_accuracy(truth: Floats, scores: Floats) -> float:
    """Mean over classes of the share of their cases for which theirs is the highest score."""
    chosen = scores.argmax(1)
    shares = [(chosen[t == 1] == k).mean() for k, t in enumerate(truth.T) if t.any()]
    return float(np.mean(shares))


def kappa(truth: Floats, scores: Floats) -> float:
    """Quadratic weighted kappa of the median grade."""
    grade, n = truth.argmax(1), truth.shape[1]
    reached = np.cumsum(scores[:, ::-1], axis=1)[:, ::-1] / scores.sum(1, keepdims=True)
    found = (reached[:, 1:] > 0.5).sum(1)
    table = np.zeros((n, n))
    np.add.at(table, (grade, found), 1)
    weights = (np.arange(n)[:, None] - np.arange(n)) ** 2
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    return float(1 - (weights * table).sum() / (weights * expected).sum())


def paired(measure: Any, truth: Floats, ours: Floats, theirs: Floats, patients: Any) -> dict[str, Any]:
    """Both values and their difference, with the 95% interval of a bootstrap of whole patients."""
    names, group = np.unique(patients, return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(len(names))]
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[g] for g in rng.integers(len(names), size=len(names))])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            differences.append(measure(truth[rows], ours[rows]) - measure(truth[rows], theirs[rows]))
    low, high = np.nanquantile(differences, [0.025, 0.975])
    a, b = measure(truth, ours), measure(truth, theirs)
    return {"ours": a, "frozen": b, "difference": a - b, "low": float(low), "high": float(high)}


def drawn(rows: Sequence[dict[str, Any]], minutes: float) -> Table:
    """The table for a person."""
    table = Table(
        title=f"Our run in {minutes:g} minutes beside frozen ImageNet features and logistic regression"
    )
    for column in (
        "set",
        "seconds",
        "answered",
        "kept",
        "measure",
        "ours",
        "frozen",
        "difference (95% interval)",
    ):
        table.add_column(column, no_wrap=column == "set")
    for row in rows:
        for key in ("auroc", "balanced accuracy", "kappa"):
            if key in row:
                m = row[key]
                table.add_row(
                    row["set"],
                    f"{row['seconds']}",
                    f"{row['answered']} of {row['of']}",
                    row["road"],
                    key,
                    f"{m['ours']:.3f}",
                    f"{m['frozen']:.3f}",
                    f"{m['difference']:+.3f} ({m['low']:+.3f} to {m['high']:+.3f})",
                )
    return table


if __name__ == "__main__":
    main()
