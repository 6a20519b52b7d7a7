"""What the tests of the imports share: tiny files, and what must work after every import."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.cohort.cohort import Cohort
from overread.cohort.truth import TRUTHS
from overread.errors import InputError
from overread.pipeline.stages.check import check_stage
from overread.pipeline.stages.init import init_stage
from overread.task import TASKS

AFFINE = np.diag([1.0, 1, 2, 1])


def volume(path: Path, seed: int = 0, shape: tuple[int, ...] = (6, 7, 8), affine: Any = AFFINE) -> Path:
    """Write a NIfTI file of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.random.default_rng(seed).integers(1, 500, shape).astype(np.int16)
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def label_map(path: Path, values: tuple[int, ...] = (1,), shape: tuple[int, ...] = (6, 7, 8)) -> Path:
    """Write a NIfTI file with one plane of each of ``values``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros(shape, np.uint8)
    for k, value in enumerate(values):
        array[k + 1] = value
    nib.save(nib.Nifti1Image(array, AFFINE), path)
    return path


def picture(path: Path, seed: int = 0, rows: int = 24, columns: int = 32, colour: bool = True) -> Path:
    """Write a picture of noise."""
    shape = (rows, columns, 3) if colour else (rows, columns)
    return save(path, np.random.default_rng(seed).integers(1, 255, shape).astype(np.uint8))


def save(path: Path, array: NDArray[Any]) -> Path:
    """Write an array as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(array).save(path)
    return path


def text(path: Path, *lines: str) -> Path:
    """Write lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def task_of(out: Path) -> dict[str, Any]:
    """task.json of a cohort folder."""
    content: dict[str, Any] = json.loads((out / "task.json").read_text())
    return content


def boxes_of(case: Any) -> list[dict[str, Any]]:
    """The boxes of a case."""
    content: list[dict[str, Any]] = json.loads(case.boxes.read_text())
    return content


def refused(make: Callable[..., None], folder: Path, said: str, **options: str) -> None:
    """The import raises InputError that says so, and leaves nothing behind."""
    out = folder.parent / "refused"
    with pytest.raises(InputError, match=said):
        make(folder, out, **options)
    assert not out.exists() and not list(out.parent.glob(".*.part"))


def goes_on(out: Path) -> Cohort:
    """The cohort, after `overread init` and `overread check` have accepted it."""
    init_stage(out)
    check_stage(out)
    return Cohort.read(out, need=TRUTHS[TASKS[task_of(out)["task"]].truth].COLUMN)


def waits(out: Path, need: str, said: str) -> Cohort:
    """The cohort of a task that cannot be trained yet, which `overread init` says; of a known one, protocol.yaml."""
    if task_of(out)["task"] in TASKS:
        init_stage(out)
        assert (out / "protocol.yaml").is_file()
        return Cohort.read(out, need=need)
    with pytest.raises(InputError, match=said):
        init_stage(out)
    assert not (out / "protocol.yaml").exists()
    return Cohort.read(out, need=need)
