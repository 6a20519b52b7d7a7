"""What matrices of level by size have in common: runs, zones and dependences (IBSI reference manual 3.7, 3.8, 3.11)."""

from __future__ import annotations

import numpy as np

from overread.stats.arrays import Floats, Ints
from overread.stats.radiomics.levels import directions, entropy, shifted


def emphases(level: Ints, size: Ints, voxels: int, *, small: str, large: str, of: str) -> dict[str, float]:
    """Features of parts (runs, zones, dependences) of ``level (n,)`` and ``size (n,)`` in a region of ``voxels``.

    ``small``, ``large``: words for small and large parts; ``of``: what a part is called.
    """
    n = len(level)
    i, j = level.astype(np.float64), size.astype(np.float64)
    by_level, by_size = np.bincount(level).astype(np.float64), np.bincount(size).astype(np.float64)
    _, joint = np.unique(level * (int(size.max()) + 1) + size, return_counts=True)
    return {
        f"{small}_emphasis": float((j**-2).mean()),
        f"{large}_emphasis": float((j**2).mean()),
        "low_grey_level_emphasis": float((i**-2).mean()),
        "high_grey_level_emphasis": float((i**2).mean()),
        f"{small}_low_grey_level_emphasis": float((i**-2 * j**-2).mean()),
        f"{small}_high_grey_level_emphasis": float((i**2 * j**-2).mean()),
        f"{large}_low_grey_level_emphasis": float((i**-2 * j**2).mean()),
        f"{large}_high_grey_level_emphasis": float((i**2 * j**2).mean()),
        "grey_level_non_uniformity": float((by_level**2).sum() / n),
        "grey_level_non_uniformity_normalised": float((by_level**2).sum() / n**2),
        f"{of}_non_uniformity": float((by_size**2).sum() / n),
        f"{of}_non_uniformity_normalised": float((by_size**2).sum() / n**2),
        f"{of}_percentage": n / voxels,
        "grey_level_variance": float(i.var()),
        f"{of}_variance": float(j.var()),
        f"{of}_entropy": entropy(joint / n),
    }


def glrlm(levels: Ints) -> dict[str, float]:
    """Runs of equal level along each direction; features averaged over the directions."""
    voxels = int((levels > 0).sum())
    found = []
    for offset in directions(levels.ndim):
        level, length = runs(levels, offset)
        found.append(emphases(level, length, voxels, small="short_run", large="long_run", of="run"))
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def runs(levels: Ints, offset: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Level and length of every run along ``offset``."""
    here, there = shifted(levels.shape, offset)
    follows = np.zeros(levels.shape, np.bool_)
    same = (levels[here] == levels[there]) & (levels[here] > 0)
    follows[there] = same
    at = np.argwhere((levels > 0) & ~follows)
    level = levels[tuple(at.T)]
    goes_on = np.zeros(levels.shape, np.bool_)
    goes_on[here] = same
    length = np.ones(len(at), np.int64)
    alive = np.arange(len(at))
    while len(alive):
        alive = alive[goes_on[tuple(at[alive].T)]]
        length[alive] += 1
        at[alive] += offset
    return level, length


def glszm(levels: Ints) -> dict[str, float]:
    """Zones of equal level that hang together (26 neighbours, 8 in the plane)."""
    import cc3d

    zones = cc3d.connected_components(
        levels.astype(np.uint32), connectivity=26 if levels.ndim == 3 else 8
    ).ravel()
    inside = zones > 0
    size = np.bincount(zones[inside])[1:]
    level = np.zeros(len(size) + 1, np.int64)
    level[zones[inside]] = levels.ravel()[inside]
    return emphases(level[1:], size, int(inside.sum()), small="small_zone", large="large_zone", of="zone")


def gldm(levels: Ints, *, tolerance: int = 0) -> dict[str, float]:
    """How many of a voxel's neighbours (and itself) have its level, up to ``tolerance`` (IBSI: NGLDM)."""
    alike = np.ones(levels.shape, np.int64)
    for offset in directions(levels.ndim):
        here, there = shifted(levels.shape, offset)
        same = (np.abs(levels[here] - levels[there]) <= tolerance) & (levels[here] > 0) & (levels[there] > 0)
        alike[here] += same
        alike[there] += same
    inside = levels > 0
    return emphases(
        levels[inside],
        alike[inside],
        int(inside.sum()),
        small="small_dependence",
        large="large_dependence",
        of="dependence",
    )


def ngtdm(levels: Ints) -> dict[str, float]:
    """How far a voxel's level lies from the mean of its neighbours (IBSI reference manual 3.9; Amadasun 1989)."""
    total, number = np.zeros((2, *levels.shape))
    for offset in directions(levels.ndim):
        for here, there in (shifted(levels.shape, offset), shifted(levels.shape, offset)[::-1]):
            total[here] += levels[there]
            number[here] += levels[there] > 0
    used = (levels > 0) & (number > 0)
    level = levels[used]
    if not len(level):
        return dict.fromkeys(("coarseness", "contrast", "busyness", "complexity", "strength"), float("nan"))
    off = np.abs(level - total[used] / number[used])
    s = np.bincount(level, off).astype(np.float64)
    p: Floats = np.bincount(level) / len(level)
    held = np.flatnonzero(p)
    return _tones(held.astype(np.float64), p[held], s[held], len(level))


def _tones(i: Floats, p: Floats, s: Floats, n: int) -> dict[str, float]:
    """From levels ``i``, their shares ``p`` and summed differences ``s``."""
    kinds = len(i)
    apart = i[:, None] - i[None]
    weighted = p * s
    busy = np.abs(i[:, None] * p[:, None] - i[None] * p[None]).sum()
    return {
        "coarseness": float(1 / weighted.sum()) if weighted.sum() > 0 else 1e6,
        "contrast": float((np.outer(p, p) * apart**2).sum() / (kinds * (kinds - 1)) * s.sum() / n)
        if kinds > 1
        else 0.0,
        "busyness": float(weighted.sum() / busy) if busy > 0 else 0.0,
        "complexity": float(
            (np.abs(apart) * (weighted[:, None] + weighted[None]) / (p[:, None] + p[None])).sum() / n
        ),
        "strength": float(((p[:, None] + p[None]) * apart**2).sum() / s.sum()) if s.sum() > 0 else 0.0,
    }
