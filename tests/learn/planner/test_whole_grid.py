"""The grid of whole images has the proportions of the median image, in mm where files state them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.learn.looks import look, room

from overread.learn.planner.spacing import cell_spacing
from overread.learn.planner.whole_grid import choose_whole_grid
from overread.runtime.manifest import Intensity, Preprocess


@pytest.mark.parametrize(
    ("shape", "spacing", "size", "mm"),
    [
        ((28, 28), (1, 1), [28, 28], None),
        ((1024, 512), (1, 1), [224, 112], None),
        ((1024, 512), (0.2, 0.2), [224, 112], [0.9143, 0.9143]),
        ((64, 64, 2), (1, 1, 1), [64, 64, 16], None),
        ((256, 256, 24), (0.9, 0.9, 9.0), [96, 96, 24], [2.4, 2.4, 9.0]),
        ((64, 64, 18), (1.0, 1.0, 6.0), [64, 64, 18], [1.0, 1.0, 6.0]),
        ((120, 120, 100), (1.0, 1.0, 1.2), [96, 96, 96], [1.25, 1.25, 1.25]),
    ],
)
def test_shape_and_size_are_kept(shape, spacing, size, mm) -> None:
    given, why = choose_whole_grid(look(shape, spacing), room(len(shape)))
    assert (given["size"], given.get("spacing"), given["fit"]) == (size, mm, "pad")
    assert why.startswith(f"Size {size}") and ("physical size" in why) == (mm is not None)


def test_spacings_that_are_not_alike_say_nothing_of_pictures() -> None:
    seen = replace(look((1000, 800), (0.2, 0.2)), max_spacing=(1.0, 1.0))
    assert "spacing" not in choose_whole_grid(seen, room(2))[0]


def test_larger_patients_fit_up_to_a_quarter_over_the_median() -> None:
    seen = replace(look((80, 60, 50), (1.5, 1.5, 1.5)), max_shape=(90, 600, 50))
    assert choose_whole_grid(seen, room(3))[0]["size"] == [90, 75, 50]


def test_cells_are_told_in_mm() -> None:
    spec = Preprocess(dimensions=2, size=[112, 112], fit="pad", intensity=[Intensity(method="zscore")])
    assert cell_spacing(look((448, 224), (1, 1)), spec) == [4.0, 4.0]
    squeezed = spec.model_copy(update={"fit": "stretch"})
    assert cell_spacing(look((448, 224), (1, 1)), squeezed) == [4.0, 2.0]
