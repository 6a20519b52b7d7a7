"""Any part of an array is what slicing gives, and reads no more bricks than it touches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.learn.store import bricks as room
from overread.learn.store.bricks import DamagedError, cut, read_part


class Disk:
    """Bytes, and what was read of them."""

    def __init__(self, parts: list[bytes]) -> None:
        self.content, self.reads = b"".join(parts), []

    def __call__(self, start: int, count: int) -> bytes:
        self.reads.append(count)
        return self.content[start : start + count]


@given(st.data())
def test_every_part_is_the_slice(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 90), min_size=0, max_size=3).map(tuple))
    seed = data.draw(st.integers(0, 9))
    array = np.random.default_rng(seed).integers(0, 3 + seed, shape).astype(np.uint16)
    if array.ndim and data.draw(st.booleans()):
        array[: array.shape[0] // 2] = 7
    table, parts = cut(array)
    part = tuple(slice(*sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n))))) for n in shape)
    found = read_part(shape, array.dtype, table, part, Disk(parts))
    np.testing.assert_array_equal(found, array[part])


def test_a_patch_reads_the_bricks_that_it_touches_and_neighbours_at_once() -> None:
    array = np.arange(128**3, dtype=np.uint32).reshape(128, 128, 128)
    table, parts = cut(array)
    disk = Disk(parts)
    read_part(array.shape, array.dtype, table, (slice(33, 60), slice(10, 40), slice(0, 128)), disk)
    # One layer of bricks, two rows, all four columns, which lie one behind the other.
    assert disk.reads == [8 * 32**3 * 4]
    disk.reads.clear()
    read_part(array.shape, array.dtype, table, (slice(0, 64), slice(0, 32), slice(32, 96)), disk)
    assert disk.reads == [2 * 32**3 * 4] * 2


def test_what_is_constant_takes_no_room() -> None:
    mask = np.zeros((128, 128, 128), np.uint8)
    mask[40:44, 40:44, 40:44] = 1
    table, parts = cut(mask)
    assert sum(map(len, parts)) == 32**3
    disk = Disk(parts)
    assert not read_part(mask.shape, mask.dtype, table, (slice(64, 128),) * 3, disk).any() and not disk.reads


def test_zeros_of_both_signs_are_not_constant() -> None:
    array = np.array([0.0, -0.0], np.float32)
    table, parts = cut(array)
    assert read_part((2,), array.dtype, table, (slice(None),), Disk(parts)).tobytes() == array.tobytes()


def test_one_wrong_bit_is_found() -> None:
    array = np.arange(64 * 64 * 64, dtype=np.uint32).reshape(64, 64, 64)
    table, parts = cut(array)
    disk = Disk(parts)
    content = bytearray(disk.content)
    content[-5] ^= 4
    disk.content = bytes(content)
    read_part(array.shape, array.dtype, table, (slice(0, 32),) * 3, disk)
    with pytest.raises(DamagedError, match="checksum"):
        read_part(array.shape, array.dtype, table, (slice(0, 64),) * 3, disk)


def test_long_runs_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RUN", 3 * 32**3)
    array = np.random.default_rng(0).integers(0, 255, (32, 32, 256)).astype(np.uint8)
    table, parts = cut(array)
    disk = Disk(parts)
    np.testing.assert_array_equal(read_part(array.shape, array.dtype, table, (slice(None),) * 3, disk), array)
    assert disk.reads == [3 * 32**3, 3 * 32**3, 2 * 32**3]
