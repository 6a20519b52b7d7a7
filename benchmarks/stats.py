"""Statistics: our time beside the incumbent's, same data, same machine, one thread, both in one run.

Median wall seconds of repetitions in turn, so that a drift of the machine hits both alike. Where the incumbent
is measured on a part of the work and scaled, the row says so. ``python benchmarks/stats.py auc`` runs the rows
whose function's name holds that word.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

REPEATS = 5


@dataclass(frozen=True)
class Row:
    """One claim: seconds of ours and of the incumbent, and how many times faster ours should be."""

    claim: str
    incumbent: str
    ours: float
    theirs: float
    wanted: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours


def bootstrap_auc() -> Row:
    """2,000 resamples of 5,000 cases; the loop is measured on 40 resamples and scaled to 2,000."""
    from sklearn.metrics import roc_auc_score

    from overread.stats.roc import auc

    y, score = scored(5000)
    draws = np.random.default_rng(1)

    def loop() -> None:
        for _ in range(40):
            rows = draws.integers(0, len(y), len(y))
            roc_auc_score(y[rows], score[rows])

    ours, theirs = in_turn(lambda: auc(y, score, method="bootstrap", resamples=2000), loop)
    name = "scikit-learn loop (40 resamples, scaled to 2,000)"
    return Row("bootstrap AUC, n = 5,000, 2,000 resamples", name, ours, theirs * 50, 50)


def delong_variance() -> Row:
    """DeLong's interval of 20,000 cases beside the comparison of every pair."""
    from overread.stats.roc import auc

    y, score = scored(20_000)
    positives, negatives = score[y == 1], score[y == 0]

    def every_pair() -> None:
        wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
        first, second = wins.mean(axis=1), wins.mean(axis=0)
        float(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))

    ours, theirs = in_turn(lambda: auc(y, score), every_pair, repeats=3, calls=20)
    return Row("DeLong, n = 20,000", "quadratic form (every pair)", ours, theirs, 100)


def hausdorff95_beside_monai() -> Row:
    """HD95 between voxel boundaries of two spheres in 256^3 voxels."""
    import monai.metrics

    from overread.stats.segmentation import hausdorff95

    (a, b), onehot = spheres()
    ours, theirs = in_turn(
        lambda: hausdorff95(a, b), lambda: monai.metrics.compute_hausdorff_distance(*onehot, percentile=95)
    )
    return Row("HD95, 256^3, r 60", "MONAI", ours, theirs, 4)


def hausdorff95_beside_medpy() -> Row:
    """HD95 of the same spheres; medpy pools the directions, and is run once after its warm-up."""
    from medpy.metric import binary

    from overread.stats.segmentation import hausdorff95

    (a, b), _ = spheres()
    ours, theirs = in_turn(
        lambda: hausdorff95(a, b, definition="pooled"), lambda: binary.hd95(a, b), repeats=1
    )
    return Row("HD95, 256^3, r 60", "medpy", ours, theirs, 30)


def surface_dice_beside_monai() -> Row:
    """NSD at 2 voxels of the same spheres, by boundary voxels."""
    import monai.metrics

    from overread.stats.segmentation import nsd

    (a, b), onehot = spheres()
    ours, theirs = in_turn(
        lambda: nsd(a, b, tolerance=2),
        lambda: monai.metrics.compute_surface_dice(*onehot, class_thresholds=[2.0]),
    )
    return Row("NSD, 256^3, r 60", "MONAI", ours, theirs, 4)


def surface_dice_beside_medpy() -> Row:
    """medpy has no NSD: its two directed distances, from which one would count, are the work of its ASSD."""
    from medpy.metric import binary

    from overread.stats.segmentation import nsd

    (a, b), _ = spheres()
    ours, theirs = in_turn(lambda: nsd(a, b, tolerance=2), lambda: binary.assd(a, b), repeats=1)
    return Row("NSD, 256^3, r 60", "medpy (its distances; it has no NSD)", ours, theirs, 30)


def detection_intervals() -> Row:
    """2,000 resamples of 300 images with 5,800 boxes of 3 classes; the loop is one evaluation, scaled to 2,000."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from overread.stats.detection import mean_average_precision

    pred, truth = detections(300)
    gt, found = COCO(), []
    annotations = []
    for i, (p, t) in enumerate(zip(pred, truth, strict=True), 1):
        for (x1, y1, x2, y2), label in zip(t["boxes"].tolist(), t["labels"].tolist(), strict=True):
            entry = {"id": len(annotations) + 1, "image_id": i, "category_id": label, "iscrowd": 0}
            annotations.append({**entry, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
        for (x1, y1, x2, y2), score, label in zip(p["boxes"].tolist(), p["scores"], p["labels"], strict=True):
            found.append([i, x1, y1, x2 - x1, y2 - y1, score, label])
    gt.dataset = {
        "images": [{"id": i + 1} for i in range(len(pred))],
        "annotations": annotations,
        "categories": [{"id": c} for c in (1, 2, 3)],
    }

    def again() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            gt.createIndex()
            run = COCOeval(gt, gt.loadRes(np.array(found)), "bbox")
            run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
            run.params.maxDets = [100]
            run.evaluate()
            run.accumulate()

    ours, theirs = in_turn(lambda: mean_average_precision(pred, truth, resamples=2000), again, repeats=1)
    name = "pycocotools loop (1 evaluation, scaled to 2,000)"
    return Row("mAP interval, 2,000 resamples of 300 images", name, ours, theirs * 2000, 50)


def kernel_drift_beside_recomputing() -> Row:
    """MMD of 2,000 and 2,000 rows, 100 permutations; scikit-learn's kernel anew for each of 5, scaled to 100."""
    from sklearn.metrics.pairwise import rbf_kernel

    from overread.stats.drift import mmd

    x, y = features()
    pooled, draws = np.concatenate([x, y]), np.random.default_rng(1)

    def recompute() -> None:
        for _ in range(5):
            order = draws.permutation(len(pooled))
            a, b = pooled[order[: len(x)]], pooled[order[len(x) :]]
            for first, second in ((a, a), (b, b), (a, b)):
                rbf_kernel(first, second, gamma=0.02).mean()

    ours, theirs = in_turn(lambda: mmd(x, y, permutations=100), recompute)
    name = "scikit-learn kernel anew (5 permutations, scaled to 100)"
    return Row("MMD, 2,000 + 2,000 rows, 100 permutations", name, ours, theirs * 20, 30)


