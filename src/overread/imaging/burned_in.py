"""Text drawn into the pixels: rows of thin strokes of one brightness, found without reading them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.ndimage import find_objects, grey_opening, maximum

from overread.imaging.grid.components import components

SMALLEST_SIDE = 64
SIDES = (1024, 512)
"""Pictures with longer sides are looked at in these sizes, so that large letters have thin strokes, too."""
STROKE = 9
"""Pixels: strokes are thinner than this."""
CONTRAST = 0.35
"""Share of the image's range by which a stroke stands out from what surrounds it."""
HEIGHTS = (5, 64)
CHARACTERS = 4
EDGES = 2 * CHARACTERS * HEIGHTS[0]
SAME_BRIGHTNESS = 0.12
EXPECTED = 1e-5
"""Lines that chance may make in a picture."""


@dataclass(frozen=True)
class TextLine:
    """Where a row of characters lies, in pixels (``bottom`` and ``right`` are outside), and how many there are."""

    top: int
    left: int
    bottom: int
    right: int
    characters: int


def text_lines(plane: NDArray[Any]) -> list[TextLine]:
    """Rows of four or more characters burned into a picture ``(rows, columns)``, bright or dark.

    Strokes are what a morphological opening takes away (white top-hat). Connected parts of them count as
    characters when their size and shape fit, and as text when several of one height and one brightness stand
    side by side on a line. Pictures below 64 pixels are too small to hold readable text and give none.
    """
    if min(plane.shape) < SMALLEST_SIDE:
        return []
    found: list[TextLine] = []
    for side in SIDES:
        step = max(plane.shape) / side
        if side == SIDES[0] or step > 1:
            found += [_scaled(line, max(1.0, step)) for line in _both(_reduced(plane, max(1.0, step)))]
    return found


def _reduced(plane: NDArray[Any], step: float) -> NDArray[np.float32]:
    """The picture with pixels ``step`` times larger, by area."""
    values = np.nan_to_num(plane.astype(np.float32))
    if step == 1:
        return values
    rows, columns = (max(1, round(n / step)) for n in values.shape)
    return np.asarray(Pillow.fromarray(values).resize((columns, rows), Pillow.Resampling.BOX))


def _scaled(line: TextLine, step: float) -> TextLine:
    top, left, bottom, right = (round(v * step) for v in (line.top, line.left, line.bottom, line.right))
    return TextLine(top, left, bottom, right, line.characters)


def _both(values: NDArray[np.float32]) -> list[TextLine]:
    """Bright and dark text."""
    low, high = float(np.percentile(values, 0.5)), float(values.max())
    if high <= low:
        return []
    bright = np.clip((values - low) / (high - low), 0, 1)
    # Most images have no sharp edges to speak of, and need no closer look.
    if np.count_nonzero(np.abs(bright[:, 2:] - bright[:, :-2]) > CONTRAST) < EDGES:
        return []
    low, high = float(values.min()), float(np.percentile(values, 99.5))
    dark = np.clip((high - values) / max(high - low, 1e-9), 0, 1)
    return [*_lines(bright), *_lines(dark)]


def _lines(g: NDArray[np.float32]) -> list[TextLine]:
    strokes = (g - grey_opening(g, size=(STROKE, STROKE))) > CONTRAST
    if not strokes.any() or strokes.mean() > 0.25:
        return []
    parts, count = components(strokes)
    if count < CHARACTERS:
        return []
    boxes = np.array([[b[0].start, b[1].start, b[0].stop, b[1].stop] for b in find_objects(parts)])
    peak = np.asarray(maximum(g, parts, np.arange(1, count + 1)))
    height, width = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    fill = np.bincount(parts.ravel(), minlength=count + 1)[1:] / (height * width)
    slim = width <= 0.4 * height
    fits = (height >= HEIGHTS[0]) & (height <= HEIGHTS[1]) & (width <= 1.5 * height)
    fits &= (fill >= 0.15) & ((fill <= 0.8) | slim)
    return _rows(boxes[fits], peak[fits], g.size)


