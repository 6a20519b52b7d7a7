"""Who was opened once is not trained on unnoticed; a seed of training moves nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image as Pillow

from overread.cohort.cohort import Cohort
from overread.cohort.splits.apply import keep_splits, split_table
from overread.cohort.table import read_table
from overread.errors import InputError
from overread.pipeline.openings import EVENT, PATIENTS, identities, opened, opened_in_training, refuse_opened
from overread.pipeline.stages.init import init_stage
from overread.pipeline.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["case,patient,image,label"]
    for n in range(60):
        Pillow.fromarray(np.full((4, 5), n, np.uint8)).save(tmp_path / f"{n}.png")
        lines.append(f"c{n},p{n // 2},{n}.png,{'ab'[n // 2 % 2]}")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    init_stage(tmp_path)
    return tmp_path


def _set(folder: Path, **values: object) -> Workspace:
    path = folder / "protocol.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))
    return Workspace.open(folder)


def test_the_seed_of_training_moves_nobody(folder: Path) -> None:
    dealt = {c.case: c.split for c in Workspace.open(folder).cohort()}
    assert {c.case: c.split for c in _set(folder, seed=7).cohort()} == dealt


def test_the_split_is_written_once_and_kept(folder: Path) -> None:
    space = Workspace.open(folder)
    before = space.cohort()
    assert keep_splits(folder, {c.patient: c.split for c in before})
    assert "split" in read_table(folder).columns and space.cohort().digest() == before.digest()
    # Neither other shares nor another call deals anew.
    assert not keep_splits(folder, {c.patient: "train" for c in before})
    assert _set(folder, split={"train": 0.2, "val": 0.4, "test": 0.4}).cohort().digest() == before.digest()


def test_opened_patients_are_no_training_patients(folder: Path) -> None:
    space = Workspace.open(folder)
    cohort = space.cohort()
    refuse_opened(space, cohort)
    space.ledger.append(EVENT, {PATIENTS: identities(cohort.split("test"))})
    assert opened(space.ledger) == set(identities(cohort.split("test")))
    # The same test again is an opening more, and no training on it.
    refuse_opened(space, cohort)
    assert opened_in_training(space, cohort) == 0
    split_table(folder, seed=5, anew=True)
    again = space.cohort()
    moved = {c.patient for c in cohort.split("test")} - {c.patient for c in again.split("test")}
    assert moved and opened_in_training(space, again) == len(moved)
    with pytest.raises(InputError, match=f"{len(moved)} training or tuning patients were test patients"):
        refuse_opened(space, again)
    refuse_opened(_set(folder, reuse_opened=True), again)


def test_identifiers_are_not_kept(folder: Path) -> None:
    cohort = Cohort.read(folder)
    kept = identities(cohort)
    assert len(kept) == 30 and not {c.patient for c in cohort} & set(kept) and len(set(map(len, kept))) == 1


def test_a_given_test_is_left_alone(folder: Path) -> None:
    """A table with train and test, and one with the test and empty cells: val of every class, the test as it was."""
    for others in ("train", ""):
        table = read_table(folder)
        wanted = ["test" if int(r["patient"][1:]) >= 22 else others for r in table.rows]
        lines = ["case,patient,image,label,split"]
        for row, part in zip(table.rows, wanted, strict=True):
            lines.append(",".join([*(row[k] for k in ("case", "patient", "image", "label")), part]))
        (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
        with pytest.raises(InputError, match=r"`overread split .*`"):
            Cohort.read(folder)
        result = split_table(folder)
        cohort = Cohort.read(folder)
        assert result.carved and result.patients["test"] == 8 and 2 <= result.patients["val"] <= 4
        assert {c.patient for c in cohort.split("test")} == {f"p{n}" for n in range(22, 30)}
        assert {c.label for c in cohort.split("val")} == {"a", "b"}
