"""The table of radiomics features: of one mask, of a cohort, of what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from overread.cohort.radiomics import radiomics_command
from overread.errors import InputError
from overread.imaging.formats.raster import write_png
from overread.stats.radiomics import radiomics


def _pictures(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a mask of two structures and a rim that nobody knows, and one in black and white."""
    image = np.random.default_rng(0).integers(0, 255, (30, 31)).astype(np.uint8)
    mask = np.zeros((30, 31), np.uint8)
    mask[3:12, 4:20] = 1
    mask[15:25, 8:30] = 3
    mask[25, 8:30] = 255
    write_png(folder / "a.png", image)
    write_png(folder / "a_mask.png", mask)
    write_png(folder / "b.png", image[::-1].copy())
    write_png(folder / "b_mask.png", np.where(mask == 1, 255, 0).astype(np.uint8))
    return image, mask


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as f:
        return list(csv.DictReader(f))


def test_each_structure_of_a_mask_has_a_row(tmp_path: Path) -> None:
    image, mask = _pictures(tmp_path)
    out = tmp_path / "out.csv"
    assert radiomics_command([tmp_path / "a.png", tmp_path / "a_mask.png"], out, bins=16) == 2
    rows = _table(out)
    assert [(r["case"], r["label"], int(r["voxels"])) for r in rows] == [
        ("a.png", str(k), int((mask == k).sum())) for k in (1, 3)
    ]
    for row, k in zip(rows, (1, 3), strict=True):
        expected = radiomics(image, mask == k, bins=16)
        assert {key: float(row[key]) for key in expected} == pytest.approx(expected)


def test_a_cohort_gives_every_case_with_a_mask(tmp_path: Path) -> None:
    _pictures(tmp_path)
    (tmp_path / "cohort.csv").write_text(
        "case,patient,split,image,mask\nc1,p1,train,a.png,a_mask.png\nc2,p2,test,b.png,b_mask.png\n"
        "c3,p3,val,b.png,b_mask.png\n",
        encoding="utf-8",
    )
    out = tmp_path / "out.csv"
    assert radiomics_command([tmp_path], out) == 4
    assert [(r["case"], r["patient"], r["channel"], r["label"]) for r in _table(out)] == [
        ("c1", "p1", "image", "1"),
        ("c1", "p1", "image", "3"),
        ("c2", "p2", "image", "255"),
        ("c3", "p3", "image", "255"),
    ]


def test_what_gives_no_table_is_named(tmp_path: Path) -> None:
    _pictures(tmp_path)
    out = tmp_path / "out.csv"
    with pytest.raises(InputError, match="an image and its mask, or a folder"):
        radiomics_command([tmp_path], out)
    with pytest.raises(InputError, match="--bin-width 2, --bins 3: expected one of them"):
        radiomics_command([tmp_path / "a.png", tmp_path / "a_mask.png"], out, bin_width=2, bins=3)
    write_png(tmp_path / "none.png", np.zeros((30, 31), np.uint8))
    with pytest.raises(InputError, match="no mask holds a structure"):
        radiomics_command([tmp_path / "a.png", tmp_path / "none.png"], out)
    write_png(tmp_path / "small.png", np.ones((5, 5), np.uint8))
    with pytest.raises(InputError, match="case a"):
        radiomics_command([tmp_path / "a.png", tmp_path / "small.png"], out)
    assert not out.exists()
