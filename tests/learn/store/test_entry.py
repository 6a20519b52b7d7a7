"""An entry's bytes give back every array, and tell when they are not what was written."""

from __future__ import annotations

import numpy as np
import pytest

from overread.learn.store.bricks import DamagedError
from overread.learn.store.entry import pack_entry, read_head

ARRAYS = {
    "image": np.random.default_rng(0).integers(0, 200, (3, 300, 40)).astype(np.float32)
    / [[[3]], [[5]], [[7]]],
    "mask": np.eye(300, 40, dtype=np.uint8),
    "places": np.arange(40).reshape(20, 2),
    "label": np.array(2),
    "labels": np.array([1, np.nan, 0], np.float32),
    "low": np.zeros((0, 2)),
}
ARRAYS["image"] = ARRAYS["image"].astype(np.float32)


def test_every_array_comes_back() -> None:
    entry = pack_entry(ARRAYS)
    content = b"".join(entry.pieces)
    assert len(content) == entry.size and entry.values == sum(a.nbytes for a in ARRAYS.values())
    # The head alone says what lies where; each colour has a table of its own, so that 8 bits are enough.
    head = read_head(content[: entry.head])
    assert {p.dtype for p in head["image"]} == {np.dtype(np.uint8)}
    for name, array in ARRAYS.items():
        planes = [
            p.read((slice(None),) * len(p.shape), lambda at, count: content[at : at + count])
            for p in head[name]
        ]
        found = np.stack(planes) if name == "image" else planes[0]
        assert found.dtype == array.dtype and found.tobytes() == array.tobytes(), name


@pytest.mark.parametrize("at", [0, 9, 25, 200])
def test_a_changed_head_is_told(at: int) -> None:
    entry = pack_entry(ARRAYS)
    content = bytearray(b"".join(entry.pieces)[: entry.head])
    content[at] ^= 1
    with pytest.raises(DamagedError):
        read_head(bytes(content))
    with pytest.raises(DamagedError):
        read_head(bytes(content[:at]))
