"""Near-duplicates and burned-in text in `overread check`: what is found of what was planted, and how fast.

Near-duplicates: 10,000 real radiographs (PneumoniaMNIST, 28 pixels, the hardest case: all alike) with copies of them
after a change; micrographs (nuclei, blood smears) likewise. Wanted: under a minute on two cores, at least 95% of the
copies, false alarms on at most 1% of the images. Text: a line drawn over real images, in one of their corners.
Reads the folder OVERREAD_DATA (default ../shared/data).

    python -m benchmarks.check
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from benchmarks.planted import HARD, TURNED, USUAL, Picture
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from overread.cohort.near_duplicates import near_duplicates, thumbnail
from overread.imaging.burned_in import text_lines
from overread.imaging.image import Image
from overread.imaging.read import read
from overread.stats.intervals import proportion_ci

CHANGES = USUAL | TURNED | HARD
IMAGES = 10_000
WORDS = ("DOE^JANE 1961", "12/03/2019", "ID 4711-0815", "St. Mary Hospital", "M 47Y 120kV")


def radiographs(data: Path) -> list[Picture]:
    """The images of PneumoniaMNIST, each once."""
    with np.load(data / "pneumoniamnist28" / "pneumoniamnist.npz") as f:
        pictures = np.concatenate([f[f"{part}_images"] for part in ("train", "val", "test")])
    first = np.unique(pictures.reshape(len(pictures), -1), axis=0, return_index=True)[1]
    return [pictures[i] for i in sorted(first)]


def micrographs(data: Path, pattern: str) -> list[Picture]:
    """The files of a set as gray pictures."""
    return [np.asarray(Pillow.open(f).convert("L")) for f in sorted(data.glob(pattern))]


def near(originals: list[Picture], each: int, name: str) -> Table:
    """Plant ``each`` copies of every kind, of different originals where there are enough, and look for them."""
    chosen = np.random.default_rng(0).permutation(len(originals))
    planted: dict[tuple[int, int], str] = {}
    everything = list(originals)
    for n, (kind, change) in enumerate(CHANGES.items()):
        for i in chosen[each * n : each * (n + 1)]:
            planted[(int(i), len(everything))] = kind
            everything.append(change(originals[i]))
    start = time.perf_counter()
    thumbs = [thumbnail(Image(p[None], np.eye(4))) for p in everything]
    made = time.perf_counter() - start
    found = {(p.first, p.second) for p in near_duplicates(thumbs, workers=os.cpu_count() or 1)}
    seconds = time.perf_counter() - start
    table = Table(title=f"{name}: {len(everything)} images in {seconds:.0f} s ({made:.1f} s to shrink them)")
    for column in ("planted copies", "found", "95% interval"):
        table.add_column(column)
    for kind in CHANGES:
        pairs = [pair for pair, made_by in planted.items() if made_by == kind]
        share = proportion_ci(sum(pair in found for pair in pairs), len(pairs))
        table.add_row(kind, f"{share.estimate:.1%} of {len(pairs)}", f"{share.low:.1%} to {share.high:.1%}")
    alarmed = {i for pair in found - planted.keys() for i in pair}
    share = proportion_ci(len(alarmed), len(everything))
    table.add_row("unplanned, of all images", f"{share.estimate:.2%}", f"{share.low:.2%} to {share.high:.2%}")
    return table


def written(plane: Picture, rng: np.random.Generator) -> Picture | None:
    """A line of text in a corner; None where its ink would differ by less than 128 of 255 from what is there."""
    picture = Pillow.fromarray(plane)
    draw = ImageDraw.Draw(picture)
    size = int(rng.integers(max(11, min(plane.shape) // 40), max(15, min(plane.shape) // 14)))
    font = ImageFont.load_default(size)
    text = str(rng.choice(WORDS))
    width, rim = int(font.getlength(text)), size // 2
    top = int(rng.choice([rim, plane.shape[0] - 2 * size]))
    left = int(rng.choice([rim, max(rim, plane.shape[1] - width - rim)]))
    ink = int(rng.choice([0, 220, 255]))
    under = plane[top : top + size, left : left + width]
    if abs(float(under.mean()) - ink) < 128:
        return None
    draw.text((left, top), text, fill=ink, font=font)
    return np.asarray(picture)


def text(sets: dict[str, list[Picture]]) -> Table:
    """How many of the images with a drawn line are named, and how many of those without."""
    rng = np.random.default_rng(0)
    table = Table(title="burned-in text")
    for column in ("images", "found", "95% interval", "false alarms", "95% interval", "ms an image"):
        table.add_column(column)
    for name, planes in sets.items():
        start = time.perf_counter()
        alarms = [bool(text_lines(p)) for p in planes]
        seconds = (time.perf_counter() - start) / len(planes)
        hits = [bool(text_lines(w)) for _ in range(3) for p in planes if (w := written(p, rng)) is not None]
        shares = (proportion_ci(sum(v), len(v)) for v in (hits, alarms))
        cells = [
            cell for s in shares for cell in (f"{s.estimate:.1%} of {s.n}", f"{s.low:.1%} to {s.high:.1%}")
        ]
        table.add_row(name, *cells, f"{1000 * seconds:.0f}")
    return table


def slices(path: Path) -> list[Picture]:
    """The slices of a volume as gray pictures."""
    volume = read(path).array[0].astype(np.float32)
    low, high = np.percentile(volume, [0.5, 99.8])
    scaled = np.clip((volume - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return [np.ascontiguousarray(scaled[:, :, k].T) for k in range(scaled.shape[2])]


def main() -> None:
    """Print the tables."""
    data = Path(os.environ.get("OVERREAD_DATA", "../shared/data"))
    if not data.is_dir():
        sys.exit(f"{data}: not there; set OVERREAD_DATA to the folder of real images")
    chest = radiographs(data)
    nuclei = micrographs(data, "dsb2018_nuclei/images/*.png")
    blood = micrographs(data, "bccd_blood_detection/JPEGImages/*.jpg")
    console = Console()
    console.print(near(chest, (IMAGES - len(chest)) // len(CHANGES), "chest radiographs, 28 pixels"))
    console.print(near(nuclei, len(nuclei) // len(CHANGES), "nuclei"))
    console.print(near(blood, len(blood) // len(CHANGES), "blood smears (some are truly of one field)"))
    console.print(
        text(
            {
                "nuclei": nuclei,
                "blood smears": blood,
                "brain MR": slices(data / "dicom_mr_t1_structural" / "studyforrest_t1_7T_64slices.zip"),
                "head CT": slices(data / "dicom_ct_head_series" / "ge_head_ct_28slices.zip"),
            }
        )
    )


if __name__ == "__main__":
    main()
