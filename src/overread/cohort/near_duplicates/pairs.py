"""All near-duplicate pairs of a set of thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.cohort.near_duplicates.align import Levels, likeness
from overread.cohort.near_duplicates.tangent import (
    CUTS,
    TILE,
    TURNS,
    explained,
    in_tiles,
    planes,
    queries,
    turned,
)
from overread.cohort.near_duplicates.workers import Halves, Run, worker_pool

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

BLOCK = 256
WHOLES = 1024
SHARE = 1024
"""Images asked for, images searched and pairs aligned at once: what bounds memory."""
KEPT, KEPT_TURNED = 3, 2
"""Candidates aligned per image, as they lie and mirrored or turned by right angles."""
WORTH = 0.95
"""Share of a descriptor that a tangent plane must explain to be worth an alignment."""
LEAST, MOST = 4.5, 5.9
"""Likeness from which a pair counts lies between these (see `likeness_threshold`)."""
STANDS_OUT = 0.5


@dataclass(frozen=True)
class NearPair:
    """Two images, by their index, the first the smaller, and their likeness (see `align.likeness`)."""

    first: int
    second: int
    likeness: float


def near_duplicates(
    thumbnails: Sequence[NDArray[np.float16] | None],
    *,
    threshold: float | None = None,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> list[NearPair]:
    """Pairs of images of which one is the other after a small change, the most alike first.

    Time grows with the square of the number of images, memory by 4 kB an image above some 100 MB a process.

    Parameters
    ----------
    thumbnails
        Of `thumbnail`; None is compared with nothing.
    threshold
        Likeness from which a pair is returned; `likeness_threshold` of this set without it.
    workers
        Processes. More than one needs a script that can be imported without running.
    progress
        Called with the number of images that have just been compared with all.
    """
    index = np.array([i for i, t in enumerate(thumbnails) if t is not None], dtype=np.int64)
    if len(index) < 2:
        return []
    pictures = np.stack([t for t in thumbnails if t is not None])
    with worker_pool(pictures, workers) as run:
        c = _candidates(pictures, run, progress or (lambda _: None))
        shares = [c.of(slice(s, s + SHARE)) for s in range(0, len(c.whole), SHARE)]
        score = np.concatenate([np.empty(0, np.float32), *run(_aligned, shares)])
    best: dict[tuple[int, int], float] = {}
    least = 0.0
    for kind, kept in ((c.turn == 0, KEPT), (c.turn > 0, KEPT_TURNED)):
        last = score[kind & (c.place == kept - 1)]
        # Different images are less alike when one is mirrored; that is no reason to ask less of a copy.
        least = max(least, likeness_threshold(last, len(index))) if threshold is None else threshold
        for n in np.flatnonzero(kind & (score >= least)).tolist():
            a, b = sorted((int(index[c.whole[n]]), int(index[c.part[n]])))
            best[a, b] = max(best.get((a, b), 0.0), float(score[n]))
    found = [NearPair(a, b, s) for (a, b), s in best.items()]
    return sorted(found, key=lambda n: (-n.likeness, n.first, n.second))


def likeness_threshold(last: Floats, images: int) -> float:
    """The likeness from which a pair counts, from the likeness of images and the last of their candidates.

    Third candidates (of mirrored ones the second) are hardly ever copies: they tell how alike different images of this
    kind are. Chest radiographs need a higher bar than micrographs, whose cropped copies that bar would miss. Images
    whose last candidate was not worth aligning are missing from ``last`` and count as unlike.
    """
    all_images = np.zeros(max(images, len(last), 1))
    all_images[: len(last)] = last
    return float(np.clip(np.quantile(all_images, 0.99) + STANDS_OUT, LEAST, MOST))


@dataclass(frozen=True)
class _Candidates:
    """Pairs worth aligning, each array ``(pairs,)``: the whole, the part, the cut of the whole and the turn of the part
    from which to start, and the place among the part's candidates."""

    whole: Ints
    part: Ints
    cut: Ints
    turn: Ints
    place: Ints

    def of(self, which: slice | Ints) -> _Candidates:
        """Some of them."""
        arrays = (self.whole, self.part, self.cut, self.turn, self.place)
        return _Candidates(*(a[which] for a in arrays))


