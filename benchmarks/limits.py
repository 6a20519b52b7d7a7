"""What the limits of a package refuse: ordinary cases held back, and images of another kind, on real sets.

Of each set 60% of the images make the limits, 15% tune them, and the rest is held against them (five draws; patients
are not told apart). Images of other sets should be refused. No network takes part.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from overread.errors import OverreadError
from overread.imaging.image import Image
from overread.imaging.read import read
from overread.runtime.looks import distance, likeness_of
from overread.runtime.manifest import GreyLimits, Intensity, Preprocess
from overread.runtime.reference import Seen, color_limits, grey_limits

DATA = Path(os.environ.get("OVERREAD_DATA", "../shared/data"))
SETS = {
    "pneumoniamnist28": ("pneumoniamnist.npz", "gray"),
    "head_ct_haemorrhage": ("images/*", "gray"),
    "busi_breast_ultrasound": ("images/*", "gray"),
    "hc18_fetal_head_ultrasound": ("images/*", "gray"),
    "idrid_dr_grades": ("**/*.jpg", "rgb"),
    "ham10000_skin": ("**/*.jpg", "rgb"),
    "nih_chestxray14_64": ("**/*.png", "gray"),
    "msd_hippocampus_3d": ("imagesTr/*.nii.gz", "as_is"),
    "adrenalmnist3d": ("*.npz", "as_is"),
}
MOST, DRAWS = 200, 5


def images(name: str) -> list[Image]:
    """Up to `MOST` images of a set, evenly over its files."""
    pattern, _ = SETS[name]
    files = sorted((DATA / name).glob(pattern))
    if pattern.endswith(".npz"):
        content = np.load(files[0])["train_images"]
        return [Image(x[None], np.eye(4)) for x in content[:: max(1, len(content) // MOST)][:MOST]]
    found = []
    for file in files[:: max(1, len(files) // MOST)][:MOST]:
        try:
            found.append(read(file))
        except OverreadError as error:
            Console(stderr=True).print(f"left out: {error}")
    return found


def spec_of(name: str, values: list[Image]) -> Preprocess:
    """As the planner scales pictures to classify: by the values of the training cases."""
    color, dimensions = SETS[name][1], len(values[0].spatial)
    sample = np.concatenate([v.array.ravel()[::50] for v in values]).astype(np.float64)
    low, high = np.percentile(sample, [0.5, 99.5])
    fixed = Intensity(
        method="fixed", low=float(low), high=float(high), mean=float(sample.mean()), std=float(sample.std())
    )
    own = Intensity(method="tissue") if dimensions == 3 else fixed
    return Preprocess.model_validate(
        {"dimensions": dimensions, "color": color, "intensity": [own] * (3 if color == "rgb" else 1)}
    )


def refused(found: Seen, color: tuple[float, float] | None, grey: list[GreyLimits], likeness: object) -> str:
    """The first code by which an image would be refused, or nothing."""
    if color is not None and found.color is not None and not color[0] <= found.color <= color[1]:
        return "COLOR"
    for limit, values in zip(grey, found.grey_values, strict=True):
        if limit.percentiles and ((values < limit.low) | (values > limit.high)).any():
            return "GREY_VALUES"
    assert likeness is not None
    return "LIKENESS" if distance(found.looks, likeness) > likeness.most else ""  # type: ignore[attr-defined,arg-type]


def main() -> None:
    """Print the table."""
    every = {name: images(name) for name in SETS}
    table = Table("limits of", "cases", "own refused", *[n.split("_")[0][:9] for n in SETS])
    for name, own in every.items():
        spec = spec_of(name, own)
        seen = {
            other: [Seen.of(i, spec) for i in (group if other == name else group[:40])]
            for other, group in every.items()
            if len(group[0].spatial) == spec.dimensions
        }
        share: dict[str, list[float]] = {}
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(len(own))
            parts = np.split(order, [int(0.6 * len(own)), int(0.75 * len(own))])
            train, tune, test = ([seen[name][k] for k in part] for part in parts)
            limits = (
                color_limits(s.color for s in [*train, *tune]),
                grey_limits([*train, *tune], patients=len(train) + len(tune)),
                likeness_of(
                    [s.looks for s in train],
                    [s.looks for s in tune],
                    patients=[str(k) for k in parts[0]],
                    tuned_patients=[str(k) for k in parts[1]],
                ),
            )
            for other, group in seen.items():
                held = test if other == name else group
                share.setdefault(other, []).append(float(np.mean([bool(refused(s, *limits)) for s in held])))
        row = [f"{np.mean(share[o]):.0%}" if o in share and o != name else "" for o in SETS]
        table.add_row(name, str(len(own)), f"{np.mean(share[name]):.1%}", *row)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
