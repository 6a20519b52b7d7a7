"""What the distance of features refuses beside the declared limits, on real sets of pictures.

``python -m benchmarks.limits_features``. Features are those of EfficientNet-Lite0 with ImageNet weights at 96 x 96
pixels, as a package that starts from them has before it is trained on. Of each set 60% of the images are the reference,
15% fix the limit, and the rest is held against it (five draws; patients are not told apart). Own: false refusals; the
columns: share of other sets refused, by the features alone.
"""

from __future__ import annotations

import numpy as np
from benchmarks.limits import DRAWS, SETS, images
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from overread.evaluate.strange import distance_limit
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_rgb
from overread.runtime.uncertainty.distance import Method, distances, fit_distance
from overread.stats.intervals import proportion_ci

SIDE, MOST = 96, 120
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
METHODS: tuple[Method, ...] = ("mahalanobis", "nearest")


def features_of(pictures: list[Image]) -> NDArray[np.float64]:
    """``(n, F)`` of pictures, each scaled by its own percentiles."""
    import torch

    from overread.imaging.grid.zoom import resize_array
    from overread.learn.transfer.load import load_weights
    from overread.learn.weights.find import find_weights, read_weights
    from overread.nets.architecture import Need
    from overread.nets.networks import architecture, build

    name = "efficientnet_lite0"
    arguments = architecture(name, answer="classes").arguments(Need(2, (SIDE, SIDE), (1.0, 1.0), False))
    network = build(name, 2, 3, 2, arguments).eval()
    load_weights(network, read_weights(find_weights(name)[0]), where=name)
    found = []
    for picture in pictures:
        x = to_rgb(picture).array.astype(np.float32)
        low, high = np.percentile(x, [0.5, 99.5])
        x = np.clip((x - low) / max(float(high - low), 1e-6), 0, 1)
        x = resize_array(x, [SIDE, SIDE], order=1)
        x = (x - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
        with torch.inference_mode():
            found.append(network.features(torch.from_numpy(x[None].astype(np.float32)))[0].numpy())
    return np.stack(found).astype(np.float64)


def main() -> None:
    """Print a table for each kind of distance."""
    every = {}
    for name in track([n for n, (_, color) in SETS.items() if color != "as_is"], "Features"):
        found = images(name)
        every[name] = features_of(found[:: max(1, len(found) // MOST)][:MOST])
    for method in METHODS:
        table = Table(f"{method}: reference", "own refused (95%)", *[n.split("_")[0][:9] for n in every])
        for name, own in every.items():
            lost, kept, share = 0, 0, dict.fromkeys(every, 0.0)
            for draw in range(DRAWS):
                order = np.random.default_rng(draw).permutation(len(own))
                train, tune, test = np.split(order, [int(0.6 * len(own)), int(0.75 * len(own))])
                arrays = fit_distance(own[train], method)
                most = distance_limit(distances(own[tune], arrays, method), method).most
                far = distances(own[test], arrays, method) > most
                lost, kept = lost + int(far.sum()), kept + len(far)
                for other, group in every.items():
                    share[other] += float((distances(group, arrays, method) > most).mean()) / DRAWS
            # Draws share images: as wide as one draw alone would be.
            ci = proportion_ci(round(lost / DRAWS), round(kept / DRAWS))
            row = ["" if other == name else f"{share[other]:.0%}" for other in every]
            table.add_row(name, f"{lost / kept:.1%} (to {ci.high:.0%})", *row)
        Console(width=150).print(table)


if __name__ == "__main__":
    main()
