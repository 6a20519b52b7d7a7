"""All near-duplicate pairs of a set of thumbnails."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from overread.cohort.near.align import Levels, likeness
from overread.cohort.near.tangent import CUTS, explained, planes, queries

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Ints = NDArray[np.int64]

BLOCK = 128
WHOLES = 8192
SHARE = 2048
"""Images asked for, images searched and pairs aligned at once: what bounds memory."""
KEPT = 3
"""Candidates aligned per image."""
WORTH = 0.95
"""Share of a descriptor that a tangent plane must explain to be worth an alignment."""
LEAST, MOST = 4.5, 5.9
"""Likeness from which a pair counts lies between these (see `threshold`)."""
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
    alike: float | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[NearPair]:
    """Pairs of images of which one is the other after a small change, the most alike first.

    Time grows with the square of the number of images, memory by 4 kB an image above some 200 MB.

    Parameters
    ----------
    thumbnails
        Of `thumbnail`; None is compared with nothing.
    alike
        Likeness from which a pair is returned; `threshold` of this set without it.
    workers
        Threads; the processor's cores without it.
    progress
        Called with the number of images that have just been compared with all.
    """
    index = np.array([i for i, t in enumerate(thumbnails) if t is not None], dtype=np.int64)
    if len(index) < 2:
        return []
    pictures = np.stack([t for t in thumbnails if t is not None])
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        whole, part, cut, place = _candidates(pictures, pool, progress or (lambda _: None))
        shares = np.array_split(np.arange(len(whole)), max(1, -(-len(whole) // SHARE)))
        score = np.concatenate([*pool.map(lambda s: _aligned(pictures, whole[s], part[s], cut[s]), shares)])
    least = threshold(score[place == KEPT - 1], len(index)) if alike is None else alike
    found = [
        NearPair(int(min(w, p)), int(max(w, p)), float(s))
        for w, p, s in zip(index[whole], index[part], score, strict=True)
        if s >= least
    ]
    return sorted(found, key=lambda n: (-n.likeness, n.first, n.second))


def threshold(third: Floats, images: int) -> float:
    """The likeness from which a pair counts, from the likeness of images and their third-best candidates.

    Third candidates are hardly ever copies: they tell how alike different images of this kind are. Chest
    radiographs need a higher bar than micrographs, whose cropped copies that bar would miss. Images whose third
    candidate was not worth aligning are missing from ``third`` and count as unlike.
    """
    all_images = np.zeros(max(images, len(third), 1))
    all_images[: len(third)] = third
    return float(np.clip(np.quantile(all_images, 0.99) + STANDS_OUT, LEAST, MOST))


def _aligned(pictures: Halves, whole: Ints, part: Ints, cut: Ints) -> Floats:
    used, at = np.unique(np.concatenate([whole, part]), return_inverse=True)
    levels = Levels(pictures[used].astype(np.float32))
    return likeness(levels, at[: len(whole)], at[len(whole) :], cut)


def _candidates(
    pictures: Halves, pool: ThreadPoolExecutor, progress: Callable[[int], None]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Whole, part, cut and place of the pairs worth aligning: for every image as a part, the best few wholes."""
    n = len(pictures)
    kept = min(KEPT, n - 1)
    rows = [np.arange(s, min(s + BLOCK, n)) for s in range(0, n, BLOCK)]
    asked = np.concatenate([*pool.map(lambda r: queries(pictures[r].astype(np.float32)), rows)])
    whole, cut = np.zeros((n, kept), np.int64), np.zeros((n, kept), np.int64)
    value = np.full((n, kept), -1, np.float32)
    starts = range(0, n, WHOLES)
    for start in starts:
        stop = min(start + WHOLES, n)
        bases = _bases(pictures[start:stop], pool)
        for r, (w, v, c) in zip(
            rows, pool.map(partial(_search, bases, asked, start, kept), rows), strict=True
        ):
            # The best so far and those of these wholes, best first.
            both = np.concatenate([value[r], v], axis=1)
            order = np.argsort(-both, axis=1, kind="stable")[:, :kept]
            value[r] = np.take_along_axis(both, order, 1)
            whole[r] = np.take_along_axis(np.concatenate([whole[r], w], axis=1), order, 1)
            cut[r] = np.take_along_axis(np.concatenate([cut[r], c], axis=1), order, 1)
            if stop == n:
                progress(len(r))
    part = np.broadcast_to(np.arange(n)[:, None], whole.shape)
    place = np.broadcast_to(np.arange(kept), whole.shape)
    good = value >= WORTH
    columns = [c[good] for c in (whole, part, cut, place)]
    # Two images that name each other are aligned once, from the better side.
    pair = np.minimum(columns[0], columns[1]) * n + np.maximum(columns[0], columns[1])
    order = np.lexsort((-value[good], pair))
    first = np.append(True, np.diff(pair[order]) > 0)[: len(order)]
    once = np.sort(order[first])
    return columns[0][once], columns[1][once], columns[2][once], columns[3][once]


def _bases(pictures: Halves, pool: ThreadPoolExecutor) -> list[Floats]:
    """``(9, d, n)`` tangent planes for each of `CUTS`."""
    parts = [pictures[s : s + BLOCK].astype(np.float32) for s in range(0, len(pictures), BLOCK)]
    return [np.concatenate([*pool.map(lambda p, c=cut: planes(p, c), parts)], axis=2) for cut in CUTS]


def _search(
    bases: Sequence[Floats], asked: Floats, start: int, kept: int, rows: Ints
) -> tuple[Ints, Floats, Ints]:
    """The best ``kept`` wholes, their shares and cuts, for the images ``rows`` among those of ``bases``."""
    n = bases[0].shape[2]
    best, share, scratch = (np.empty((len(rows), n), np.float32) for _ in range(3))
    explained(bases[0], asked[rows], best, scratch)
    for base in bases[1:]:
        np.maximum(best, explained(base, asked[rows], share, scratch), out=best)
    own = (rows >= start) & (rows < start + n)
    best[np.flatnonzero(own), rows[own] - start] = -1
    top = np.argpartition(best, -min(kept, n), axis=1)[:, -min(kept, n) :]
    # Which cut it was is found again for these few.
    each = [np.einsum("md,kdmj->kmj", asked[rows], base[:, :, top]) for base in bases]
    cut = np.argmax([(e * e).sum(axis=0) for e in each], axis=0)
    return top + start, np.take_along_axis(best, top, 1), cut
