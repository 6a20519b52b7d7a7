"""The choice of how grey values are scaled, and that it is recorded."""

from __future__ import annotations

import pytest

from overread.errors import InputError
from overread.learn.planner.grey_values import choose_grey_values, own_changes, sees_window
from overread.runtime.manifest import Channel

STATISTICS = [{"p0_5": -900.0, "p50": 0.0, "p99_5": 400.0, "mean": 20.0, "std": 0.0}]


def choose(of_foreground=False, modality=("CT",), body_part=(), channels=1, dimensions=3):
    return choose_grey_values(
        STATISTICS,
        of_foreground=of_foreground,
        modality=modality,
        body_part=body_part,
        channels=channels,
        dimensions=dimensions,
    )


@pytest.mark.parametrize(
    ("of_foreground", "modality", "body_part", "dimensions", "method", "preset", "reason"),
    [
        (False, ["CT"], ["CHEST"], 3, "fixed", "lung", "lung window, -600 HU and 1500 wide"),
        (False, ["CT"], ["HEAD"], 2, "fixed", "brain", "CT of HEAD"),
        (False, ["CT"], ["HEAD", "CHEST"], 3, "fixed", "", "of the training cases"),
        (False, ["CT", "MR"], ["HEAD"], 3, "tissue", "", "CT, MR differs between scanners"),
        (False, ["MR"], ["HEAD"], 2, "tissue", "", "over what is no air"),
        (False, ["DX"], ["CHEST"], 2, "range", "", "scale of DX differs between machines"),
        (False, ["US"], [], 2, "range", "", "own percentiles, 0.1 and 99.9"),
        (False, [], [], 2, "fixed", "", "unstated modality"),
        (False, ["XC"], [], 2, "fixed", "", "of the training cases"),
        (True, ["CT"], ["HEAD"], 3, "fixed", "", "the foreground of the training cases"),
        (True, ["PT"], [], 3, "fixed", "", "SUV by body weight"),
        (True, ["MR"], ["HEAD"], 3, "tissue", "", "image by image"),
        (True, [], [], 3, "tissue", "", "image by image"),
        (True, [], [], 2, "range", "", "own percentiles"),
        (True, ["SM"], [], 2, "range", "", "own percentiles"),
        (True, ["US"], [], 3, "range", "", "own percentiles"),
    ],
)
def test_choice(of_foreground, modality, body_part, dimensions, method, preset, reason) -> None:
    chosen, why = choose(of_foreground, modality, body_part, channels=2, dimensions=dimensions)
    assert [(c.method, c.preset) for c in chosen] == [(method, preset)] * 2
    assert reason in why


def test_pet_and_ct_are_scaled_each_by_its_own_modality() -> None:
    inputs = [Channel(name="ct", modality=["CT"]), Channel(name="pet", modality=["PT"])]
    chosen, why = choose_grey_values(
        [*STATISTICS, {"p0_5": 0.0, "p50": 1.0, "p99_5": 12.0, "mean": 1.5, "std": 2.0}],
        of_foreground=True,
        modality=["CT", "PT"],
        body_part=[],
        channels=2,
        inputs=inputs,
        seen=["CT", "PT"],
    )
    assert [(c.method, c.high, c.suv) for c in chosen] == [("fixed", 400, None), ("fixed", 12, "header")]
    assert "Grey values of CT" in why and "SUV by body weight" in why


@pytest.mark.parametrize(
    ("unit", "seen", "method", "suv"),
    [(None, ["PT"], "fixed", "header"), ("SUV", [], "fixed", "stated"), ("BQML", [], "range", None)],
)
def test_pet_files_say_their_unit_or_the_protocol_does(unit, seen, method, suv) -> None:
    inputs = [Channel(name="pet", modality=["PT"], unit=unit)]
    options = {"of_foreground": True, "modality": ["PT"], "body_part": [], "channels": 1}
    chosen, _ = choose_grey_values(STATISTICS, inputs=inputs, seen=seen, **options)
    assert (chosen[0].method, chosen[0].suv) == (method, suv)
    with pytest.raises(InputError, match="unit: SUV"):
        choose_grey_values(STATISTICS, inputs=[Channel(name="pet", modality=["PT"])], seen=[], **options)


def test_radiographs_are_seen_through_their_window_and_contrasts_change_each_by_itself() -> None:
    assert sees_window(["DX", "CR"]) and not sees_window(["CT"]) and not sees_window([])
    assert own_changes(3, color=True) == 1 and own_changes(3, color=False) == 3


def test_values() -> None:
    window = choose(body_part=["HEAD"])[0][0]
    assert (window.low, window.high, window.mean, window.std) == (0, 80, 40, 40)
    fixed = choose()[0][0]
    assert (fixed.low, fixed.high, fixed.mean, fixed.std) == (-900, 400, 20, 1e-6)
