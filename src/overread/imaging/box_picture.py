"""Boxes drawn on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from overread.imaging.boxes import Boxes
from overread.imaging.picture import COLORS

TEXT_SIZE = 11


def draw_boxes(
    picture: NDArray[np.uint8],
    boxes: Boxes,
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    texts: Sequence[str] = (),
    width: int = 1,
) -> NDArray[np.uint8]:
    """Outlines of 2D ``boxes`` over a picture ``(rows, columns)`` gray or RGB; RGB.

    ``scale`` takes the boxes' rows and columns to the picture's pixels; each label has its colour, and ``texts`` (one a
    box, or none) stand above the boxes. Raises ValueError for boxes of a volume.
    """
    if boxes.axes != 2:
        raise ValueError(
            f"boxes: found {boxes.axes} axes, expected 2; cut the volume's boxes with `plane_of` first"
        )
    rgb = np.repeat(picture[..., None], 3, -1) if picture.ndim == 2 else picture
    image = Pillow.fromarray(np.ascontiguousarray(rgb))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(TEXT_SIZE)
    placed = boxes.moved(scale)
    for i in range(len(placed)):
        color = COLORS[int(placed.labels[i]) % len(COLORS)]
        (top, left), (bottom, right) = placed.low[i], placed.high[i]
        # Pillow's corners are pixels, ours are edges: the last pixel inside ends at the edge.
        corners = (left, top, max(left, right - 1), max(top, bottom - 1))
        draw.rectangle(corners, outline=color, width=width)
        if texts:
            draw.text((left + 1, max(0.0, top - TEXT_SIZE - 2)), texts[i], fill=color, font=font)
    return np.asarray(image)


def plane_of(boxes: Boxes, index: int, axis: int = 2) -> tuple[Boxes, NDArray[np.int64]]:
    """The 2D boxes that slice ``index`` of ``axis`` cuts, and which of the volume's they are."""
    cut = (boxes.low[:, axis] < index + 1) & (boxes.high[:, axis] > index)
    which = np.flatnonzero(cut)
    rest = [a for a in range(boxes.axes) if a != axis]
    part = boxes.where(which)
    return Boxes(part.low[:, rest], part.high[:, rest], part.labels, part.scores), which