def _aligned(pictures: Halves, c: _Candidates) -> Floats:
    # Each picture once as it lies, and once in every turn that a pair asks for.
    asked = np.concatenate([c.whole * TURNS, c.part * TURNS + c.turn])
    used, at = np.unique(asked, return_inverse=True)
    shown = pictures[used // TURNS].astype(np.float32)
    for turn in range(1, TURNS):
        here = used % TURNS == turn
        shown[here] = turned(shown[here], turn)
    return likeness(Levels(shown), at[: len(c.whole)], at[len(c.whole) :], c.cut)


def _candidates(pictures: Halves, run: Run, progress: Callable[[int], None]) -> _Candidates:
    """For every image as a part, the best few wholes as it lies, and the best few for it mirrored or turned."""
    n = len(pictures)
    starts = [(s, min(s + WHOLES, n)) for s in range(0, n, WHOLES)]
    best = [_Best(n, min(kept, n - 1)) for kept in (KEPT, KEPT_TURNED)]
    for (start, stop), found in zip(starts, run(_among, starts), strict=True):
        for kind, more in zip(best, found, strict=True):
            kind.add(*more)
        progress(stop - start)
    lying, bent = (kind.pairs() for kind in best)
    none = np.zeros_like
    parts = (
        _once(_Candidates(lying[0], lying[1], lying[2], none(lying[0]), lying[3]), lying[4], n),
        _once(_Candidates(bent[0], bent[1], none(bent[0]), bent[2], bent[3]), bent[4], n),
    )
    names = ("whole", "part", "cut", "turn", "place")
    return _Candidates(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


class _Best:
    """The best few wholes of every part so far, with their shares and how they lie (the cut, or the turn)."""

    def __init__(self, n: int, kept: int) -> None:
        self.kept = kept
        self.whole, self.how = np.zeros((n, kept), np.int64), np.zeros((n, kept), np.int64)
        self.value = np.full((n, kept), -1, np.float32)

    def add(self, whole: Ints, value: Floats, how: Ints) -> None:
        """Take in more wholes, best first."""
        both = np.concatenate([self.value, value], axis=1)
        order = np.argsort(-both, axis=1, kind="stable")[:, : self.kept]
        self.value = np.take_along_axis(both, order, 1)
        self.whole = np.take_along_axis(np.concatenate([self.whole, whole], axis=1), order, 1)
        self.how = np.take_along_axis(np.concatenate([self.how, how], axis=1), order, 1)

    def pairs(self) -> tuple[Ints, Ints, Ints, Ints, Floats]:
        """Whole, part, how, place and share of what is worth aligning."""
        good = self.value >= WORTH
        part = np.broadcast_to(np.arange(len(self.value))[:, None], self.whole.shape)
        place = np.broadcast_to(np.arange(self.kept), self.whole.shape)
        return self.whole[good], part[good], self.how[good], place[good], self.value[good]


def _once(c: _Candidates, value: Floats, n: int) -> _Candidates:
    """Two images that name each other are aligned once, from the better side."""
    pair = np.minimum(c.whole, c.part) * n + np.maximum(c.whole, c.part)
    order = np.lexsort((-value, pair))
    first = np.append(True, np.diff(pair[order]) > 0)[: len(order)]
    return c.of(np.sort(order[first]))


Found = tuple[Ints, Floats, Ints]


def _among(pictures: Halves, span: tuple[int, int]) -> tuple[Found, Found]:
    """For every picture as a part, the best few wholes of ``span``, their shares and cuts; and likewise turned."""
    start, stop = span
    wholes = pictures[start:stop].astype(np.float32)
    bases = [planes(wholes, cut) for cut in CUTS]
    blocks = range(0, len(pictures), BLOCK)
    lying, bent = [], []
    for s in blocks:
        parts = pictures[s : s + BLOCK].astype(np.float32)
        asked = queries(parts)
        lying.append(_search([(asked, base) for base in bases], s - start, stop - start, KEPT))
        # Of a mirrored or turned picture no large crops are looked for: the tangent plane allows for small ones.
        ways = [(queries(turned(parts, turn)), bases[0]) for turn in range(1, TURNS)]
        top, value, way = _search(ways, s - start, stop - start, KEPT_TURNED)
        bent.append((top, value, way + 1))
    both = []
    for found in (lying, bent):
        top, value, how = (np.concatenate(c) for c in zip(*found, strict=True))
        both.append((top + start, value, how))
    return both[0], both[1]


def _search(ways: Sequence[tuple[Floats, Floats]], offset: int, n: int, most_kept: int) -> Found:
    """The best few of ``n`` wholes for parts, of which the first is the whole ``offset``, and which way found each.

    ``ways`` are descriptors ``(parts, d)`` and the planes in which they are looked for.
    """
    tiles = [in_tiles(asked) for asked, _ in ways]
    parts = len(ways[0][0])
    shape = (len(tiles[0]), ways[0][1].shape[1], TILE, TILE)
    most, share, scratch = (np.empty(shape, np.float32) for _ in range(3))
    explained(ways[0][1], tiles[0], most, scratch)
    for tile, (_, base) in zip(tiles[1:], ways[1:], strict=True):
        np.maximum(most, explained(base, tile, share, scratch), out=most)
    best = most.transpose(0, 2, 1, 3).reshape(shape[0] * TILE, shape[1] * TILE)[:parts, :n]
    rows = np.arange(parts)
    own = rows[(rows + offset >= 0) & (rows + offset < n)]
    best[own, own + offset] = -1
    kept = min(most_kept, n)
    top = np.argpartition(best, -kept, axis=1)[:, -kept:]
    # Which way it was is found again for these few.
    each = [np.einsum("md,mjkd->kmj", asked, base[:, top // TILE, :, top % TILE]) for asked, base in ways]
    how = np.argmax([(e * e).sum(axis=0) for e in each], axis=0)
    return top, np.take_along_axis(best, top, 1), how
