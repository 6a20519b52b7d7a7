"""What is of another kind is known by its looks, colour and grey values; what is of the same kind is not refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom
from tests.runtime.models import manifest

from overread.imaging.image import Image
from overread.runtime.limits import breaches, unchecked
from overread.runtime.looks import FEWEST, beyond, distance, likeness_of, looks
from overread.runtime.manifest import Intensity, Limits, Preprocess
from overread.runtime.reference import Seen, color_limits, grey_limits

GRAY = Preprocess(
    dimensions=2, color="gray", intensity=[Intensity(method="fixed", low=0, high=255, mean=90, std=50)]
)


def head(seed: int, *, size: int = 96) -> np.ndarray:
    """A slice through something round with noise and a bright rim."""
    rng = np.random.default_rng(seed)
    at = np.indices((size, size)) - size / 2 - rng.normal(0, 3, 2)[:, None, None]
    away = np.hypot(at[0] / rng.normal(1, 0.05), at[1] / rng.normal(0.8, 0.05)) / size
    inside = 80 + 20 * gaussian_filter(rng.normal(0, 6, (size, size)), 3)
    return np.where(away < 0.4, inside, np.where(away < 0.45, 230, 5)) + rng.normal(0, 3, (size, size))


def texture(seed: int) -> np.ndarray:
    """A picture without a background."""
    rng = np.random.default_rng(seed)
    return 120 + 60 * zoom(rng.normal(0, 1, (24, 24)), 4, order=1)


def image(array: np.ndarray, modality: str = "CT", **source: object) -> Image:
    array = array[None] if array.ndim == 2 else array
    return Image(np.clip(array, 0, 255).astype(np.uint8), np.eye(4), modality, source=source)


def names(count: int) -> list[str]:
    return [str(i) for i in range(count)]


HEADS = [Seen.of(image(head(i)), GRAY) for i in range(60)]
MADE = manifest(
    preprocess=GRAY,
    limits=Limits(
        modality=["CT"],
        age_years=(18, 90),
        color=color_limits(s.color for s in HEADS),
        grey_values=grey_limits(HEADS, patients=60),
        likeness=likeness_of(
            [s.looks for s in HEADS[:48]],
            [s.looks for s in HEADS[48:]],
            patients=names(48),
            tuned_patients=[f"t{i}" for i in range(12)],
        ),
    ),
)


def codes(picture: Image) -> list[str]:
    return [b.code for b in breaches(picture, MADE)]


def test_ordinary_cases_are_answered() -> None:
    refused = [bool(codes(image(head(i)))) for i in range(1000, 1200)]
    assert np.mean(refused) <= 0.02


def test_pictures_of_another_kind_are_refused() -> None:
    assert all("LIKENESS" in codes(image(texture(i))) for i in range(20))
    photograph = np.stack([texture(1), texture(2), texture(3)])
    assert codes(image(photograph))[:1] == ["COLOR"]


def test_values_on_another_scale_are_refused() -> None:
    """12 bits to a network of 8: all is clipped to one value, and a calibrated score came out of it."""
    wide = Image((head(5) * 16).clip(0).astype(np.uint16)[None], np.eye(4), "CT")
    assert codes(wide) == ["GREY_VALUES"]
    found = breaches(wide, MADE)[0]
    assert "percentile" in found.found and "deviations" in found.found


def test_a_gray_picture_is_no_colour_picture() -> None:
    rgb = Preprocess(dimensions=2, color="rgb", intensity=[Intensity(method="fixed", mean=120, std=60)] * 3)
    pictures = [image(np.stack([texture(3 * i + c) for c in range(3)])) for i in range(10)]
    shares = [Seen.of(p, rgb).color for p in pictures]
    of = manifest(preprocess=rgb, limits=Limits(color=color_limits(shares)))
    assert [b.code for b in breaches(image(texture(1)), of)] == ["COLOR"]
    assert not breaches(pictures[0], of)
    # A cohort of both has no such limit.
    assert color_limits([0.0, 0.9]) == (0.0, 1.0)
    assert color_limits([None]) is None


def test_what_is_not_stated_is_said_or_refused() -> None:
    silent = image(head(7), modality="")
    assert not breaches(silent, MADE)
    assert unchecked(silent, MADE) == (
        "MODALITY not stated, limit not checked",
        "AGE not stated, limit not checked",
    )
    strict = MADE.model_copy(update={"limits": MADE.limits.model_copy(update={"unstated": "refuse"})})
    assert [(b.code, b.found) for b in breaches(silent, strict)] == [
        ("MODALITY", "not stated"),
        ("AGE", "not stated"),
    ]
    assert not breaches(image(head(7), age_years=50.0), strict)
    of_any = manifest(preprocess=GRAY, limits=Limits())
    assert unchecked(image(head(7), "DX"), of_any) == (
        "the package states no modality: nobody checked that DX is the right one",
    )


def test_a_grid_beyond_the_bound_is_a_breach_and_no_exception() -> None:
    spec = Preprocess(
        dimensions=3, spacing=[1, 1, 1], orientation="RAS", intensity=[Intensity(method="tissue")]
    )
    of = manifest(preprocess=spec)
    metres = Image(np.zeros((1, 64, 64, 40), np.uint8), np.diag([1000.0, 1000, 1000, 1]), "MR")
    found = breaches(metres, of)
    assert [b.code for b in found] == [
        "GRID_SIZE"
    ] and "64 x 64 x 40 voxels of 1000 x 1000 x 1000 mm" in found[0].found


def test_pet_without_what_suv_needs_is_a_breach() -> None:
    spec = Preprocess(dimensions=3, intensity=[Intensity(method="fixed", suv="header")])
    pet = Image(np.ones((1, 4, 4, 4)), np.eye(4), "PT", source={"suv_missing": "PatientWeight is missing"})
    found = breaches(pet, manifest(preprocess=spec))
    assert [(b.code, b.found) for b in found] == [("SUV", "PatientWeight is missing")]
    assert not breaches(pet.with_(source={"suv_factor": 0.1}), manifest(preprocess=spec))


def test_channels_that_cannot_be_gray_are_a_breach() -> None:
    four = Image(np.zeros((4, 9, 9), np.uint8), np.eye(4), "CT")
    assert codes(four) == ["CHANNELS"]


@pytest.mark.parametrize("d", [2, 3])
def test_looks_do_not_depend_on_size_or_scale(d: int) -> None:
    rng = np.random.default_rng(0)
    small = gaussian_filter(rng.normal(0, 1, (32,) * d), 2)
    one, other = (looks(Image(a[None], np.eye(4))) for a in (small, zoom(small, 2, order=1) * 40 + 300))
    assert one.shape == other.shape and np.isfinite(one).all()
    # Roughness from pixel to pixel is what halving the pixels halves.
    assert np.median(np.abs(one - other)) < 0.05
    assert np.isfinite(looks(Image(np.full((1, *[9] * d), 7), np.eye(4)))).all()


def test_few_training_cases_say_nothing() -> None:
    few = [s.looks for s in HEADS[: FEWEST - 1]]
    assert likeness_of(few, [], patients=names(FEWEST - 1), tuned_patients=[]) is None
    assert likeness_of(few * 3, [], patients=names(FEWEST - 1) * 3, tuned_patients=[]) is None
    found = likeness_of([HEADS[0].looks] * FEWEST, [], patients=names(FEWEST), tuned_patients=[])
    assert found is not None and distance(HEADS[0].looks, found) == pytest.approx(0, abs=1e-9)
    assert distance(HEADS[0].looks[:5], found) == float("inf")


@pytest.mark.parametrize("count", [20, 30])
def test_few_patients_refuse_no_ordinary_one(count: int) -> None:
    """With n patients the next one lies beyond the outermost with a chance of 1 in n + 1, in some fifty directions."""
    draws = np.random.default_rng(count)
    refused = []
    for _ in range(20):
        own = draws.permutation(len(HEADS))
        seen = [HEADS[k] for k in own[:count]]
        likeness = likeness_of([s.looks for s in seen], [], patients=names(count), tuned_patients=[])
        assert likeness is not None
        refused += [distance(HEADS[k].looks, likeness) > likeness.most for k in own[count:]]
        # What is of another kind is refused all the same.
        assert distance(looks(image(texture(1))), likeness) > likeness.most
    assert np.mean(refused) <= 0.02


def test_tails_of_few_patients_reach_further() -> None:
    assert beyond(100) == pytest.approx(1) and beyond(500) == 1
    assert beyond(8) == pytest.approx(np.log(50) / np.log(4))
    assert beyond(2) == beyond(4)