def kernel_drift_beside_reindexing() -> Row:
    """The same; the kernel is there already and its rows and columns are re-indexed for each of 5, scaled."""
    from sklearn.metrics.pairwise import rbf_kernel

    from overread.stats.drift import mmd

    x, y = features()
    n, draws = len(x), np.random.default_rng(1)
    kernel = rbf_kernel(np.concatenate([x, y]), gamma=0.02)

    def reindex() -> None:
        for _ in range(5):
            order = draws.permutation(len(kernel))
            moved = kernel[np.ix_(order, order)]
            moved[:n, :n].mean() + moved[n:, n:].mean() - 2 * moved[:n, n:].mean()

    ours, theirs = in_turn(lambda: mmd(x, y, permutations=100), reindex)
    name = "re-indexed kernel (5 permutations, scaled to 100)"
    return Row("MMD, 2,000 + 2,000 rows, 100 permutations", name, ours, theirs * 20, 30)


CLAIMS: list[Callable[[], Row]] = [
    bootstrap_auc,
    delong_variance,
    hausdorff95_beside_monai,
    hausdorff95_beside_medpy,
    surface_dice_beside_monai,
    surface_dice_beside_medpy,
    detection_intervals,
    kernel_drift_beside_recomputing,
    kernel_drift_beside_reindexing,
]


def main() -> None:
    """Print one row per claim."""
    wanted = sys.argv[1:] or [""]
    table = Table("task", "ours, s", "incumbent", "its s", "times faster", "wanted")
    for claim in CLAIMS:
        if any(word in claim.__name__ for word in wanted):
            row = claim()
            seconds = [f"{v:.3g}" for v in (row.ours, row.theirs)]
            times = (f"{row.ratio:.0f}", f"{row.wanted:.0f}")
            table.add_row(row.claim, seconds[0], row.incumbent, seconds[1], *times)
    Console(width=140).print(table)


def scored(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of 0 and 1 and scores (n,) with an area of about 0.76."""
    generator = np.random.default_rng(0)
    y = (generator.random(n) < 0.5).astype(int)
    return y, generator.normal(size=n) + y


def spheres() -> tuple[tuple[np.ndarray, np.ndarray], list[Any]]:
    """Two balls of radius 60 in 256^3 voxels, one 3 voxels off along each axis; and one-hot, as MONAI wants."""
    import torch

    torch.set_num_threads(1)
    axes = np.ogrid[:256, :256, :256]
    a, b = (sum((x - centre) ** 2 for x in axes) <= 60**2 for centre in (128, 131))
    return (a, b), [torch.from_numpy(np.stack([~m, m])[None].astype(np.float32)) for m in (a, b)]


def detections(images: int) -> tuple[list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]]:
    """Detections made of objects, moved, doubled, lost and invented; and the objects."""
    generator = np.random.default_rng(0)
    pred, truth = [], []
    for _ in range(images):
        n = int(generator.integers(5, 25))
        corner, size = generator.uniform(0, 500, (n, 2)), generator.uniform(20, 120, (n, 2))
        boxes, labels = np.hstack([corner, corner + size]), generator.integers(1, 4, n)
        copies = np.repeat(np.arange(n), generator.integers(0, 3, n))
        stray = generator.uniform(0, 500, (5, 2))
        moved = boxes[copies] + np.tile(generator.normal(0, 6, (len(copies), 2)), 2)
        every = np.vstack([moved, np.hstack([stray, stray + 60])])
        truth.append({"boxes": boxes, "labels": labels})
        kinds = np.concatenate([labels[copies], generator.integers(1, 4, 5)])
        pred.append({"boxes": every, "scores": generator.random(len(every)), "labels": kinds})
    return pred, truth


def features() -> tuple[np.ndarray, np.ndarray]:
    """Two samples of 2,000 vectors of 16 features."""
    generator = np.random.default_rng(0)
    return generator.normal(size=(2000, 16)), generator.normal(size=(2000, 16))


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int = REPEATS, calls: int = 1
) -> tuple[float, float]:
    """Median seconds of both jobs, run in turn after one warm-up each; a short job of ours ``calls`` times."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for job, times, count in ((ours, seconds[0], calls), (theirs, seconds[1], 1)):
            began = time.perf_counter()
            for _ in range(count):
                job()
            if repeat:
                times.append((time.perf_counter() - began) / count)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


if __name__ == "__main__":
    main()
