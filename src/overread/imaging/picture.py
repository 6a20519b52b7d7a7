"""Pictures for people: windowed slices, outlines, heat maps. NumPy and Pillow only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray

COLORS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
)
"""RGB that colour-blind people can tell apart. Source: Okabe and Ito, Color Universal Design, 2008."""

HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], dtype=np.float64)
"""Dark to bright with rising lightness: five anchors along a perceptual ramp, black over violet to yellow."""


def window_to_uint8(
    array2d: NDArray[Any], *, low: float | None = None, high: float | None = None
) -> NDArray[np.uint8]:
    """``(rows, columns)`` numbers to 0 to 255; ``low`` and ``high`` default to percentiles 1 and 99."""
    values = np.nan_to_num(array2d.astype(np.float32))
    if low is None:
        low = float(np.percentile(values, 1))
    if high is None:
        high = float(np.percentile(values, 99))
    if high <= low:
        # A slice that is all but constant has no contrast between its percentiles.
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    scaled = (values - low) / max(high - low, 1e-12)
    return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)


def overlay(
    gray_uint8: NDArray[np.uint8],
    mask: NDArray[Any],
    *,
    colors: Sequence[tuple[int, int, int]] | None = None,
    alpha: float = 0.45,
    outline: bool = True,
) -> NDArray[np.uint8]:
    """Labels in colour over a picture.

    ``gray_uint8`` is ``(rows, columns)`` or already RGB; ``mask`` ``(rows, columns)`` holds 0 for none and
    1, 2 ... for labels, which take ``colors`` in turn. ``alpha`` is the fill's opacity; outlines, the label's
    own border pixels, are opaque. Returns ``(rows, columns, 3)``.
    """
    if mask.shape != gray_uint8.shape[:2]:
        raise ValueError(f"mask: found shape {mask.shape}, expected {gray_uint8.shape[:2]}")
    colors = COLORS if colors is None else colors
    labels = mask.astype(np.int64)
    rgb = _rgb(gray_uint8).astype(np.float64)
    edge = border(labels) if outline else np.zeros(labels.shape, dtype=bool)
    for label in np.unique(labels[labels > 0]):
        inside = labels == label
        color = np.array(colors[(int(label) - 1) % len(colors)], dtype=np.float64)
        rgb[inside] = (1 - alpha) * rgb[inside] + alpha * color
        rgb[inside & edge] = color
    return np.rint(rgb).astype(np.uint8)


def border(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which labelled pixels touch, by an edge, another label or none; the picture's rim does not count."""
    edge = np.zeros(labels.shape, dtype=bool)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge & (labels > 0)


def best_slice(mask: NDArray[Any]) -> int:
    """Index along the last axis where a ``(i, j, k)`` mask has its largest area; the middle when empty.

    The first of equals. The last axis is axial in volumes that run to RAS (`geometry.reorient`); a 2D mask
    gives 0.
    """
    if mask.ndim == 2:
        return 0
    areas = np.count_nonzero(mask, axis=(0, 1))
    return int(areas.argmax()) if areas.any() else mask.shape[2] // 2


