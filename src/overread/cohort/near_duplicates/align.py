"""Aligning pairs of thumbnails, and how alike they are then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from overread.cohort.near_duplicates.tangent import BLUR, CUTS, blurred, window
from overread.cohort.near_duplicates.thumbnail import SIDE

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FINE, DETAIL = 0.9, 2.5
STEPS = 4
BLOCK = 256
MIDDLE = (SIDE - 1) / 2
_WINDOW = window(2, 0.25)
_AT = (np.arange(SIDE) - MIDDLE).astype(np.float32)
# Steps of alignment look at every other pixel, which smooth pictures lose nothing by.
_SPARSE = slice(None, None, 2)
_LIMIT = np.array([3, 3, 0.15, 0.15, 0.15, 0.15], np.float32)


class Levels:
    """Thumbnails at three levels of detail: coarse, fine, and the fine without the coarse."""

    def __init__(self, thumbnails: Floats) -> None:
        self.coarse = blurred(thumbnails, BLUR)
        self.fine = blurred(thumbnails, FINE)
        rest = thumbnails - gaussian_filter(thumbnails, (0, DETAIL, DETAIL), mode="nearest")
        self.detail = blurred(rest, FINE)
        self.down = np.gradient(self.fine, axis=1)
        self.across = np.gradient(self.fine, axis=2)


def likeness(levels: Levels, whole: Ints, part: Ints, cut: Ints) -> Floats:
    """``(p,)``: how alike two thumbnails are once one is turned, moved, stretched and toned onto the other.

    The sum over three levels of detail of ``-log10(1 - r)``, where ``r`` is the correlation that remains;
    at most 15. Of ``r`` and ``-r``, which an exchange of light and dark leaves, the one that makes more of all levels
    counts. ``part`` are the pictures that may be a piece of ``whole``, starting from ``CUTS[cut]``.
    """
    out = np.empty(len(whole), np.float32)
    for start in range(0, len(whole), BLOCK):
        here = slice(start, start + BLOCK)
        out[here] = _block(levels, whole[here], part[here], cut[here])
    return out


def _block(levels: Levels, whole: Ints, part: Ints, cut: Ints) -> Floats:
    moves = np.array([[[s, 0, y * SIDE / 2], [0, s, x * SIDE / 2]] for y, x, s in CUTS], np.float32)[cut]
    for _ in range(STEPS):
        moves = _step(levels, whole, part, moves)
    place = _Place(moves, slice(None))
    weight = _WINDOW * place.inside * place.take(_WINDOW[None], np.zeros_like(whole))
    alike, inverted = np.zeros((2, len(whole)), np.float32)
    for pictures in (levels.coarse, levels.fine, levels.detail):
        r = _correlation(place.take(pictures, whole), pictures[part], weight)
        alike -= np.log10(np.clip(1 - r, 1e-5, 1))
        inverted -= np.log10(np.clip(1 + r, 1e-5, 1))
    return np.asarray(np.where(_small(moves), np.maximum(alike, inverted), 0), dtype=np.float32)


def _small(moves: Floats) -> NDArray[np.bool_]:
    """Whether moves (p, 2, 3) are what recompression, a crop or careless handling does to a picture."""
    linear = moves[:, :, :2]
    area = np.linalg.det(linear)
    # Zero for pure scaling; the tangent of the angle for a turn.
    skew = np.abs(linear[:, 0, 1]) + np.abs(linear[:, 1, 0])
    shift = np.abs(moves[:, :, 2]).max(axis=1)
    return np.asarray((area > 0.4) & (area < 1.6) & (skew < 0.4) & (shift < 0.2 * SIDE))


def _step(levels: Levels, whole: Ints, part: Ints, moves: Floats) -> Floats:
    """One Gauss-Newton step of the affine ``moves`` (p, 2, 3), with contrast and gamma solved along."""
    place = _Place(moves, _SPARSE)
    a = place.take(levels.fine, whole)
    fixed_down, fixed_across = place.take(levels.down, whole), place.take(levels.across, whole)
    linear = moves[:, :, :2, None, None]
    down = linear[:, 0, 0] * fixed_down + linear[:, 1, 0] * fixed_across
    across = linear[:, 0, 1] * fixed_down + linear[:, 1, 1] * fixed_across
    y, x = _AT[_SPARSE, None] / MIDDLE, _AT[None, _SPARSE] / MIDDLE
    terms = (np.ones_like(a), a, a * a, down, across, down * y, down * x, across * y, across * x)
    weight = np.sqrt(_WINDOW[_SPARSE, _SPARSE]) * place.inside
    t = np.stack([(term * weight).reshape(len(a), -1) for term in terms], axis=1)
    b = (levels.fine[part][:, _SPARSE, _SPARSE] * weight).reshape(len(a), -1, 1)
    gram = np.matmul(t, t.transpose(0, 2, 1))
    ridge = np.trace(gram, axis1=1, axis2=2) * (1e-4 / len(terms))
    gram += ridge[:, None, None] * np.eye(len(terms), dtype=np.float32)
    c = np.linalg.solve(gram, np.matmul(t, b))[:, :, 0]
    # A vanishing contrast says nothing about the move.
    gain = np.where(np.abs(c[:, 1:2]) < 0.2, 0.2, c[:, 1:2])
    d = c[:, 3:] / gain
    d[:, 2:] /= MIDDLE
    d = np.clip(d, -_LIMIT, _LIMIT)
    change = np.zeros((len(d), 3, 3), np.float32)
    change[:, 0] = np.stack([1 + d[:, 2], d[:, 3], d[:, 0]], axis=1)
    change[:, 1] = np.stack([d[:, 4], 1 + d[:, 5], d[:, 1]], axis=1)
    change[:, 2, 2] = 1
    last = np.broadcast_to(np.array([[[0, 0, 1]]], np.float32), (len(d), 1, 3))
    return np.matmul(np.concatenate([moves, last], axis=1), change)[:, :2]


class _Place:
    """Where the pixels of one picture lie in another, and the other's values there (bilinear)."""

    def __init__(self, moves: Floats, every: slice) -> None:
        rows, columns = _AT[every, None], _AT[None, every]
        y, x = (
            m[:, 0, None, None] * rows
            + m[:, 1, None, None] * columns
            + m[:, 2, None, None]
            + np.float32(MIDDLE)
            for m in (moves[:, 0], moves[:, 1])
        )
        edge = SIDE - 1
        self.inside = (y >= -0.5) & (y <= edge + 0.5) & (x >= -0.5) & (x <= edge + 0.5)
        # Moves that ran away must not overflow; those pixels count as outside.
        y, x = (np.clip(np.nan_to_num(v), 0, edge - 1e-3) for v in (y, x))
        i, j = y.astype(np.int32), x.astype(np.int32)
        self.fy, self.fx = (y - i).astype(np.float32), (x - j).astype(np.float32)
        self.flat = i.astype(np.int64) * SIDE + j

    def take(self, pictures: Floats, which: Ints) -> Floats:
        """``pictures[which]`` at these places."""
        flat = pictures.reshape(-1)
        at = self.flat + (which * SIDE * SIDE)[:, None, None]
        a, b = np.take(flat, at), np.take(flat, at + 1)
        top = a + (b - a) * self.fx
        a, b = np.take(flat, at + SIDE), np.take(flat, at + SIDE + 1)
        bottom = a + (b - a) * self.fx
        return np.asarray(top + (bottom - top) * self.fy, dtype=np.float32)


def _correlation(a: Floats, b: Floats, weight: Floats) -> Floats:
    """Weighted correlation of pictures (p, SIDE, SIDE), after ``a``'s best gain and gamma; 0 where undefined."""
    total = np.maximum(weight.sum(axis=(1, 2)), 1e-6)

    def centred(v: Floats) -> Floats:
        return np.asarray(v - ((v * weight).sum(axis=(1, 2)) / total)[:, None, None])

    a, b = centred(a), centred(b)
    squares = ((v * v * weight).sum(axis=(1, 2)) for v in (a, b))
    scale = np.sqrt(np.prod([*squares], axis=0))
    product = (a * b * weight).sum(axis=(1, 2))
    r = np.divide(product, scale, out=np.zeros_like(product), where=scale > 1e-6)
    return np.asarray(np.where(total > 0.35 * _WINDOW.sum(), r, 0), dtype=np.float32)
