"""Nothing that was trained, checked or sealed can be exchanged unnoticed before the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import overread.pipeline.stages as stages
from overread.errors import InputError


@pytest.fixture
def road(small_road: Path, tmp_path: Path) -> Path:
    folder = tmp_path / small_road.name
    shutil.copytree(small_road, folder)
    return folder


def move_a_trained_patient_into_the_test(folder: Path) -> None:
    path = folder / "cohort.csv"
    path.write_text(path.read_text().replace(",train,", ",test,", 1))


def redraw_a_test_mask(folder: Path) -> None:
    rows = (folder / "cohort.csv").read_text().splitlines()
    case = next(r for r in rows if ",test," in r).split(",")[0]
    other = next(r for r in rows if ",train," in r).split(",")[0]
    shutil.copy(folder / "masks" / f"{other}.nii.gz", folder / "masks" / f"{case}.nii.gz")


def damage_the_weights(folder: Path) -> None:
    path = folder / "model" / "weights.pt"
    path.write_bytes(path.read_bytes()[:-1000])


def rename_a_label(folder: Path) -> None:
    path = folder / "protocol.yaml"
    path.write_text(path.read_text().replace("lesion", "tumour"))


Fault = Callable[[Path], None]


@pytest.mark.parametrize("fault", [move_a_trained_patient_into_the_test, redraw_a_test_mask])
def test_lock_and_test_refuse_an_exchanged_cohort(road: Path, fault: Fault) -> None:
    fault(road)
    with pytest.raises(InputError, match=r"cohort\.csv|files\.json"):
        stages.lock_stage(road)
    with pytest.raises(InputError, match="after the lock"):
        stages.test_stage(road)


@pytest.mark.parametrize("fault", [damage_the_weights, rename_a_label, move_a_trained_patient_into_the_test])
def test_package_refuses_what_was_not_trained(road: Path, fault: Fault) -> None:
    before = next((road / "package").glob("*.overread")).read_bytes()
    fault(road)
    with pytest.raises(InputError, match="train again"):
        stages.package_stage(road)
    assert next((road / "package").glob("*.overread")).read_bytes() == before
