"""A few virtual patients, made once for all tests of this room, and small cohorts written by hand."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.cohort.cohort import Cohort
from overread.cohort.virtual.anatomy import Template, load_template
from overread.cohort.virtual.cohort import make_virtual_cohort

WriteCohort = Callable[..., Path]


@pytest.fixture(scope="session")
def virtual(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return make_virtual_cohort(tmp_path_factory.mktemp("virtual") / "cohort", patients=5, seed=11, workers=1)


@pytest.fixture(scope="session")
def template() -> Template:
    return load_template()


@pytest.fixture
def picture() -> Callable[[Path, NDArray[Any]], Path]:
    """Write a picture and give its path."""

    def write(path: Path, array: NDArray[Any]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(array).save(path)
        return path

    return write


@pytest.fixture
def pictures(tmp_path: Path) -> WriteCohort:
    """Write a cohort of random 8 x 8 pictures: rows of ``(split, label)``, with or without masks."""

    def write(rows: list[tuple[str, str]], *, masks: bool = False, **columns: list[str]) -> Path:
        rng = np.random.default_rng(0)
        table = []
        for i, (split, label) in enumerate(rows):
            row = {"case": f"c{i}", "patient": f"p{i}", "split": split, "image": f"c{i}.png", "label": label}
            Pillow.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).save(tmp_path / row["image"])
            if masks:
                mask = np.zeros((8, 8), np.uint8)
                mask[: 1 + i % 4] = 1
                Pillow.fromarray(mask).save(tmp_path / f"m{i}.png")
                row["mask"] = f"m{i}.png"
            table.append(row | {k: v[i] for k, v in columns.items()})
        with (tmp_path / "cohort.csv").open("w", newline="") as f:
            writer = csv.DictWriter(f, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
        return tmp_path

    return write
