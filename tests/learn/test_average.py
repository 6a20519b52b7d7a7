"""The average of weights: by hand, and in one operation that asks nothing of the device."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overread.learn.average import Average


def test_its_memory_grows_up_to_the_decay_and_counters_are_copied() -> None:
    network = nn.BatchNorm1d(1)
    average = Average(network, decay=0.3)
    seen = []
    for value in (1.0, 2.0, 4.0, 8.0):
        with torch.no_grad():
            network.weight.fill_(value)
            network.num_batches_tracked.fill_(int(value))
        average.update(network)
        seen.append(float(average.module.weight))
        assert int(average.module.num_batches_tracked) == int(value)
    # Decays: none, 2/11, 3/12, and 4/13 that 0.3 cuts.
    wanted = [1.0, 1 + (1 - 2 / 11) * 1]
    wanted.append(wanted[-1] + (1 - 3 / 12) * (4 - wanted[-1]))
    wanted.append(wanted[-1] + (1 - 0.3) * (8 - wanted[-1]))
    assert seen == pytest.approx(wanted)


def test_it_comes_back_from_its_state() -> None:
    one, other = (Average(nn.Linear(2, 2), decay=0.9) for _ in range(2))
    network = nn.Linear(2, 2)
    one.update(network)
    other.load(one.state())
    assert other.updates == 1
    assert all(torch.equal(v, other.module.state_dict()[k]) for k, v in one.module.state_dict().items())


def test_it_never_reads_a_number_off_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    average, network = Average(nn.Linear(2, 2), decay=0.9), nn.Linear(2, 2)

    def waits(*given: object) -> None:
        raise AssertionError("this would wait for a GPU")

    for name in ("item", "__float__", "__int__", "__bool__", "cpu", "tolist"):
        monkeypatch.setattr(torch.Tensor, name, waits)
    average.update(network)
    average.update(network)
