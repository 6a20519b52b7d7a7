"""Every purpose has numbers of its own."""

from __future__ import annotations

from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.augment.random import generator


def test_purpose_seed_epoch_and_index_each_give_other_numbers() -> None:
    purposes = ["rotate", "scale", "flip", "shift", "elastic", "place", "order", *GREY_VALUES]
    keys = [(0, p, 0, 0) for p in purposes] + [(1, "flip", 0, 0), (0, "flip", 1, 0), (0, "flip", 0, 1)]
    assert len({generator(*k).random() for k in keys}) == len(keys)
    assert generator(0, "flip", 5, 9).random() == generator(0, "flip", 5, 9).random()


def test_drawing_much_does_not_run_into_the_next_image() -> None:
    many = set(generator(0, "noise", 0, 0).integers(2**62, size=10_000).tolist())
    assert not many & set(generator(0, "noise", 0, 1).integers(2**62, size=10_000).tolist())
