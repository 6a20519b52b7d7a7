"""Few images a class: pretrained weights against a network from chance, 1 to 50 shots, ten draws each, drawn as a plot.

``python -m benchmarks.few_shot [--sets ham10000_skin ...] [--minutes 20] [--draws 10] [--out few_shot.svg]``

Each draw takes so many images of each class from the training and tuning patients; both sides learn from the same ones
and answer all test patients. Transfer is a head solved for on frozen features of EfficientNet-Lite0 (C by
cross-validation inside the shots); from chance is the ResNet that the planner takes, which gets the time that there is,
alike for every draw. Intervals are of the mean over draws (Student's t).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.frozen_features import balanced_accuracy, macro_auroc
from benchmarks.transfer_sets import SETS, write
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student

SHOTS = (1, 5, 10, 20, 50)
WHOLE = [s for s in SETS if SETS[s].protocol["task"] != "multilabel" and s != "adrenalmnist3d"]
SIDES = ("transfer", "chance")
BATCH = 16


def main() -> None:
    """Sweep every set, print the table and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="*", default=["ham10000_skin", "idrid_dr_grades"], choices=WHOLE)
    parser.add_argument("--minutes", type=float, default=20, help="for each set")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--shots", type=int, nargs="*", default=list(SHOTS))
    parser.add_argument("--out", type=Path, default=Path("few_shot.svg"))
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in asked.sets:
        rows += swept(name, asked.shots, draws=asked.draws, seconds=60 * asked.minutes)
        asked.out.with_suffix(".json").write_text(json.dumps(rows, indent=2))
        Console(width=140).print(drawn(rows))
    plot(rows, asked.out)
    print(f"drawn in {asked.out}")


def swept(name: str, shots: Sequence[int], *, draws: int, seconds: float) -> list[dict[str, Any]]:
    """Every number of shots: the scores of each draw, of both sides."""
    from overread.learn.example import Part

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        transfer, near = prepared(name, Path(folder) / "transfer", weights="efficientnet_lite0")
        chance, far = prepared(name, Path(folder) / "chance", weights="none")
        start = Features(transfer, near)
        labels = near.classes
        each = (seconds - (time.perf_counter() - began)) / (draws * len(shots))
        rows = []
        for shot in shots:
            scores: dict[str, list[list[float]]] = {side: [] for side in SIDES}
            for draw in range(draws):
                chosen = drawn_cases(near.known, shot, seed=draw)
                scores["transfer"].append(scored(labels, near.test, start.answers(chosen)))
                answers = trained(chance, Part(far.examples, chosen), far, seconds=each, seed=draw)
                scores["chance"].append(scored(labels, far.test, answers))
            rows.append({"set": name, "shots": shot, "draws": draws, **{s: scores[s] for s in SIDES}})
            print(f"{name}: {shot} shots a class, {time.perf_counter() - began:.0f} s", flush=True)
    return rows


class Prepared:
    """The examples of a plan: ``known`` and ``test`` classes, the known ones to draw from first."""

    def __init__(self, plan: Any, cohort: Any) -> None:
        from overread.learn.data import load_examples

        known, test = [*cohort.split("train"), *cohort.split("val")], cohort.split("test")
        self.examples = load_examples(known, plan)
        self.tests = load_examples(test, plan)
        self.patients = [c.patient for c in known]
        self.classes = len(plan.labels)
        self.known = np.array([plan.labels.index(c.label) for c in known])
        self.test = np.array([plan.labels.index(c.label) for c in test])


def prepared(name: str, folder: Path, *, weights: str) -> tuple[Any, Prepared]:
    """A plan of the set as plain classes, and its examples."""
    from overread.pipeline.stages import plan_stage
    from overread.pipeline.stages.plan import read_plan
    from overread.pipeline.workspace import Workspace

    changes = {"task": "classification", "weights": weights}
    if len(SETS[name].protocol["labels"]) > 2:
        changes["positive"] = None
    write(name, folder, **changes)
    plan_stage(folder, epochs=1)
    space = Workspace.open(folder)
    plan = read_plan(space.plan_file)
    return plan, Prepared(plan, space.cohort())


