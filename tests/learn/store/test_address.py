"""An address changes with all that decides what is prepared, and with nothing else; files are hashed once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.learn.toys import MULTILABEL, SEGMENTATION, plan

from overread.cohort.case import Case
from overread.errors import InputError
from overread.learn.plan import Plan
from overread.learn.store import address as room
from overread.learn.store import code_version
from overread.learn.store.address import addresses
from overread.learn.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Files that need not be images to be hashed, and that have not changed for long."""
    (tmp_path / "image.png").write_bytes(b"image")
    (tmp_path / "mask.png").write_bytes(b"mask")
    return Case(
        "a",
        "p",
        {"image": tmp_path / "image.png"},
        label="bright",
        mask=tmp_path / "mask.png",
        findings={"bright": 1, "dark": None},
    )


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read to be hashed."""
    names: list[str] = []
    once = room.sha256_file
    monkeypatch.setattr(room, "sha256_file", lambda p: names.append(p.name) or once(p))
    return names


def one(case: Case, p: Plan, store: Store) -> str:
    [key] = addresses([case], p, store.index)
    return key


def test_files_are_hashed_once_until_they_change(
    case: Case, store: Store, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = one(case, plan(), store)
    # Just made, it could change within the tick of its clock.
    assert one(case, plan(), store) == key and hashed == ["image.png"] * 2
    monkeypatch.setattr(room, "SETTLED_SECONDS", -10)
    one(case, plan(), store)
    one(case, plan(), store)
    assert hashed == ["image.png"] * 3
    path = case.images["image"]
    before = path.stat()
    path.write_bytes(b"IMAGE")
    # Of the same size, and with the old time put back, as some copying programs do.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert one(case, plan(), store) != key and hashed == ["image.png"] * 4


def test_neither_name_nor_place_counts(case: Case, store: Store, tmp_path: Path) -> None:
    key = one(case, plan(), store)
    moved = case.images["image"].rename(tmp_path / "other.png")
    other = replace(
        case, case="b", patient="q", split="val", row=7, images={"image": moved}, attributes={"age": "7"}
    )
    assert one(other, plan(), store) == key
    assert one(replace(other, mask=None), plan(), store) == key


def test_the_truth_that_the_task_learns_from_counts(case: Case, store: Store) -> None:
    other = replace(case, label="dark")
    assert one(other, plan(), store) != one(case, plan(), store)
    for changes in (MULTILABEL, SEGMENTATION):
        assert one(other, plan(**changes), store) == one(case, plan(**changes), store)
    findings = replace(case, findings={"bright": 1, "dark": 0})
    assert one(findings, plan(**MULTILABEL), store) != one(case, plan(**MULTILABEL), store)
    assert case.mask is not None
    before = one(case, plan(**SEGMENTATION), store), one(case, plan(), store)
    case.mask.write_bytes(b"another")
    assert one(case, plan(**SEGMENTATION), store) != before[0] and one(case, plan(), store) == before[1]


def test_order_of_channels_and_of_files_counts(case: Case, store: Store, tmp_path: Path) -> None:
    p = plan(inputs=["t1", "t2"], channels=["t1", "t2"])
    image, mask = case.images["image"], tmp_path / "mask.png"
    keys = {
        one(replace(case, images={"t1": a, "t2": b}), p, store) for a, b in [(image, mask), (mask, image)]
    }
    assert len(keys) == 2
    for name, content in (
        ("x/1", b"a"),
        ("x/2", b"b"),
        ("y/1", b"b"),
        ("y/2", b"a"),
        ("z/1", b"a"),
        ("z/2", b"b"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    x, y, z = (one(replace(case, images={"image": tmp_path / n}), plan(), store) for n in "xyz")
    assert x == z != y


def test_voxels_beside_a_header_count(case: Case, store: Store, tmp_path: Path) -> None:
    np.zeros(24, np.int16).tofile(tmp_path / "v.raw")
    mhd = tmp_path / "b.mhd"
    mhd.write_text("NDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = v.raw\n")
    volume = replace(case, images={"image": mhd})
    key = one(volume, plan(), store)
    np.ones(24, np.int16).tofile(tmp_path / "v.raw")
    assert one(volume, plan(), store) != key


def test_other_code_has_other_addresses(case: Case, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    key = one(case, plan(), store)
    code_version.code_version.cache_clear()
    monkeypatch.setattr(code_version, "version", lambda name: "another")
    assert one(case, plan(), store) != key
    code_version.code_version.cache_clear()


def test_a_file_that_cannot_be_read_is_named(case: Case, store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"case a: .*gone\.png: no such file"):
        one(replace(case, images={"image": tmp_path / "gone.png"}), plan(), store)
