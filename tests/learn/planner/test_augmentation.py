"""Augmentation by modality and body part, within what the protocol allows."""

from __future__ import annotations

import math
from typing import Any

import pytest

from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.constraints import Constraints
from overread.learn.plan import Augment
from overread.learn.planner.augmentation import OF_MODALITY, choose_augmentation
from overread.runtime.manifest import Intensity

OWN = Augment(rotate_deg=10, scale=0.2, shift=0.05, elastic=0.03, grey_values={"noise": 0.1})


def chosen(own: Augment = OWN, **changes: Any) -> tuple[Augment, list[str]]:
    base: dict[str, Any] = {
        "dimensions": 3,
        "modality": ["MR"],
        "body_part": [],
        "color": False,
        "patch": [64, 64, 40],
        "extent_mm": [128.0, 128.0, 160.0],
    }
    return choose_augmentation(own, **(base | changes))


def test_every_artefact_exists() -> None:
    assert {name for each in OF_MODALITY.values() for name in each} <= set(GREY_VALUES)


def test_artefacts_are_those_of_the_modality() -> None:
    mr, reasons = chosen()
    assert {"bias_field", "motion", "noise"} <= set(mr.grey_values) and "of MR" in reasons[0]
    assert "ct_dose" in chosen(modality=["CT"])[0].grey_values
    film = chosen(dimensions=2, modality=["DX", "CR"], patch=[224, 224], extent_mm=[300, 300])[0]
    assert set(film.grey_values) == {"exposure", "noise"}
    assert set(chosen(modality=["CT", "MR"])[0].grey_values) == {"low_resolution", "noise"}
    assert chosen(modality=["NM"]) == (OWN, []) == chosen(modality=[])
    assert chosen(patch=[28, 28, 28])[0] == OWN
    assert "motion" in chosen(patch=[96, 96, 12])[0].grey_values


def test_stains_are_of_colour_pictures_and_know_their_white() -> None:
    picture = {
        "dimensions": 2,
        "modality": [],
        "body_part": ["HISTOLOGY"],
        "patch": [96, 96],
        "extent_mm": [96, 96],
    }
    fixed = [Intensity(method="fixed", mean=155.0, std=50.0)]
    own = OWN.model_copy(update={"flip": [0, 1]})
    augment, reasons = chosen(own, **picture, color=True, intensity=fixed)
    assert "stain" in augment.grey_values and augment.white == [2.0] * 3 and augment.black == [-3.1] * 3
    assert augment.rotate_deg == 180 and any("no up and down" in r for r in reasons)
    assert "stain" not in chosen(own, **picture)[0].grey_values
    assert (
        chosen(own, **picture, color=True, intensity=[Intensity(method="range", percentiles=(1, 99))])[
            0
        ].white
        == []
    )


def test_limbs_lie_as_they_like() -> None:
    assert chosen(body_part=["KNEE"])[0].rotate_deg == 30
    assert chosen(body_part=["KNEE", "CHEST"])[0].rotate_deg == 10
    still = OWN.model_copy(update={"rotate_deg": 0.0})
    assert chosen(still, body_part=["KNEE"])[0].rotate_deg == 0


def test_the_protocol_has_the_last_word() -> None:
    limits = Constraints(
        mirror="never", rotate_deg=5, shift_mm=4, elastic_mm=1.6, scale=0.1, without=["motion", "noise"]
    )
    own = OWN.model_copy(update={"flip": [0]})
    augment, reasons = chosen(own, limits=limits)
    assert augment.flip == [] and augment.rotate_deg == 5
    # Of the longest axis, 160 mm: on no other are it more millimetres.
    assert augment.shift == pytest.approx(4 / 160) and augment.elastic == pytest.approx(0.01)
    assert augment.scale == pytest.approx(math.log(1.1))
    assert "motion" not in augment.grey_values and "noise" not in augment.grey_values
    assert reasons[-1].startswith("Augmentation keeps to protocol.yaml: mirror never, rotate_deg 5")
    assert chosen(limits=Constraints(mirror="left_right"))[0].flip == [0]
    assert chosen(limits=Constraints(mirror="left_right"), dimensions=2, patch=[64, 64])[0].flip == [1]
    # A wider limit widens nothing.
    assert chosen(limits=Constraints(rotate_deg=90))[0].rotate_deg == 10
