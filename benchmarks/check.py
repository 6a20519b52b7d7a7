"""Near-duplicates in `overread check`: 10,000 images compared with each other, and what is found of planted copies.

Real radiographs (PneumoniaMNIST, 28 pixels, the hardest case: all alike) and copies of them after a small change.
Wanted: under a minute on two cores, at least 95% of the copies, false alarms on at most 1% of the images.
Reads the folder OVERREAD_DATA (default ../shared/data).
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.console import Console
from rich.table import Table

from overread.cohort.near import near_duplicates, thumbnail
from overread.imaging.image import Image
from overread.stats.intervals import proportion_ci

Picture = NDArray[np.uint8]
IMAGES = 10_000


def turned(picture: Picture) -> Picture:
    """Turned by one degree."""
    return np.asarray(Pillow.fromarray(picture).rotate(1, Pillow.Resampling.BILINEAR))


def recompressed(picture: Picture) -> Picture:
    """JPEG of quality 75."""
    file = io.BytesIO()
    Pillow.fromarray(picture).save(file, "JPEG", quality=75)
    return np.asarray(Pillow.open(file))


def cropped(picture: Picture) -> Picture:
    """5% off every side."""
    rows, columns = (max(1, round(0.05 * n)) for n in picture.shape)
    return np.ascontiguousarray(picture[rows:-rows, columns:-columns])


def brighter(picture: Picture) -> Picture:
    """A tenth more contrast, 8 grey values brighter."""
    return np.clip(picture * 1.1 + 8, 0, 255).astype(np.uint8)


def all_of_it(picture: Picture) -> Picture:
    """All four together."""
    return recompressed(turned(brighter(cropped(picture))))


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "turned by 1 degree": turned,
    "JPEG, quality 75": recompressed,
    "cropped by 5%": cropped,
    "brighter": brighter,
    "all four": all_of_it,
}


def main() -> None:
    """Print the table."""
    file = Path(os.environ.get("OVERREAD_DATA", "../shared/data")) / "pneumoniamnist28" / "pneumoniamnist.npz"
    if not file.is_file():
        sys.exit(f"{file}: not there; set OVERREAD_DATA to the folder of real images")
    with np.load(file) as f:
        pictures = np.concatenate([f[f"{part}_images"] for part in ("train", "val", "test")])
    first = np.unique(pictures.reshape(len(pictures), -1), axis=0, return_index=True)[1]
    originals = [pictures[i] for i in sorted(first)]
    each = (IMAGES - len(originals)) // len(CHANGES)
    chosen = np.random.default_rng(0).permutation(len(originals))
    planted: dict[tuple[int, int], str] = {}
    everything = list(originals)
    for n, (name, change) in enumerate(CHANGES.items()):
        for i in chosen[each * n : each * (n + 1)]:
            planted[(int(i), len(everything))] = name
            everything.append(change(originals[i]))
    start = time.perf_counter()
    thumbs = [thumbnail(Image(p[None], np.eye(4))) for p in everything]
    made = time.perf_counter() - start
    found = {(p.first, p.second) for p in near_duplicates(thumbs, workers=os.cpu_count() or 1)}
    seconds = time.perf_counter() - start
    table = Table(title=f"{len(everything)} images compared in {seconds:.0f} s ({made:.1f} s to shrink them)")
    for column in ("planted copies", "found", "95% interval"):
        table.add_column(column)
    for name in CHANGES:
        pairs = [pair for pair, kind in planted.items() if kind == name]
        share = proportion_ci(sum(pair in found for pair in pairs), len(pairs))
        table.add_row(name, f"{share.estimate:.1%} of {len(pairs)}", f"{share.low:.1%} to {share.high:.1%}")
    alarmed = {i for pair in found - planted.keys() for i in pair}
    share = proportion_ci(len(alarmed), len(everything))
    table.add_row(
        "false alarms, of all images", f"{share.estimate:.2%}", f"{share.low:.2%} to {share.high:.2%}"
    )
    Console().print(table)


if __name__ == "__main__":
    main()
