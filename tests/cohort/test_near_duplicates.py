"""Near-duplicates: planted copies are found on real images, different images are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.planted import TURNED, USUAL, Picture, inverted, turned, turned_90
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.cohort.near_duplicates import SIDE, near_duplicates, thumbnail
from overread.cohort.near_duplicates.align import Levels, likeness
from overread.cohort.near_duplicates.pairs import LEAST, MOST, likeness_threshold
from overread.cohort.near_duplicates.tangent import (
    CUTS,
    TILE,
    TURNS,
    explained,
    in_tiles,
    planes,
    queries,
)
from overread.cohort.near_duplicates.tangent import turned as turn_of
from overread.imaging.image import Image
from overread.imaging.read import read


def _thumb(picture: Picture) -> NDArray[np.float16]:
    found = thumbnail(Image(picture[None], np.eye(4)))
    assert found is not None
    return found


CHANGES = list(USUAL.values())


@pytest.fixture(scope="module")
def radiographs(data_dir: Path) -> list[Picture]:
    with np.load(data_dir / "pneumoniamnist28" / "pneumoniamnist.npz") as f:
        pictures = np.concatenate([f["test_images"], f["train_images"][:900]])
    first = np.unique(pictures.reshape(len(pictures), -1), axis=0, return_index=True)[1]
    return [pictures[i] for i in sorted(first)]


def test_planted_copies_of_radiographs(radiographs: list[Picture]) -> None:
    """1,500 images of 28 pixels that are all alike: at least 95% found of each kind, at most 1% false alarms."""
    base = len(radiographs)
    pictures, origin = list(radiographs), {}
    chosen = np.random.default_rng(0).permutation(base)
    for n, change in enumerate(CHANGES):
        for i in chosen[60 * n : 60 * (n + 1)]:
            origin[len(pictures)] = (int(i), change)
            pictures.append(change(radiographs[i]))
    pairs = {(p.first, p.second) for p in near_duplicates([_thumb(p) for p in pictures])}
    for change in CHANGES:
        wanted = [(i, copy) for copy, (i, made) in origin.items() if made is change]
        assert np.mean([pair in pairs for pair in wanted]) >= 0.95, change.__name__
    planted = {(i, copy) for copy, (i, _) in origin.items()}
    alarmed = {i for pair in pairs - planted for i in pair}
    assert len(alarmed) <= 0.01 * len(pictures)


@pytest.mark.parametrize(
    ("folder", "pattern"), [("dsb2018_nuclei", "images/*.png"), ("bccd_blood_detection", "JPEGImages/*.jpg")]
)
def test_planted_copies_of_micrographs(data_dir: Path, folder: str, pattern: str) -> None:
    files = sorted((data_dir / folder).glob(pattern))[:100]
    pictures = [np.asarray(Pillow.open(f).convert("L")) for f in files]
    thumbs = [_thumb(p) for p in pictures]
    copies = [_thumb(CHANGES[i % len(CHANGES)](p)) for i, p in enumerate(pictures)]
    pairs = {(p.first, p.second) for p in near_duplicates(thumbs + copies)}
    assert np.mean([(i, i + len(files)) in pairs for i in range(len(files))]) >= 0.95
    # Frames of one smear may truly be alike, so a few pairs among the originals are no false alarms.
    assert len({i for p in pairs if p[1] < len(files) for i in p}) <= 0.05 * len(files)


@pytest.mark.parametrize(
    ("folder", "pattern"), [("nih_chestxray14_64", "images/*.png"), ("dsb2018_nuclei", "images/*.png")]
)
def test_mirrored_turned_and_inverted_copies(data_dir: Path, folder: str, pattern: str) -> None:
    """15 copies of each kind among 300 real images: 15 of those turned by a degree, 14 or more of every other kind,
    and no image more in a pair that was not planted than without the copies."""
    files = sorted((data_dir / folder).glob(pattern))[:300]
    pictures = [np.asarray(Pillow.open(f).convert("L")) for f in files]
    thumbs = [_thumb(p) for p in pictures]
    before = {(p.first, p.second) for p in near_duplicates(thumbs)}
    kinds = {"turned by 1 degree": turned} | TURNED
    chosen = np.random.default_rng(0).permutation(len(pictures)).reshape(-1, 15)[: len(kinds)].tolist()
    origin: dict[str, list[tuple[int, int]]] = {}
    for (kind, change), which in zip(kinds.items(), chosen, strict=True):
        origin[kind] = [(i, len(thumbs) + n) for n, i in enumerate(which)]
        thumbs += [_thumb(change(pictures[i])) for i in which]
    found = {(p.first, p.second) for p in near_duplicates(thumbs)}
    counts = {kind: sum(pair in found for pair in pairs) for kind, pairs in origin.items()}
    assert counts.pop("turned by 1 degree") == 15
    assert min(counts.values()) >= 14, counts
    among = {pair for pair in found if pair[1] < len(pictures)}
    assert among <= before


def test_the_usual_sets_name_no_more_pairs_than_without_turns(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Different radiographs and micrographs are not mirrored copies of one another."""
    from overread.cohort.near_duplicates import pairs

    with np.load(data_dir / "pneumoniamnist28" / "pneumoniamnist.npz") as f:
        chest = list(f["test_images"][:400])
    nuclei = sorted((data_dir / "dsb2018_nuclei" / "images").glob("*.png"))[:200]
    for pictures in (chest, [np.asarray(Pillow.open(f).convert("L")) for f in nuclei]):
        thumbs = [_thumb(p) for p in pictures]
        with_turns = {(p.first, p.second) for p in near_duplicates(thumbs)}
        monkeypatch.setattr(pairs, "KEPT_TURNED", 1)
        monkeypatch.setattr(pairs, "turned", lambda parts, turn: np.zeros_like(parts))
        without = {(p.first, p.second) for p in near_duplicates(thumbs)}
        monkeypatch.undo()
        assert with_turns == without