class Features:
    """Frozen features of every case, computed once."""

    def __init__(self, plan: Any, cases: Prepared) -> None:
        import torch

        from overread.learn.transfer.features import features_of
        from overread.learn.transfer.start import built, load_start

        torch.manual_seed(0)
        network: Any = built(plan)
        load_start(network, plan)
        self.plan, self.patients = plan, cases.patients
        self.known = features_of(network, plan, cases.examples)
        self.tests = features_of(network, plan, cases.tests)

    def answers(self, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        """Logits of the test cases, of a head solved for on the ``chosen`` cases."""
        from overread.learn.losses import build_loss
        from overread.learn.transfer.probe import solve_head

        loss = build_loss(self.plan.loss, answer="classes")
        solved = solve_head(
            self.known.of(chosen),
            loss=loss,
            outputs=self.plan.outputs,
            patients=[self.patients[i] for i in chosen],
        )
        return self.tests.x[:, 0] @ solved.weight.T + solved.bias


def trained(plan: Any, examples: Any, cases: Prepared, *, seconds: float, seed: int) -> NDArray[np.float64]:
    """Logits of the test cases, of a network trained from chance in so many seconds."""
    import torch

    from overread.learn.fit import fit

    batch = min(BATCH, len(examples))
    timed = plan.model_copy(
        update={
            "batch": batch,
            "steps_per_epoch": max(4, len(examples) // batch),
            "most_epochs": 10_000,
            "epochs": 10,
            "follow_clock": True,
            "train_seconds": max(1.0, seconds),
            "seed": seed,
        }
    )
    network = fit(timed, examples, examples[:1]).network.eval()
    with torch.inference_mode():
        rows = [network(torch.from_numpy(np.asarray(e.image[:], np.float32)[None])) for e in cases.tests]
    return torch.cat(rows).double().numpy()


def drawn_cases(known: NDArray[np.intp], shots: int, *, seed: int) -> NDArray[np.intp]:
    """At most ``shots`` cases of each class, all there are where there are fewer."""
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.flatnonzero(known == k))[:shots] for k in np.unique(known)]
    return np.sort(np.concatenate(parts))


def scored(labels: int, truth: NDArray[np.intp], logits: NDArray[np.float64]) -> list[float]:
    """Macro area under the ROC curve and balanced accuracy."""
    one_hot = np.eye(labels)[truth]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return [macro_auroc(one_hot, p), balanced_accuracy(one_hot, p)]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean over draws and its 95% limits."""
    mean, n = float(np.mean(values)), len(values)
    half = float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return mean, mean - half, mean + half


def drawn(rows: Sequence[dict[str, Any]]) -> Table:
    """The table for a person."""
    table = Table(title="Macro AUROC by images a class: mean over draws (95% interval)")
    for column in ("set", "shots", "draws", "transfer", "from chance", "difference, same draws"):
        table.add_column(column)
    for row in rows:
        area = {side: [s[0] for s in row[side]] for side in SIDES}
        paired = [a - b for a, b in zip(area["transfer"], area["chance"], strict=True)]
        texts = ["{:.3f} ({:.3f} to {:.3f})".format(*interval(area[s])) for s in SIDES]
        table.add_row(
            row["set"],
            str(row["shots"]),
            str(row["draws"]),
            *texts,
            "{:+.3f} ({:+.3f} to {:+.3f})".format(*interval(paired)),
        )
    return table


def plot(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """One panel a set: both curves with their intervals."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(r["set"] for r in rows))
    figure = Figure(figsize=(4.6 * len(names), 3.4), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        own = [r for r in rows if r["set"] == name]
        for side, colour, text in zip(
            SIDES, ("#1f6f8b", "#c8553d"), ("transfer", "from chance"), strict=True
        ):
            points = np.array([interval([s[0] for s in r[side]]) for r in own])
            shots = [r["shots"] for r in own]
            axes.plot(shots, points[:, 0], color=colour, marker="o", markersize=4, label=text)
            axes.fill_between(shots, points[:, 1], points[:, 2], color=colour, alpha=0.18, linewidth=0)
        axes.set(xscale="log", xlabel="images a class", ylabel="macro AUROC, test patients", title=name)
        axes.set_ylim(0.3, 1.02)
        axes.set_xticks([r["shots"] for r in own], [str(r["shots"]) for r in own])
        axes.minorticks_off()
        axes.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":")
        axes.legend(frameon=False, loc="upper left")
    figure.savefig(out)


if __name__ == "__main__":
    main()
