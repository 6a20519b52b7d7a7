"""What an explanation of a grade explains."""

from __future__ import annotations

import numpy as np
import torch

from overread.learn.tasks.ordinal import score
from overread.runtime.tasks.ordinal import at_least_odds, log_probabilities


def test_a_grade_is_explained_by_the_log_odds_of_it_or_a_higher_one() -> None:
    z = torch.tensor([[0.5, -1.0, 2.0], [9.0, 8.0, -3.0]])
    odds = at_least_odds(log_probabilities(z.numpy()))
    for label in (1, 2, 3):
        assert np.allclose(score({"logits": z}, label).numpy(), odds[:, label - 1], rtol=1e-4)
    assert torch.equal(score({"logits": z}, 0), -z[:, 0])
