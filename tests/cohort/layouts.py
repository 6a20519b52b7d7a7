"""What the tests of the imports share: tiny files, and what must work after every import."""

from __future__ import annotations

import json
import shutil
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


Damage = Callable[[Path], object]
"""Something done to the folder of a data set that was sound before."""


def fault(name: str, damage: Damage, said: str, **options: Any) -> Any:
    """A case of a parametrised test: ``name`` is its id, ``said`` what the import's message holds after ``damage``."""
    return pytest.param(damage, said, options, id=name)


def gone(name: str) -> Damage:
    """Files or folders, by their path or a pattern of it, are missing; "." is the data set itself."""

    def damage(root: Path) -> None:
        found = [root] if name == "." else list(root.glob(name))
        assert found, name
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    return damage


def moved(name: str, to: str) -> Damage:
    """A file or folder lies elsewhere."""
    return lambda root: (root / name).rename(root / to)


def edited(name: str, old: str, new: str, count: int = 1) -> Damage:
    """The first ``count`` places (-1: all) of a text file that read ``old`` read ``new``."""

    def damage(root: Path) -> None:
        content = (root / name).read_text(encoding="utf-8")
        assert old in content, (name, old)
        (root / name).write_text(content.replace(old, new, count), encoding="utf-8")

    return damage


def added(name: str, write: Callable[..., object] = picture, *content: Any, **options: Any) -> Damage:
    """A file is there, new or instead of another: as ``write`` (`picture`, `text`, `volume` ...) makes it."""
    return lambda root: write(root / name, *content, **options)


def bytes_of(path: Path, content: bytes) -> None:
    """Write bytes."""
    path.write_bytes(content)


def both(*damages: Damage) -> Damage:
    """One after the other."""

    def damage(root: Path) -> None:
        for one in damages:
            one(root)

    return damage


def refused(make: Callable[..., None], folder: Path, said: str, **options: str) -> None:
    """The import raises InputError that says so, and leaves nothing behind."""
    out = folder.parent / "refused"
    with pytest.raises(InputError, match=said):
        make(folder, out, **options)
    assert not out.exists() and not list(out.parent.glob(".*.part"))


def begins(out: Path) -> Cohort:
    """The cohort, after `overread init` has accepted it. Too few cases of some label, `overread check` may then say."""
    init_stage(out)
    return Cohort.read(out, need=TRUTHS[TASKS[task_of(out)["task"]].truth].COLUMN)


def goes_on(out: Path) -> Cohort:
    """The cohort, after `overread init` and `overread check` have accepted it."""
    cohort = begins(out)
    check_stage(out)
    return cohort


def waits(out: Path) -> Cohort:
    """The cohort of slides, which have no task of their own: `overread init` says so, and the table can be read."""
    with pytest.raises(InputError, match="the task is slide classification"):
        init_stage(out)
    assert not (out / "protocol.yaml").exists()
    return Cohort.read(out, need="label")