def test_turns_are_the_eight_symmetries() -> None:
    picture = np.random.default_rng(0).normal(size=(1, 5, 5)).astype(np.float32)
    found = [turn_of(picture, turn)[0] for turn in range(TURNS)]
    right = [np.rot90(p, k) for p in (picture[0], picture[0].T) for k in range(4)]
    assert all(any(np.array_equal(f, r) for f in found) for r in right)
    assert not np.array_equal(found[0], found[4]) and np.array_equal(found[0], picture[0])


def test_a_copy_may_be_turned_and_inverted_at_once(radiographs: list[Picture]) -> None:
    thumbs = [_thumb(p) for p in radiographs[:40]]
    copy = _thumb(turned(inverted(turned_90(radiographs[3]))))
    assert (3, 40) in {(p.first, p.second) for p in near_duplicates([*thumbs, copy])}


def test_likeness_is_highest_for_a_copy_and_bounded(radiographs: list[Picture]) -> None:
    stack = np.stack([_thumb(p) for p in [*radiographs[:3], turned(radiographs[0])]]).astype(np.float32)
    whole, part = np.array([0, 0, 1, 2]), np.array([0, 3, 3, 3])
    same, copy, *others = likeness(Levels(stack), whole, part, np.zeros(4, np.int64)).tolist()
    assert same == pytest.approx(15, abs=0.1) and copy > MOST and max(others) < LEAST


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.2, 5), offset=st.floats(-100, 100), seed=st.integers(0, 5))
def test_brightness_and_contrast_do_not_matter(gain: float, offset: float, seed: int) -> None:
    picture = np.random.default_rng(seed).normal(size=(1, 30, 20)).astype(np.float32)
    one, other = (thumbnail(Image(a, np.eye(4))) for a in (picture, picture * gain + offset))
    assert one is not None and other is not None
    np.testing.assert_allclose(one, other, atol=0.02)


@pytest.mark.parametrize("cut", CUTS)
def test_a_picture_lies_in_its_own_plane(cut: tuple[float, float, float]) -> None:
    pictures = np.random.default_rng(0).normal(size=(TILE + 5, SIDE, SIDE)).astype(np.float32)
    tiles = planes(pictures, cut)
    bases = tiles.transpose(1, 3, 2, 0).reshape(2 * TILE, -1, 9)[: len(pictures)]
    np.testing.assert_allclose(
        bases.transpose(0, 2, 1) @ bases, np.tile(np.eye(9), (len(pictures), 1, 1)), atol=1e-4
    )
    asked = queries(pictures)
    out, scratch = np.empty((2, 2, 2, TILE, TILE), np.float32)
    found = explained(tiles, in_tiles(asked), out, scratch).transpose(0, 2, 1, 3).reshape(2 * TILE, -1)
    whole = (np.einsum("md,ndk->mnk", asked, bases) ** 2).sum(-1)
    np.testing.assert_allclose(found[: len(pictures), : len(pictures)], whole, atol=1e-4)
    if cut == CUTS[0]:
        np.testing.assert_allclose(np.diag(whole), 1, atol=1e-4)


