"""A store survives kills, is shared, keeps within its limit, and leaves alone what is in use."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError, OverreadError
from overread.learn.store import store as room
from overread.learn.store.entry import pack_entry
from overread.learn.store.examples import StoredExamples
from overread.learn.store.packs import Pack
from overread.learn.store.store import Store

FILL = """
import sys
from pathlib import Path
from overread.learn.store import store as room
from tests.learn.store.test_store import arrays, pack_entry
from overread.learn.store.store import Store

room.SAFE_BYTES = 30_000
store = Store(Path(sys.argv[1]))
with store.writer() as writer:
    for i in range(int(sys.argv[2]), int(sys.argv[3])):
        writer.add(f"key{i}", pack_entry(arrays(i)))
        print(i, flush=True)
"""


def arrays(i: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(i)
    return {
        "image": rng.normal(size=(2, 40, 50)).astype(np.float32),
        "mask": rng.integers(0, 3, (40, 50)).astype(np.uint8),
        "label": np.array(i, np.int64),
    }


def examples(store: Store, keys: list[str]) -> StoredExamples:
    return StoredExamples(store, keys, keys, store.find(keys), lambda i: arrays(int(keys[i][3:])))


def fill(store: Store, numbers: range) -> list[str]:
    with store.writer() as writer:
        for i in numbers:
            writer.add(f"key{i}", pack_entry(arrays(i)))
    return [f"key{i}" for i in numbers]


def assert_whole(store: Store, numbers: range) -> int:
    """Every entry that is found is what was written; how many there are."""
    keys = list(store.find([f"key{i}" for i in numbers]))
    for example in examples(store, keys):
        wanted = arrays(int(example.case[3:]))
        assert np.abs(example.image[...] - wanted["image"]).max() < 1e-4
        np.testing.assert_array_equal(example.target["mask"], wanted["mask"])
        assert example.target["label"] == wanted["label"]
    return len(keys)


def child(folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FILL, str(folder), str(first), str(last)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("after", [0, 1, 2, 3, 7, 19])
def test_a_kill_at_any_moment_leaves_a_good_store(tmp_path: Path, after: int) -> None:
    writer = child(tmp_path, 0, 10_000)
    assert writer.stdout is not None
    for _ in range(after + 1):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    told = after + 1 + len(writer.stdout.readlines())
    writer.wait()
    writer.stdout.close()
    store = Store(tmp_path)
    # What is lost is less than what is made safe at once: two entries.
    assert assert_whole(store, range(10_000)) >= told - 3
    fill(store, range(30))
    assert assert_whole(store, range(30)) == 30


def test_two_processes_fill_one_store(tmp_path: Path) -> None:
    writers = [child(tmp_path, 0, 40), child(tmp_path, 20, 60)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert assert_whole(Store(tmp_path), range(60)) == 60


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    held = examples(store, fill(store, range(2)))
    for path in [store.folder, *store.folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert len(held) == 2


def test_prune_keeps_what_is_in_use_and_takes_the_oldest_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second, third = (fill(store, range(3 * k, 3 * k + 3)) for k in range(3))
    used = examples(store, first)
    held = store.usage().held
    # Of the unused ones the second was used before the third.
    store.prune(keep=held - 1)
    assert not store.find(second) and len(store.find(third)) == 3
    assert store.prune() > 0
    assert not store.find(third) and assert_whole(store, range(3)) == 3
    assert used[0].image[...].shape == (2, 40, 50)
    del used
    store.prune()
    assert store.usage().held == store.usage().entries == 0


def test_a_pack_that_is_being_written_is_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.add("key0", pack_entry(arrays(0)))
        store.prune()
    assert assert_whole(store, range(1)) == 1


def test_bytes_that_nobody_points_to_are_pruned(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pack = Pack.new(store.packs)
    pack.append([b"x" * 1000])
    pack.close()
    assert store.prune() == 1000


def test_the_limit_makes_room_or_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SAFE_BYTES", 1)
    size = pack_entry(arrays(0)).size
    store = Store(tmp_path, limit=7 * size)
    old, new = fill(store, range(4)), fill(store, range(10, 14))
    assert not store.find(old) and len(store.find(new)) == 4
    used = examples(store, new)
    with pytest.raises(OverreadError, match=r"in use take .* KiB and may take .*OVERREAD_CACHE_LIMIT"):
        fill(store, range(20, 24))
    assert len(used) == 4


def test_packs_are_no_larger_than_stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PACK_BYTES", 3 * pack_entry(arrays(0)).size)
    store = Store(tmp_path)
    fill(store, range(8))
    assert len(list(store.packs.iterdir())) >= 3 and assert_whole(store, range(8)) == 8


def test_a_pack_cut_short_or_gone_is_not_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = fill(store, range(3))
    [pack] = store.packs.iterdir()
    os.truncate(pack, pack.stat().st_size - 10)
    assert list(store.find(keys)) == keys[:2]
    pack.unlink()
    assert not store.find(keys) and not store.usage().entries - 0


def test_a_full_disk_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, content: memoryview, at: int) -> int:
        raise OSError(28, "No space left on device")

    store = Store(tmp_path)
    keys = fill(store, range(2))
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OverreadError, match=r"the disk is full.*overread cache --prune"):
        fill(store, range(5, 7))
    assert len(store.find(keys)) == 2


def test_where_nothing_can_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"OVERREAD_CACHE to a folder that can be written"):
        Store(tmp_path / "file")


def test_a_broken_index_is_told_in_words(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for path in store.folder.glob("index.db*"):
        path.write_bytes(b"no database" * 500)
    with pytest.raises(
        OverreadError, match=r"index\.db: the index of prepared cases cannot be used .* delete"
    ):
        Store(tmp_path)
