"""Several readers of one label: their votes as shares, how far they agree, and what no reader may say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.truth import label
from overread.cohort.truth.protocol import Shown, Voted
from overread.errors import InputError
from overread.imaging.image import Image

LABELS = ["no", "mild", "severe"]
IMAGE = Image(np.zeros((1, 4, 4), np.float32), np.eye(4))


def _read(tmp_path: Path, header: str, *rows: str) -> Cohort:
    Pillow.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    parts = ("train", "val", "test")
    lines = [f"case,patient,split,image,label,{header}"]
    lines += [f"c{i},p{i},{parts[i % 3]},a.png,{row}" for i, row in enumerate(rows)]
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    return Cohort.read(tmp_path, need="label")


def test_columns_of_readers_and_of_votes_say_the_same(tmp_path: Path) -> None:
    readers = _read(tmp_path, "reader_A,reader_B,reader_C", "mild,mild,mild,severe", "no,no,,no", "no,,,")
    assert readers.cases[0].votes == {"mild": 2, "severe": 1} and readers.cases[1].votes == {"no": 2}
    assert not readers.cases[0].attributes
    truth = label.read(readers.cases[0], IMAGE, LABELS)
    assert isinstance(truth, Voted) and truth == 1 and truth.shares == pytest.approx((0, 2 / 3, 1 / 3))
    plain = label.read(readers.cases[2], IMAGE, LABELS)
    assert plain == 0 and not isinstance(plain, Voted)
    before = readers.digest()
    votes = _read(tmp_path, "votes_mild,votes_severe,votes_no", "mild,2,1,0", "no,,,2", "no,,,")
    assert [c.votes for c in votes] == [c.votes for c in readers]
    assert votes.digest() != before
    votes.write()
    assert [c.votes for c in Cohort.read(tmp_path, need="label")] == [c.votes for c in votes]


def test_votes_are_whole_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2: votes_mild is '1\.5', expected how many readers"):
        _read(tmp_path, "votes_mild", "mild,1.5")


def _case(name: str, said: str, *votes: str) -> tuple[Case, Shown]:
    readings = {f"reader_{i}": v for i, v in enumerate(votes)}
    return Case(name, name, {}, label=said, split="train", readings=readings), Shown()


def test_the_check_states_how_far_readers_agree() -> None:
    cases = [_case(f"a{i}", LABELS[i % 3], LABELS[i % 3], LABELS[i % 3]) for i in range(12)]
    cases += [_case(f"b{i}", "no", "no", "mild") for i in range(4)]
    cases += [_case("c", "no", "mild", "severe", "mild"), _case("d", "no")]
    found = {f.code: f for f in label.faults(cases, LABELS)}
    assert (
        "17 of 18 cases were read by 2 to 3 readers; Krippendorff's alpha 0."
        in found["readers.agreement"].message
    )
    assert found["readers.minority"].cases == ("c",)
    unknown = label.faults([*cases, _case("e", "no", "no", "none")], LABELS)
    assert [(f.code, f.severity, f.cases) for f in unknown] == [("readers.unknown", "blocking", ("e",))]
    with pytest.raises(InputError, match="a reader said 'none'"):
        label.read(_case("e", "no", "no", "none")[0], IMAGE, LABELS)
