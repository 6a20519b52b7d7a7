"""Findings side by side, some of them not stated."""

from __future__ import annotations

import numpy as np
import torch
from tests.learn.toys import MULTILABEL, plan, sides

from overread.imaging.image import Image
from overread.learn.fit import fit
from overread.learn.tasks import multilabel
from overread.runtime.manifest import Intensity, Preprocess


def test_target_keeps_what_is_not_stated() -> None:
    spec = Preprocess(dimensions=2, size=[4, 4], intensity=[Intensity(method="fixed")])
    target = multilabel.target(np.array([1.0, np.nan, 0.0]), Image(np.zeros((1, 8, 8)), np.eye(4)), spec)
    np.testing.assert_array_equal(target["labels"], np.array([1, np.nan, 0], np.float32))


def test_each_finding_is_learnt_though_a_quarter_is_not_stated() -> None:
    p = plan(**MULTILABEL | {"epochs": 12})
    network = fit(p, sides(96), []).network
    held_out = sides(60, seed=5)
    with torch.no_grad():
        logits = network(torch.from_numpy(np.stack([e.image for e in held_out]))).numpy()
    truth = np.stack([e.target["labels"] for e in held_out])
    for k in range(2):
        stated = ~np.isnan(truth[:, k])
        assert ((logits[stated, k] > 0) == truth[stated, k]).mean() > 0.9


def test_score_is_the_findings_own_logit() -> None:
    z = torch.randn(3, 4)
    assert torch.equal(multilabel.score({"logits": z}, 2), z[:, 2])
