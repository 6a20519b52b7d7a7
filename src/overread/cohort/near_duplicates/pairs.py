"""All near-duplicate pairs of a set of thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.cohort.near_duplicates.align import Levels, likeness
from overread.cohort.near_duplicates.tangent import CUTS, TILE, explained, in_tiles, planes, queries
from overread.cohort.near_duplicates.workers import Halves, Run, worker_pool

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

BLOCK = 256
WHOLES = 1024
SHARE = 1024
"""Images asked for, images searched and pairs aligned at once: what bounds memory."""
KEPT = 3
"""Candidates aligned per image."""
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
        whole, part, cut, place = _candidates(pictures, run, progress or (lambda _: None))
        cuts = range(0, len(whole), SHARE)
        shares = [(whole[s : s + SHARE], part[s : s + SHARE], cut[s : s + SHARE]) for s in cuts]
        score = np.concatenate([np.empty(0, np.float32), *run(_aligned, shares)])
    least = likeness_threshold(score[place == KEPT - 1], len(index)) if threshold is None else threshold
    found = [
        NearPair(int(min(w, p)), int(max(w, p)), float(s))
        for w, p, s in zip(index[whole], index[part], score, strict=True)
        if s >= least
    ]
    return sorted(found, key=lambda n: (-n.likeness, n.first, n.second))


def likeness_threshold(third: Floats, images: int) -> float:
    """The likeness from which a pair counts, from the likeness of images and their third-best candidates.

    Third candidates are hardly ever copies: they tell how alike different images of this kind are. Chest
    radiographs need a higher bar than micrographs, whose cropped copies that bar would miss. Images whose third
    candidate was not worth aligning are missing from ``third`` and count as unlike.
    """
    all_images = np.zeros(max(images, len(third), 1))
    all_images[: len(third)] = third
    return float(np.clip(np.quantile(all_images, 0.99) + STANDS_OUT, LEAST, MOST))


def _aligned(pictures: Halves, share: tuple[Ints, Ints, Ints]) -> Floats:
    whole, part, cut = share
    used, at = np.unique(np.concatenate([whole, part]), return_inverse=True)
    levels = Levels(pictures[used].astype(np.float32))
    return likeness(levels, at[: len(whole)], at[len(whole) :], cut)


def _candidates(pictures: Halves, run: Run, progress: Callable[[int], None]) -> tuple[Ints, Ints, Ints, Ints]:
    """Whole, part, cut and place of the pairs worth aligning: for every image as a part, the best few wholes."""
    n = len(pictures)
    kept = min(KEPT, n - 1)
    starts = [(s, min(s + WHOLES, n)) for s in range(0, n, WHOLES)]
    whole, cut = np.zeros((n, kept), np.int64), np.zeros((n, kept), np.int64)
    value = np.full((n, kept), -1, np.float32)
    for (start, stop), found in zip(starts, run(_among, starts), strict=True):
        # The best so far and those of these wholes, best first.
        both = np.concatenate([value, found[1]], axis=1)
        order = np.argsort(-both, axis=1, kind="stable")[:, :kept]
        value = np.take_along_axis(both, order, 1)
        whole = np.take_along_axis(np.concatenate([whole, found[0]], axis=1), order, 1)
        cut = np.take_along_axis(np.concatenate([cut, found[2]], axis=1), order, 1)
        progress(stop - start)
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


def _among(pictures: Halves, span: tuple[int, int]) -> tuple[Ints, Floats, Ints]:
    """For every picture as a part, the best few wholes of ``span``, their shares and cuts."""
    start, stop = span
    wholes = pictures[start:stop].astype(np.float32)
    bases = [planes(wholes, cut) for cut in CUTS]
    blocks = range(0, len(pictures), BLOCK)
    found = [
        _search(bases, pictures[s : s + BLOCK].astype(np.float32), s - start, stop - start) for s in blocks
    ]
    top, value, cut = (np.concatenate(c) for c in zip(*found, strict=True))
    return top + start, value, cut


def _search(bases: Sequence[Floats], parts: Floats, offset: int, n: int) -> tuple[Ints, Floats, Ints]:
    """The best few of the ``n`` wholes of ``bases`` for ``parts``, of which the first is the whole ``offset``."""
    asked = queries(parts)
    tiles = in_tiles(asked)
    shape = (len(tiles), bases[0].shape[1], TILE, TILE)
    most, share, scratch = (np.empty(shape, np.float32) for _ in range(3))
    explained(bases[0], tiles, most, scratch)
    for base in bases[1:]:
        np.maximum(most, explained(base, tiles, share, scratch), out=most)
    best = most.transpose(0, 2, 1, 3).reshape(shape[0] * TILE, shape[1] * TILE)[: len(asked), :n]
    rows = np.arange(len(asked))
    own = rows[(rows + offset >= 0) & (rows + offset < n)]
    best[own, own + offset] = -1
    kept = min(KEPT, n)
    top = np.argpartition(best, -kept, axis=1)[:, -kept:]
    # Which cut it was is found again for these few.
    each = [np.einsum("md,mjkd->kmj", asked, base[:, top // TILE, :, top % TILE]) for base in bases]
    cut = np.argmax([(e * e).sum(axis=0) for e in each], axis=0)
    return top, np.take_along_axis(best, top, 1), cut
