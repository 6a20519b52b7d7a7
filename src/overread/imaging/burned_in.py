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
    return _rows(boxes[fits], peak[fits])


def _rows(boxes: NDArray[Any], peak: NDArray[Any]) -> list[TextLine]:
    """Chains of neighbours of one height and brightness, left to right."""
    order = np.argsort(boxes[:, 1], kind="stable")
    chains: list[list[int]] = []
    for n in order:
        top, left, bottom, _ = boxes[n]
        best = None
        for chain in chains:
            t, _, b, right = boxes[chain[-1]]
            tall = max(b - t, bottom - top)
            near = -0.2 * tall <= left - right <= 1.1 * tall
            level = abs((b + t) - (bottom + top)) / 2 <= 0.25 * tall
            alike = min(b - t, bottom - top) >= 0.6 * tall
            if near and level and alike and abs(peak[chain[0]] - peak[n]) <= SAME_BRIGHTNESS:
                best = chain
        if best is None:
            chains.append([int(n)])
        else:
            best.append(int(n))
    found = [boxes[c] for c in chains if len(c) >= CHARACTERS]
    return [
        TextLine(int(b[:, 0].min()), int(b[:, 1].min()), int(b[:, 2].max()), int(b[:, 3].max()), len(b))
        for b in found
        if _even(b)
    ]


def _even(boxes: NDArray[Any]) -> bool:
    """Whether the characters stand on one line, as drawn text does and chance does not."""
    tall = float(np.median(boxes[:, 2] - boxes[:, 0]))
    return bool(np.median(np.abs(boxes[:, 2] - np.median(boxes[:, 2]))) <= max(1.0, 0.1 * tall))
