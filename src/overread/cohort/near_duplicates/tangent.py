"""Tangent planes of thumbnails: what a small turn, shift, scaling or change of contrast can make of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import gaussian_filter
from scipy.signal.windows import tukey

from overread.cohort.near_duplicates.thumbnail import SIDE

Floats = NDArray[np.float32]

BLUR = 1.9
"""Standard deviation, thumbnail pixels: a plane holds for moves up to about this far."""
ORDERS = 9
RIM = 1
TILE = 32
"""Products of this size stay in cache, and in one thread: OpenBLAS spreads larger ones, and then waits for cores."""

# Centre (rows, columns) and scale of the parts of an image that another may be cut from, as fractions of half
# its side and of its side: the whole, the middle, and towards the corners.
CUTS: tuple[tuple[float, float, float], ...] = (
    (0.0, 0.0, 1.0),
    (0.0, 0.0, 0.8),
    *((y, x, 0.92) for y in (-0.07, 0.07) for x in (-0.07, 0.07)),
)


TURNS = 8
"""The symmetries of a square: 0 leaves a picture as it is, see `turned`."""


def turned(pictures: Floats, turn: int) -> Floats:
    """Pictures ``(n, rows, columns)`` mirrored and turned by right angles: bit 0 of ``turn`` mirrors the columns, bit 1
    the rows, and bit 2 then exchanges rows and columns."""
    if turn & 1:
        pictures = pictures[:, :, ::-1]
    if turn & 2:
        pictures = pictures[:, ::-1]
    return np.ascontiguousarray(pictures.transpose(0, 2, 1) if turn & 4 else pictures)


def window(margin: int, taper: float) -> Floats:
    """Weights (SIDE, SIDE) that vanish over ``margin`` pixels at the rim, where a turn leaves fill."""
    edge = np.zeros(SIDE)
    edge[margin : SIDE - margin] = tukey(SIDE - 2 * margin, taper)
    return np.outer(edge, edge).astype(np.float32)


_WINDOW = window(RIM, 0.3)
_BASIS = dct(np.eye(SIDE), norm="ortho", axis=0)[:ORDERS].astype(np.float32)
_LOW = np.add.outer(np.arange(ORDERS), np.arange(ORDERS)) < ORDERS + 2
_ALONG = ((np.arange(SIDE) - (SIDE - 1) / 2) / (SIDE / 2)).astype(np.float32)


def spectra(pictures: Floats) -> Floats:
    """``(n, d)`` low DCT coefficients of windowed pictures ``(n, SIDE, SIDE)``."""
    both = np.matmul(np.matmul(_BASIS, pictures * _WINDOW), _BASIS.T)
    return both[:, _LOW]


_CONSTANT = spectra(np.ones((1, SIDE, SIDE), np.float32))[0]
_CONSTANT /= np.linalg.norm(_CONSTANT)


def blurred(thumbnails: Floats, sigma: float) -> Floats:
    """Smoothed and brought back to mean 0 and standard deviation 1."""
    out = gaussian_filter(thumbnails, (0, sigma, sigma), mode="nearest")
    out -= out.mean(axis=(1, 2), keepdims=True)
    spread = np.maximum(out.std(axis=(1, 2), keepdims=True), 1e-6)
    return np.asarray(out / spread, dtype=np.float32)


def queries(thumbnails: Floats) -> Floats:
    """``(n, d)`` unit descriptors that brightness and contrast do not change, but for the sign where light and dark
    are exchanged: that lies in the same plane."""
    found = spectra(blurred(thumbnails, BLUR))
    found -= np.outer(found @ _CONSTANT, _CONSTANT)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def planes(thumbnails: Floats, cut: tuple[float, float, float]) -> Floats:
    """Orthonormal bases of the tangent planes of the part ``cut`` of each thumbnail, in tiles of thumbnails:
    ``(9, n / TILE, d, TILE)``, zeros filling the last."""
    b = blurred(_cut(thumbnails, cut), BLUR)
    down, across = np.gradient(b, axis=1), np.gradient(b, axis=2)
    y, x = _ALONG[:, None], _ALONG[None, :]
    moves = (np.ones_like(b), b, b * b, down, across, down * y, down * x, across * y, across * x)
    bases = np.linalg.qr(np.stack([spectra(m) for m in moves], axis=2))[0]
    tiles = np.stack([in_tiles(bases[:, :, k]) for k in range(bases.shape[2])])
    return np.ascontiguousarray(tiles.transpose(0, 1, 3, 2))


def in_tiles(rows: Floats) -> Floats:
    """``(n, d)`` as ``(n / TILE, TILE, d)``, zeros filling the last tile."""
    out = np.zeros((-(-len(rows) // TILE) * TILE, rows.shape[1]), np.float32)
    out[: len(rows)] = rows
    return out.reshape(-1, TILE, rows.shape[1])


def explained(bases: Floats, of: Floats, out: Floats, scratch: Floats) -> Floats:
    """Share of each descriptor ``of`` (a, TILE, d) that lies in each plane of ``bases`` (9, b, d, TILE).

    ``out`` takes the result (a, b, TILE, TILE), ``scratch`` of the same shape is overwritten: fresh pages for every
    block would cost more than the arithmetic.
    """
    np.matmul(of[:, None], bases[0], out=out)
    np.multiply(out, out, out=out)
    for base in bases[1:]:
        np.matmul(of[:, None], base, out=scratch)
        np.multiply(scratch, scratch, out=scratch)
        np.add(out, scratch, out=out)
    return out


def _cut(thumbnails: Floats, cut: tuple[float, float, float]) -> Floats:
    """The part ``cut`` of every thumbnail, enlarged to its full size (bilinear)."""
    if cut == CUTS[0]:
        return thumbnails
    rows, columns = (_stretch(centre, cut[2]) for centre in cut[:2])
    return np.matmul(np.matmul(rows, thumbnails), columns.T)


def _stretch(centre: float, scale: float) -> Floats:
    middle = (SIDE - 1) / 2
    at = np.clip((np.arange(SIDE) - middle) * scale + middle + centre * SIDE / 2, 0, SIDE - 1)
    low = np.minimum(np.floor(at).astype(int), SIDE - 2)
    matrix = np.zeros((SIDE, SIDE), np.float32)
    matrix[np.arange(SIDE), low] = 1 - (at - low)
    matrix[np.arange(SIDE), low + 1] = at - low
    return matrix
