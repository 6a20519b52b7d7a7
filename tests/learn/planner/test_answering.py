"""An image is answered by the untrained network to see how long that takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from tests.learn.toys import DETECTION, MULTILABEL, SEGMENTATION, plan

from overread.cohort.case import Case
from overread.learn.planner import answering
from overread.learn.planner.answering import measure_answering


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    found = []
    for k in range(3):
        path = tmp_path / f"{k}.png"
        Picture.fromarray(np.random.default_rng(k).integers(0, 255, (40, 44), np.uint8)).save(path)
        found.append(Case(f"c{k}", f"p{k}", {"image": path}))
    return found


@pytest.mark.parametrize("changes", [{}, MULTILABEL, SEGMENTATION, DETECTION])
def test_every_task_is_answered_by_the_clinics_own_road(
    changes: dict, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, road = [], answering.predict
    monkeypatch.setattr(answering, "predict", lambda package, image: asked.append(1) or road(package, image))
    found = measure_answering(plan(**changes), cases, positive=None if changes else "bright")
    assert len(asked) == 3 and found.export > 0 and found.case > 0


def test_one_case_is_enough_and_windows_may_be_larger_than_patches(cases: list[Case]) -> None:
    p = plan(**SEGMENTATION, window=[32, 48], overlap=0.25)
    assert p.answered_at_once == [32, 48] and plan(**SEGMENTATION).answered_at_once == [16, 16]
    assert measure_answering(p, cases[:1]).case > 0
