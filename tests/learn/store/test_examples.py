"""Examples of a store are read in parts; what is damaged is prepared again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.errors import OverreadError
from overread.learn.store import examples as room
from overread.learn.store.entry import pack_entry
from overread.learn.store.examples import StoredExamples
from overread.learn.store.packs import Pack
from overread.learn.store.store import Store


def volume(i: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(i)
    return {
        "image": rng.integers(0, 4000, (2, 128, 128, 64)).astype(np.float32),
        "mask": (rng.random((128, 128, 64)) > 0.99).astype(np.uint8),
        "low": rng.random((4, 3)),
    }


def stored(folder: Path, many: int = 3, prepare=volume) -> StoredExamples:
    store = Store(folder)
    keys = [f"key{i}" for i in range(many)]
    with store.writer() as writer:
        for i, key in enumerate(keys):
            writer.add(key, pack_entry(volume(i)))
    return StoredExamples(store, [f"case{i}" for i in range(many)], keys, store.find(keys), prepare)


def test_slices_are_those_of_the_array(tmp_path: Path) -> None:
    found, wanted = stored(tmp_path)[1], volume(1)
    assert found.case == "case1" and found.image.shape == (2, 128, 128, 64)
    assert found.image.dtype == np.float32 and found.target["mask"].shape == (128, 128, 64)
    cut = (slice(3, 70), slice(10, 11), slice(20, 64))
    np.testing.assert_array_equal(found.image[(slice(None), *cut)], wanted["image"][(slice(None), *cut)])
    np.testing.assert_array_equal(found.image[1:2], wanted["image"][1:2])
    np.testing.assert_array_equal(found.target["mask"][cut], wanted["mask"][cut])
    np.testing.assert_array_equal(np.asarray(found.image), wanted["image"])
    assert isinstance(found.target["low"], np.ndarray)
    with pytest.raises(TypeError, match="slices without steps"):
        found.image[0]


def test_of_a_volume_a_patch_is_read_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    read = Pack.read
    monkeypatch.setattr(Pack, "read", lambda self, start, n: counted.append(n) or read(self, start, n))
    examples = stored(tmp_path)
    whole = pack_entry(volume(0)).size
    example = examples[0]
    # The head, and what is small in the target.
    assert sum(counted) < 0.02 * whole
    counted.clear()
    example.image[:, 10:42, 40:72, 0:32]
    # 32 voxels at any place touch at most two bricks of 32 an axis.
    assert sum(counted) <= 2 * 2 * 2 * 32**3 * 2
    counted.clear()
    examples[0]
    assert sum(counted) < 0.02 * whole


def test_a_part_of_them_reads_as_late(tmp_path: Path) -> None:
    examples = stored(tmp_path)
    part = examples[::2]
    assert len(part) == 2 and part[1].case == "case2" and part[-1:][0].case == "case2"
    before = examples.read_seconds
    part[0].image[:, :4, :4, :4]
    assert part.read_seconds == examples.read_seconds > before


@pytest.mark.parametrize("place", ["head", "bricks"])
@pytest.mark.parametrize("whole", [0, 1 << 40])
def test_a_damaged_entry_is_prepared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, whole: int
) -> None:
    monkeypatch.setattr(room, "WHOLE_BYTES", whole)
    again: list[int] = []
    examples = stored(tmp_path, prepare=lambda i: again.append(i) or volume(i))
    damage(tmp_path, 30 if place == "head" else pack_entry(volume(0)).head + 100)
    for _ in range(2):
        np.testing.assert_array_equal(np.asarray(examples[0].image), volume(0)["image"])
    assert again == [0]
    # The next training finds it whole.
    store = Store(tmp_path)
    found = StoredExamples(store, ["case0"], ["key0"], store.find(["key0"]), prepare=lambda i: {})
    np.testing.assert_array_equal(np.asarray(found[0].image), volume(0)["image"])


def test_a_disk_that_keeps_nothing_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = stored(tmp_path)
    monkeypatch.setattr(Pack, "read", lambda self, start, n: bytes(n))
    with pytest.raises(
        OverreadError, match=r"case case0 reads otherwise than it was written.*check the disk"
    ):
        examples[0]


def damage(folder: Path, at: int) -> None:
    [pack] = folder.rglob("*.pack")
    with pack.open("r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))
