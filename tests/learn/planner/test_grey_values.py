"""The choice of how grey values are scaled, and that it is recorded."""

from __future__ import annotations

import pytest

from overread.learn.intensity import choose_intensity

STATISTICS = [{"p0_5": -900.0, "p50": 0.0, "p99_5": 400.0, "mean": 20.0, "std": 0.0}]


def choose(task="classification", modality=("CT",), body_part=(), channels=1):
    return choose_intensity(STATISTICS, task=task, modality=modality, body_part=body_part, channels=channels)


@pytest.mark.parametrize(
    ("task", "modality", "body_part", "method", "preset", "reason"),
    [
        ("classification", ["CT"], ["CHEST"], "fixed", "lung", "lung window, -600 HU and 1500 wide"),
        ("classification", ["CT"], ["HEAD"], "fixed", "brain", "CT of HEAD"),
        ("classification", ["CT"], ["HEAD", "CHEST"], "fixed", "", "of the training cases"),
        ("classification", ["CT", "MR"], ["HEAD"], "zscore", "", "CT, MR differs between scanners"),
        ("classification", ["MR"], ["HEAD"], "zscore", "", "image by image"),
        ("classification", ["DX"], ["CHEST"], "fixed", "", "of the training cases"),
        ("classification", [], [], "fixed", "", "unstated modality"),
        ("segmentation", ["CT"], ["HEAD"], "fixed", "", "the foreground of the training cases"),
        ("segmentation", ["PT"], [], "fixed", "", "the foreground"),
        ("segmentation", ["MR"], ["HEAD"], "zscore", "", "image by image"),
        ("segmentation", [], [], "zscore", "", "image by image"),
    ],
)
def test_choice(task, modality, body_part, method, preset, reason) -> None:
    chosen, why = choose(task, modality, body_part, channels=2)
    assert [(c.method, c.preset) for c in chosen] == [(method, preset)] * 2
    assert reason in why


def test_values() -> None:
    window = choose(body_part=["HEAD"])[0][0]
    assert (window.low, window.high, window.mean, window.std) == (0, 80, 40, 40)
    fixed = choose()[0][0]
    assert (fixed.low, fixed.high, fixed.mean, fixed.std) == (-900, 400, 20, 1e-6)
