"""Regions: painted inner over outer, and read back as the same regions."""

from __future__ import annotations

import numpy as np
import pytest

from overread.runtime.regions import Region, as_regions, judged, paint, region_faults, spread, structures

LABELS = ["background", "necrosis", "oedema", "solid", "enhancing"]
TUMOUR = {
    "whole": Region(labels=["necrosis", "oedema", "solid", "enhancing"], paints="oedema"),
    "core": Region(labels=["necrosis", "solid", "enhancing"], paints="solid"),
    "enhancing": Region(labels=["enhancing"], paints="enhancing"),
}


def test_without_regions_each_label_is_a_structure() -> None:
    assert structures(["background", "a", "b"], {}) == {"a": (1,), "b": (2,)}
    assert structures(LABELS, TUMOUR) == {"whole": (1, 2, 3, 4), "core": (1, 3, 4), "enhancing": (4,)}


def test_nested_regions_come_back_from_the_label_map() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, (6, 7, 8)).astype(np.uint8)
    values = list(structures(LABELS, TUMOUR).values())
    painted = paint(spread(truth, values).astype(np.float32), LABELS, TUMOUR)
    assert np.array_equal(spread(painted, values), spread(truth, values))
    # Necrosis has no region of its own: it is painted as solid.
    assert set(np.unique(painted[truth == 1])) == {3}


def test_an_inner_region_alone_is_part_of_the_outer_ones() -> None:
    found = np.zeros((3, 4, 4), np.float32)
    found[2, 1, 1] = 0.9
    painted = paint(found, LABELS, TUMOUR)
    assert painted[1, 1] == 4 and painted.sum() == 4
    assert spread(painted, list(structures(LABELS, TUMOUR).values()))[:, 1, 1].all()


def test_regions_side_by_side_are_allowed() -> None:
    organs = {k: Region(labels=[k], paints=k) for k in ("a", "b")}
    assert not list(region_faults(organs, ["background", "a", "b"]))
    assert not list(region_faults(TUMOUR, LABELS)) and not list(region_faults({}, LABELS))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"core": Region(labels=["solid", "calcium"], paints="solid")}, "calcium"),
        ({"core": Region(labels=[], paints="solid")}, "no labels"),
        ({"core": Region(labels=["solid"], paints="necrosis")}, "paints 'necrosis'"),
        (
            {"core": Region(labels=["necrosis", "solid", "enhancing"], paints="enhancing")},
            "belongs to enhancing",
        ),
        ({"background": Region(labels=["solid"], paints="solid")}, "name 'background'"),
        ({"whole": Region(labels=["oedema"], paints="oedema")}, "is in none of them"),
        ({"whole": Region(labels=["oedema", "solid"], paints="oedema")}, "is no part of it"),
        ({"twice": Region(labels=["solid"], paints="solid")}, "painted by two"),
    ],
)
def test_what_cannot_be_read_back_is_refused(changed: dict[str, Region], said: str) -> None:
    labels = LABELS if said != "is in none of them" else [*LABELS, "cyst"]
    assert any(said in fault for fault in region_faults({**TUMOUR, **changed}, labels))


def test_a_list_of_labels_is_a_region_that_paints_what_is_its_own() -> None:
    written = {
        "whole": ["necrosis", "oedema", "solid", "enhancing"],
        "core": {"labels": ["necrosis", "solid", "enhancing"], "paints": "solid"},
        "enhancing": ["enhancing"],
    }
    assert {name: Region.model_validate(of) for name, of in as_regions(written).items()} == TUMOUR
    assert judged(LABELS, TUMOUR) == ["background", "whole", "core", "enhancing"]
    assert judged(LABELS, {}) == LABELS
