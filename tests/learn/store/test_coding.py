"""Arrays come back as they were, or within the bound that is stated, in the type that is promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from overread.learn.store.coding import KEPT, decode, encode, spread

SHAPES = array_shapes(min_dims=0, max_dims=3, max_side=9)
EXACT = st.sampled_from(["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f8", "f2", "?"])


def back(array: NDArray) -> NDArray:
    coded = encode(array)
    assert coded.numbers.shape == array.shape
    return decode(coded.numbers, coded.coding, coded.table)


@given(st.data())
def test_what_is_not_float32_is_exact_to_the_bit(data: st.DataObject) -> None:
    array = data.draw(arrays(data.draw(EXACT), SHAPES))
    found = back(array)
    assert found.dtype == array.dtype and found.tobytes() == array.tobytes()


@given(arrays("u1", SHAPES), st.floats(-1e3, 1e3, width=32), st.floats(-100, 100, width=32))
def test_pictures_of_8_bits_are_exact_in_8_bits(codes: NDArray, slope: float, offset: float) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        array = codes.astype(np.float32) * np.float32(slope) + np.float32(offset)
    coded = encode(array)
    assert coded.numbers.dtype == np.uint8 and back(array).tobytes() == array.tobytes()


@given(arrays("<f4", SHAPES))
def test_any_float32_is_within_the_bound(array: NDArray) -> None:
    """Whatever NumPy can hold: infinities, NaN of every kind, two zeros, the smallest and the largest."""
    with np.errstate(all="ignore"):
        found, kind = back(array), encode(array).coding.kind
        moved, allowed = np.abs(found - array), KEPT * spread(array) if array.size else 0.0
    if kind in ("same", "table"):
        assert found.tobytes() == array.tobytes()
    elif kind == "line":
        assert (moved <= allowed).all()
    else:
        assert (moved <= allowed + KEPT * np.abs(array)).all()


def test_a_ct_on_its_own_grid_is_exact_in_16_bits() -> None:
    rng = np.random.default_rng(0)
    hu = rng.integers(-1024, 1500, (48, 64, 64))
    array = ((np.clip(hu, -900, 1300) - 60.0) / 312.0).astype(np.float32)
    coded = encode(array)
    assert coded.numbers.dtype == np.uint16 and coded.coding.kind == "table"
    assert back(array).tobytes() == array.tobytes()


def test_values_that_a_sample_misses_are_found() -> None:
    array = np.zeros(1 << 20, np.float32)
    array[1:40000:2] = np.arange(20000) % 5000
    assert encode(array).coding.kind == "table" and back(array).tobytes() == array.tobytes()


def test_a_resampled_image_takes_16_bits_and_moves_by_less_than_noise() -> None:
    array = np.random.default_rng(1).normal(size=(40, 40, 40)).astype(np.float32)
    coded = encode(array)
    assert coded.coding.kind == "line" and coded.numbers.dtype == np.uint16
    assert np.abs(back(array) - array).max() < 1e-4


def test_one_wild_value_does_not_flatten_the_others() -> None:
    array = np.random.default_rng(1).normal(size=(1, 80, 80)).astype(np.float32)
    array[0, 3, 3] = 1e6
    assert spread(array) == pytest.approx(1, abs=0.05)
    assert np.abs(back(array) - array)[array < 1e5].max() < 2 * KEPT * (1 + np.abs(array[array < 1e5]).max())


def test_a_wide_range_takes_float16_and_a_wider_stays() -> None:
    array = np.abs(np.random.default_rng(1).normal(size=20000)).astype(np.float32)
    array[5] = 9000
    assert encode(array).coding.kind == "half"
    array[5] = 1e9
    assert encode(array).coding.kind == "same"


@pytest.mark.parametrize(("values", "stored"), [([0, 255], "u1"), ([-3, 2], "i1"), ([-1, 300], "i2")])
def test_whole_numbers_take_the_smallest_type(values: list[int], stored: str) -> None:
    assert encode(np.array(values * 10, np.int64)).numbers.dtype == np.dtype(stored)
