"""Cases are prepared as in the clinic, by their truth and their task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from tests.learn.toys import DETECTION, MULTILABEL, SEGMENTATION, plan

from overread.cohort.case import Case
from overread.errors import InputError, OverreadError
from overread.learn.data import load_examples


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A picture of 24 rows and 32 columns with every kind of truth."""
    rng = np.random.default_rng(0)
    Picture.fromarray(rng.integers(0, 255, (24, 32), np.uint8)).save(tmp_path / "image.png")
    mask = np.zeros((24, 32), np.uint8)
    mask[4:8, 6:16] = 1
    Picture.fromarray(mask).save(tmp_path / "mask.png")
    (tmp_path / "boxes.json").write_text(json.dumps([{"label": "bar", "box": [6, 4, 16, 8]}]))
    return Case(
        "a",
        "p",
        {"image": tmp_path / "image.png"},
        label="bright",
        mask=tmp_path / "mask.png",
        boxes=tmp_path / "boxes.json",
        findings={"bright": 1, "dark": None},
    )


def test_each_truth_becomes_its_tasks_target(case: Case) -> None:
    [classes] = load_examples([case], plan())
    assert classes.image.shape == (1, 12, 12) and classes.target["label"] == 1
    [findings] = load_examples([case], plan(**MULTILABEL))
    np.testing.assert_array_equal(findings.target["labels"], [1, np.nan])
    [mask] = load_examples([case], plan(**SEGMENTATION))
    assert mask.image.shape == (1, 24, 32) and mask.target["mask"].sum() == 40
    [boxes] = load_examples([case], plan(**DETECTION))
    np.testing.assert_allclose(boxes.target["low"], [[4, 6]])
    np.testing.assert_allclose(boxes.target["high"], [[8, 16]])
    assert boxes.target["labels"].tolist() == [1] and boxes.nbytes > boxes.image.nbytes


def test_every_case_is_told(case: Case) -> None:
    told = []
    load_examples([case, replace(case, case="b")], plan(), lambda: told.append(1))
    assert len(told) == 2


def test_a_truth_that_is_missing_is_named(case: Case) -> None:
    with pytest.raises(InputError, match=r"a: .*mask"):
        load_examples([replace(case, mask=None)], plan(**SEGMENTATION))


def test_what_does_not_fit_into_memory_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overread.learn.data.MEMORY_SHARE", 1e-12)
    with pytest.raises(OverreadError, match=r"1 prepared cases of .* choose a coarser spacing"):
        load_examples([case], plan())