def test_nothing_to_compare() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1, 16, 16), np.uint8)
    assert thumbnail(Image(np.full((1, 9, 9), 3, np.uint8), np.eye(4))) is None
    one = thumbnail(Image(noise, np.eye(4)))
    assert near_duplicates([]) == near_duplicates([one, None]) == near_duplicates([None]) == []
    (pair,) = near_duplicates([one, None, one])
    assert (pair.first, pair.second) == (0, 2) and pair.likeness > MOST


def test_blocks_change_nothing(radiographs: list[Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    from overread.cohort.near_duplicates import pairs

    thumbs = [_thumb(p) for p in radiographs[:150]] + [_thumb(turned(p)) for p in radiographs[:30]]
    whole = near_duplicates(thumbs, workers=1)
    for name, value in (("BLOCK", 17), ("WHOLES", 41), ("SHARE", 13)):
        monkeypatch.setattr(pairs, name, value)
    ticks: list[int] = []
    parts = near_duplicates(thumbs, workers=2, progress=ticks.append)
    assert [(p.first, p.second) for p in whole] == [(p.first, p.second) for p in parts]
    assert sum(ticks) == len(thumbs)


def test_threshold_follows_how_alike_different_images_are() -> None:
    assert likeness_threshold(np.empty(0, np.float32), 10) == LEAST
    assert likeness_threshold(np.full(100, 5.0, np.float32), 100) == pytest.approx(5.5)
    assert likeness_threshold(np.full(100, 9.0, np.float32), 100) == MOST
    assert likeness_threshold(np.full(5, 9.0, np.float32), 1000) == LEAST


def test_volumes_and_colours(data_dir: Path) -> None:
    files = sorted((data_dir / "msd_hippocampus_3d" / "imagesTr").glob("*.nii.gz"))[:12]
    volumes = [read(f) for f in files]
    darker = [v.with_(array=v.array * 0.5 + 3) for v in volumes[:4]]
    pairs = near_duplicates([thumbnail(v) for v in [*volumes, *darker]])
    assert {(p.first, p.second) for p in pairs} == {(i, i + 12) for i in range(4)}
    rgb = np.random.default_rng(0).integers(0, 255, (3, 50, 50), np.uint8)
    assert thumbnail(Image(rgb, np.eye(4))) is not None


def _stored_otherwise(volume: Image, axes: tuple[int, int, int], flipped: int) -> Image:
    """The same volume with its axes stored in another order, and one of them backwards."""
    array = np.flip(volume.array, flipped + 1)
    affine = volume.affine.copy()
    affine[:, 3] += affine[:, flipped] * (volume.spatial[flipped] - 1)
    affine[:, flipped] *= -1
    order = [*axes, 3]
    return Image(np.ascontiguousarray(array.transpose(0, *(a + 1 for a in axes))), affine[:, order])


def test_volumes_in_another_order_of_axes(data_dir: Path) -> None:
    """Ten of ten, and no other pair; identical pixels are known as such, too."""
    from overread.cohort.checks.inspection import content_hash

    files = sorted((data_dir / "msd_hippocampus_3d" / "imagesTr").glob("*.nii.gz"))[:30]
    volumes = [read(f) for f in files]
    orders = [(2, 0, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0)]
    copies = [_stored_otherwise(v, orders[n % 5], n % 3) for n, v in enumerate(volumes[:10])]
    pairs = near_duplicates([thumbnail(v) for v in [*volumes, *copies]])
    assert {(p.first, p.second) for p in pairs} == {(i, i + 30) for i in range(10)}
    assert [content_hash(c) for c in copies] == [content_hash(v) for v in volumes[:10]]
    assert len({content_hash(v) for v in volumes}) == 30
