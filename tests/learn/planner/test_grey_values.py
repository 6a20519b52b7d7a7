"""The choice of how grey values are scaled, and that it is recorded."""

from __future__ import annotations

import pytest

from overread.learn.planner.grey_values import choose_grey_values

STATISTICS = [{"p0_5": -900.0, "p50": 0.0, "p99_5": 400.0, "mean": 20.0, "std": 0.0}]


def choose(of_foreground=False, modality=("CT",), body_part=(), channels=1):
    return choose_grey_values(
        STATISTICS, of_foreground=of_foreground, modality=modality, body_part=body_part, channels=channels
    )


@pytest.mark.parametrize(
    ("of_foreground", "modality", "body_part", "method", "preset", "reason"),
    [
        (False, ["CT"], ["CHEST"], "fixed", "lung", "lung window, -600 HU and 1500 wide"),
        (False, ["CT"], ["HEAD"], "fixed", "brain", "CT of HEAD"),
        (False, ["CT"], ["HEAD", "CHEST"], "fixed", "", "of the training cases"),
        (False, ["CT", "MR"], ["HEAD"], "zscore", "", "CT, MR differs between scanners"),
        (False, ["MR"], ["HEAD"], "zscore", "", "image by image"),
        (False, ["DX"], ["CHEST"], "fixed", "", "of the training cases"),
        (False, [], [], "fixed", "", "unstated modality"),
        (True, ["CT"], ["HEAD"], "fixed", "", "the foreground of the training cases"),
        (True, ["PT"], [], "fixed", "", "the foreground"),
        (True, ["MR"], ["HEAD"], "zscore", "", "image by image"),
        (True, [], [], "zscore", "", "image by image"),
    ],
)
def test_choice(of_foreground, modality, body_part, method, preset, reason) -> None:
    chosen, why = choose(of_foreground, modality, body_part, channels=2)
    assert [(c.method, c.preset) for c in chosen] == [(method, preset)] * 2
    assert reason in why


def test_values() -> None:
    window = choose(body_part=["HEAD"])[0][0]
    assert (window.low, window.high, window.mean, window.std) == (0, 80, 40, 40)
    fixed = choose()[0][0]
    assert (fixed.low, fixed.high, fixed.mean, fixed.std) == (-900, 400, 20, 1e-6)