def _rows(boxes: NDArray[Any], peak: NDArray[Any], area: int) -> list[TextLine]:
    """Chains of neighbours of one height and brightness, left to right, longer than chance makes them."""
    order = np.argsort(boxes[:, 1], kind="stable")
    boxes, peak = boxes[order].astype(np.float64), peak[order]
    chains: list[list[int]] = []
    # The last character of each chain that may still go on: top, left, bottom, right, and the first one's brightness.
    ends, of = np.empty((len(boxes), 5)), np.empty(len(boxes), dtype=np.int64)
    alive = 0
    for n, (top, left, bottom, right) in enumerate(boxes.tolist()):
        # Characters come from left to right: what ended further away than any gap allows cannot go on.
        near = left - ends[:alive, 3] <= 1.1 * HEIGHTS[1]
        kept = int(np.count_nonzero(near))
        if kept < alive:
            ends[:kept], of[:kept] = ends[:alive][near], of[:alive][near]
            alive = kept
        t, _, b, r, first = ends[:alive].T
        tall = np.maximum(b - t, bottom - top)
        gap = left - r
        fits = (gap >= -0.2 * tall) & (gap <= 1.1 * tall)
        fits &= np.abs((b + t) - (bottom + top)) / 2 <= 0.25 * tall
        fits &= np.minimum(b - t, bottom - top) >= 0.6 * tall
        fits &= np.abs(first - peak[n]) <= SAME_BRIGHTNESS
        found = np.flatnonzero(fits)
        if len(found):
            # The chain begun last, which is the nearest on the line.
            k = int(found[np.argmax(of[found])])
            chains[of[k]].append(n)
            ends[k, :4] = top, left, bottom, right
        else:
            of[alive] = len(chains)
            ends[alive] = top, left, bottom, right, peak[n]
            alive += 1
            chains.append([n])
    lines = []
    for chain in chains:
        b = boxes[chain]
        if len(b) >= CHARACTERS and _even(b) and len(b) >= _by_chance(b, peak[chain], boxes, peak, area):
            top, left = b[:, :2].min(axis=0).astype(int).tolist()
            bottom, right = b[:, 2:].max(axis=0).astype(int).tolist()
            lines.append(TextLine(top, left, bottom, right, len(b)))
    return lines


def _by_chance(
    chain: NDArray[Any], bright: NDArray[Any], boxes: NDArray[Any], peak: NDArray[Any], area: int
) -> float:
    """Characters that a line must have to be none of chance, where the picture is full of like parts.

    With ``n`` parts of the chain's height and brightness thrown on the picture, each has one where a neighbour may
    stand with probability ``p`` (the range of gaps by half the height), and ``n * p ** (k - 1)``
    chains of ``k`` are expected. Membranes, fibres and ribs make thousands of such parts, letters few.
    """
    tall = float(np.median(chain[:, 2] - chain[:, 0]))
    height = boxes[:, 2] - boxes[:, 0]
    like = (np.minimum(height, tall) >= 0.6 * np.maximum(height, tall)) & (
        np.abs(peak - bright[0]) <= SAME_BRIGHTNESS
    )
    # The chain's own characters are no chance.
    others = max(int(np.count_nonzero(like)) - len(chain), 1)
    p = others / area * (1.3 * tall) * (0.5 * tall)
    if p >= 1:
        return float("inf")
    return 1 + float(np.log(others / EXPECTED) / -np.log(p)) if others > EXPECTED else 0.0


def _even(boxes: NDArray[Any]) -> bool:
    """Whether the characters stand on one line, as drawn text does and chance does not."""
    tall = float(np.median(boxes[:, 2] - boxes[:, 0]))
    return bool(np.median(np.abs(boxes[:, 2] - np.median(boxes[:, 2]))) <= max(1.0, 0.1 * tall))
