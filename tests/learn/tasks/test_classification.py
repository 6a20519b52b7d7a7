"""What is explained of a class is its log odds, which no common addend moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overread.imaging.image import Image
from overread.learn.tasks import classification
from overread.runtime.manifest import Intensity, Preprocess


def test_score_is_log_odds() -> None:
    z = torch.tensor([[1.0, 2.0, -1.0]])
    p = z.softmax(1)[0, 1]
    score = classification.score({"logits": z}, 1)
    assert score.item() == pytest.approx(torch.log(p / (1 - p)).item(), rel=1e-5)
    torch.testing.assert_close(classification.score({"logits": z + 7}, 1), score)


def test_target_is_the_class() -> None:
    spec = Preprocess(dimensions=2, size=[4, 4], intensity=[Intensity(method="fixed")])
    target = classification.target(2, Image(np.zeros((1, 8, 8)), np.eye(4)), spec)
    assert target["label"].item() == 2 and target["label"].dtype == np.int64
