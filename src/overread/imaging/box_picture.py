"""Boxes on a picture, each in its label's colour with label and score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.imaging.picture import COLORS, upright

LINE_WIDTH, TEXT_SIZE = 2, 13
DARK = (0, 0, 0)


def best_slice_of_boxes(boxes: Boxes, spatial: Sequence[int]) -> int:
    """Index along the last axis of the middle of the best box; the middle slice where there is none, 0 in 2D."""
    if len(spatial) == 2:
        return 0
    if not len(boxes):
        return int(spatial[2]) // 2
    best = int(np.argmax(boxes.scores))
    middle = (boxes.low[best, 2] + boxes.high[best, 2]) / 2
    return int(np.clip(np.floor(middle), 0, spatial[2] - 1))


def in_picture(boxes: Boxes, image: Image, index: int) -> Boxes:
    """The boxes that slice ``index`` cuts, as 2D boxes ``(row, column)`` of `slice_of`'s upright picture."""
    if boxes.axes == 2:
        return boxes
    cut = boxes.where((boxes.low[:, 2] < index + 1) & (boxes.high[:, 2] > index))
    # `upright` turns and mirrors whole planes: the coordinates of the voxels tell what it does to corners.
    grid = np.indices(image.spatial[:2])
    rows, columns = (upright(g, image.affine) for g in grid)
    turned = bool(rows[0, 0] == rows[-1, 0]) if rows.shape[0] > 1 else bool(columns[0, 0] == columns[0, -1])
    order = [1, 0] if turned else [0, 1]
    low, high = cut.low[:, order], cut.high[:, order]
    shape = np.array(rows.shape, np.float64)
    for axis, coordinate in enumerate((columns, rows) if turned else (rows, columns)):
        along = coordinate[:, 0] if axis == 0 else coordinate[0, :]
        if along[0] > along[-1]:
            low[:, axis], high[:, axis] = shape[axis] - high[:, axis], shape[axis] - low[:, axis]
    return Boxes(low, high, cut.labels, cut.scores)


def draw_boxes(
    gray: NDArray[np.uint8],
    boxes: Boxes,
    labels: Sequence[str] = (),
    *,
    zoom: tuple[float, float] = (1.0, 1.0),
    width: int = LINE_WIDTH,
) -> NDArray[np.uint8]:
    """RGB picture with 2D boxes ``(row, column)``, counted from the outer edge of the first pixel.

    ``gray`` is ``(rows, columns)`` or RGB, ``zoom`` how many of its pixels one of the boxes' pixels is, per axis.
    The best box is drawn last, over the others. With ``labels`` each bears its label and score; without, its outline of
    ``width`` pixels alone. Raises ValueError for boxes of a volume: see `in_picture`.
    """
    if boxes.axes != 2:
        raise ValueError(f"boxes: found {boxes.axes} axes, expected those of one plane, 2")
    picture = Pillow.fromarray(np.ascontiguousarray(gray)).convert("RGB")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(TEXT_SIZE)
    for n in np.argsort(boxes.scores, kind="stable"):
        label = int(boxes.labels[n])
        color = COLORS[label % len(COLORS)]
        (top, left), (bottom, right) = boxes.low[n] * zoom, boxes.high[n] * zoom
        # The last pixel that lies within the box, see the convention of `overread.imaging.boxes`.
        corners = [
            round(left),
            round(top),
            max(round(left), round(right) - 1),
            max(round(top), round(bottom) - 1),
        ]
        pen.rectangle(corners, outline=color, width=width)
        if not labels:
            continue
        text = f"{labels[label]} {boxes.scores[n]:.2f}"
        length, height = font.getlength(text) + 4, TEXT_SIZE + 4
        x = float(np.clip(left, 0, max(0.0, picture.width - length)))
        y = float(top - height if top >= height else min(float(bottom), picture.height - height))
        pen.rectangle([x, y, x + length, y + height], fill=color)
        pen.text((x + 2, y + 1), text, fill=DARK, font=font)
    return np.asarray(picture)
