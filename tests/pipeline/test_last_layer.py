"""What a package is given beside its network: draws only of logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.learn.toys import plan

from overread.learn.export import Exported, Head
from overread.learn.plan import Named, Sureness
from overread.pipeline import last_layer


def test_an_evidential_network_gets_no_draws_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_layer, "Engine", lambda *_: None)
    asked = {"loss": Named(name="evidential"), "uncertainty": Sureness(draws="laplace", distance="none")}
    head = Head(np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32))
    features = last_layer.TrainingFeatures(Exported(b"", {}, 0, head), plan().model_copy(update=asked))
    features.rows = list(np.ones((4, 3), np.float32))
    told: Any = features.uncertainty()[0]
    assert told.evidential and told.draws is None and "outputs are evidence" in told.notes[0]