@overload
def slice_of(image: Image, index: int, mask: None = None) -> NDArray[Any]: ...
@overload
def slice_of(image: Image, index: int, mask: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]: ...
def slice_of(
    image: Image, index: int, mask: NDArray[Any] | None = None
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
    """Slice ``index`` along the last axis, upright and in radiological view; with ``mask``, both alike.

    Axial: patient right on the picture's left, anterior on top. Coronal: right on the left, superior on
    top. Sagittal: anterior on the left, superior on top. Which one it is, the affine tells; use
    `geometry.reorient` to RAS first for axial slices. Shows the first channel (RGB as luma).
    A 2D image is returned as it is stored, already upright.
    """
    array = to_gray(image).array[0] if len(image.array) == 3 else image.array[0]
    if array.ndim == 2:
        return array if mask is None else (array, mask)
    if mask is not None and mask.shape != array.shape:
        raise ValueError(f"mask: found shape {mask.shape}, expected {array.shape}")
    cut = upright(array[:, :, index], image.affine)
    return cut if mask is None else (cut, upright(mask[:, :, index], image.affine))


def upright(plane: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """A ``(i, j)`` plane of a volume as ``(rows, columns)``: columns run to L (or P), rows to P (or I)."""
    from nibabel.orientations import io_orientation

    orientation = io_orientation(affine)
    if orientation[0, 0] < orientation[1, 0]:
        plane, orientation = plane.T, orientation[[1, 0]]
    # io_orientation counts towards R, A and S as +1; a picture runs the other way along all three.
    for axis in (0, 1):
        if orientation[axis, 1] > 0:
            plane = np.flip(plane, axis)
    return plane


def pixel_spacing(image: Image) -> tuple[float, float]:
    """Distance of the rows and of the columns of `slice_of`'s pictures of ``image``, mm."""
    a, b = image.spacing[:2]
    if len(image.spatial) == 2:
        return a, b
    # Where the first axis lies in the picture, shown by an array that counts along it.
    along_first = upright(np.arange(2)[:, None].repeat(2, axis=1), image.affine)
    return (a, b) if along_first[0, 0] != along_first[1, 0] else (b, a)


def fit_box(
    picture: NDArray[np.uint8],
    side: int,
    spacing: tuple[float, float] = (1.0, 1.0),
    *,
    labels: bool = False,
    pad: bool = False,
) -> NDArray[np.uint8]:
    """A picture as large as a square box holds it, in the patient's proportions.

    ``picture`` is ``(rows, columns)`` or RGB; ``side`` the box in pixels; ``spacing`` the distances of rows and
    columns, in one unit (see `pixel_spacing`): the result has square pixels. Greys are interpolated
    (bicubic), ``labels`` keep their values (nearest neighbour). With ``pad`` the box is filled up with black,
    the picture in its middle. Raises ValueError unless ``side`` and ``spacing`` are positive.
    """
    if side < 1 or min(spacing) <= 0:
        raise ValueError(f"fit_box: found side {side} and spacing {spacing}, expected numbers above 0")
    extent = np.array(picture.shape[:2]) * spacing
    rows, columns = (max(1, round(float(e))) for e in extent * side / extent.max())
    how = Pillow.Resampling.NEAREST if labels else Pillow.Resampling.BICUBIC
    fitted = np.asarray(Pillow.fromarray(np.ascontiguousarray(picture)).resize((columns, rows), how))
    if not pad:
        return fitted
    box = np.zeros((side, side, *picture.shape[2:]), np.uint8)
    top, left = (side - rows) // 2, (side - columns) // 2
    box[top : top + rows, left : left + columns] = fitted
    return box


def heatmap(gray_uint8: NDArray[np.uint8], heat: NDArray[Any], *, alpha: float = 0.5) -> NDArray[np.uint8]:
    """``heat`` (0 to 1, ``(rows, columns)``) in colour over a picture, the more opaque the hotter; RGB."""
    if heat.shape != gray_uint8.shape[:2]:
        raise ValueError(f"heat: found shape {heat.shape}, expected {gray_uint8.shape[:2]}")
    value = np.clip(np.nan_to_num(heat.astype(np.float64)), 0, 1)
    anchors = np.linspace(0, 1, len(HEAT))
    color = np.stack([np.interp(value, anchors, HEAT[:, c]) for c in range(3)], axis=-1)
    weight = (alpha * np.sqrt(value))[..., None]
    return np.rint((1 - weight) * _rgb(gray_uint8) + weight * color).astype(np.uint8)


def montage(tiles: Sequence[NDArray[np.uint8]], columns: int, *, gap: int = 4) -> NDArray[np.uint8]:
    """Pictures (gray or RGB) in rows of ``columns``, each centred in a cell of the largest size, on black."""
    if not tiles or columns < 1:
        raise ValueError(
            f"montage: found {len(tiles)} tiles in {columns} columns, expected 1 or more of each"
        )
    height, width = (max(t.shape[k] for t in tiles) for k in (0, 1))
    rows, columns = -(-len(tiles) // columns), min(columns, len(tiles))
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), dtype=np.uint8)
    for n, tile in enumerate(tiles):
        top = n // columns * (height + gap) + (height - tile.shape[0]) // 2
        left = n % columns * (width + gap) + (width - tile.shape[1]) // 2
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = _rgb(tile)
    return sheet


def caption(rgb: NDArray[np.uint8], text: str, *, size: int = 14) -> NDArray[np.uint8]:
    """The picture with ``text`` in white on a black strip below it, wrapped to its width."""
    font = ImageFont.load_default(size)
    picture = _rgb(rgb)
    width = picture.shape[1]
    lines = _wrap(text, font, width - 8)
    line_height = size + 4
    strip = Pillow.new("RGB", (width, line_height * len(lines) + 4))
    draw = ImageDraw.Draw(strip)
    for n, line in enumerate(lines):
        draw.text((4, 2 + n * line_height), line, fill=(255, 255, 255), font=font)
    return np.vstack([picture, np.asarray(strip)])


def _wrap(text: str, font: Any, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def png_bytes(rgb: NDArray[np.uint8]) -> bytes:
    """A ``(rows, columns)`` gray or ``(rows, columns, 3)`` RGB uint8 picture as the bytes of a PNG."""
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(rgb)).save(buffer, format="PNG")
    return buffer.getvalue()


def _rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(picture[..., None], 3, axis=-1) if picture.ndim == 2 else picture
