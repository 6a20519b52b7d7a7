"""A whole protocol whose test was sealed and whose lock was signed: drawn discs of two sizes, run once per session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.cohort.table import write_csv
from overread.keys.ring import STATE, Keyring
from overread.pipeline.stages import run_stages
from tests.narrow import narrow

WORDS = "four words of hers"
PEOPLE = (("Ann Lee", ["analyst"]), ("Bob Ray", ["quality", "reviewer"]))


@dataclass(frozen=True)
class Road:
    """The protocol's ``folder``, the ``state`` folder with the keys of `PEOPLE`, and a file with their passphrase."""

    folder: Path
    state: Path
    words: Path


def draw_discs(folder: Path, *, patients: int = 30) -> None:
    """PNG images of small and large bright discs, and cohort.csv with a split."""
    (folder / "images").mkdir(parents=True)
    rows, rng = [], np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    for n in range(patients):
        radius = 5 if n % 2 else 10
        disc = (y - 16) ** 2 + (x - 16) ** 2 < radius**2
        pixels = np.clip(60 + 120 * disc + rng.normal(0, 12, disc.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{n:02d}.png")
        split = "test" if n % 5 in (0, 1) else "val" if n % 5 == 2 else "train"
        rows.append(
            {
                "case": f"case{n:02d}",
                "patient": f"p{n:02d}",
                "split": split,
                "image": f"images/{n:02d}.png",
                "label": "small" if n % 2 else "large",
                "sex": "FM"[n // 2 % 2],
            }
        )
    write_csv(folder / "cohort.csv", list(rows[0]), rows)


@pytest.fixture(scope="session")
def sealed_road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """The road of `draw_discs`, sealed for Bob and signed by Ann."""
    place = tmp_path_factory.mktemp("sealed")
    road = Road(place / "discs", place / "state", place / "words")
    road.words.write_text(f"{WORDS}\n")
    draw_discs(road.folder)
    with pytest.MonkeyPatch.context() as patched:
        narrow(patched)
        patched.setenv(STATE, str(road.state))
        for name, roles in PEOPLE:
            Keyring().new(name, roles, WORDS)
        run_stages(road.folder, epochs=2, seal=["Bob Ray"], sign="Ann Lee", passphrase_file=road.words)
    return road
