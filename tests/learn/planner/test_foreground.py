"""Objects are favoured where a patch anywhere would hardly show them."""

from __future__ import annotations

from overread.learn.planner.foreground import SHARE, choose_foreground_share


def test_rare_lesions_are_favoured_and_vessels_are_not() -> None:
    share, why = choose_foreground_share([32, 32, 32], {"lesion": 0.001}, {"lesion": 5.0})
    assert share == SHARE and "lesion" in why
    share, why = choose_foreground_share([256, 256], {"vessel": 0.07}, {"vessel": 60.0})
    assert share == 0 and why.startswith("Patches are drawn anywhere")


def test_one_rare_label_of_several_is_enough() -> None:
    share, why = choose_foreground_share(
        [64, 64], {"organ": 0.3, "cyst": 0.002}, {"organ": 20.0, "cyst": 8.0}
    )
    assert share == SHARE and "cyst would" in why and "organ" not in why
