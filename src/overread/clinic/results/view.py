"""The slices of a run for the study page, drawn once while the image is in memory: ``view.zip`` in the run's folder.

A page then needs no DICOM reader and no pixel data: image, answer and probability of each slice are PNGs of their own,
the upper ones transparent, which a browser lays one over the other.
"""

from __future__ import annotations

import io
import json
import logging
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.clinic.results.pictures import main_slice
from overread.files import atomic_path
from overread.imaging.box_picture import draw_boxes, in_picture
from overread.imaging.image import Image
from overread.imaging.picture import (
    COLORS,
    HEAT,
    border,
    fit_box,
    pixel_spacing,
    slice_of,
    upright,
    window_to_uint8,
)
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.prediction import Prediction

VIEW = "view.zip"
Layer: TypeAlias = Literal["image", "answer", "heat"]
LONGEST_SIDE = 512
MOST_SLICES = 400
log = logging.getLogger(__name__)
FILL = 90
"""Opacity of a label's inside, of 255."""


@dataclass(frozen=True)
class ViewFacts:
    """What there is to see: slice numbers counted from 1, those with an answer or a probability, and where to begin."""

    slices: tuple[int, ...]
    answered: tuple[int, ...]
    heated: tuple[int, ...]
    begin: int
    width: int
    height: int


def write_view(folder: Path, image: Image, prediction: Prediction) -> None:
    """Draw every slice, at most `MOST_SLICES` of them evenly spread. Raises OSError where the disk is at fault."""
    depth = image.spatial[2] if len(image.spatial) == 3 else 1
    begin = main_slice(prediction.answer, image.spatial)
    chosen = {round(k) for k in np.linspace(0, depth - 1, min(depth, MOST_SLICES)).tolist()} | {begin}
    low, high = np.percentile(_sample(image), (0.5, 99.5)).tolist()
    heat = _heat(prediction)
    answered, heated = [], []
    size = (0, 0)
    with atomic_path(folder / VIEW) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as out:
        for index in sorted(chosen):
            plane = slice_of(image, index)
            gray = fit_box(
                window_to_uint8(plane, low=low, high=high), side=LONGEST_SIDE, spacing=pixel_spacing(image)
            )
            size = gray.shape[:2]
            out.writestr(_name("image", index + 1), _png(gray))
            drawn = _answer_layer(image, prediction.answer, index, size)
            if drawn is not None:
                answered.append(index + 1)
                out.writestr(_name("answer", index + 1), _png(drawn))
            warm = None if heat is None else _heat_layer(image, heat, index, size)
            if warm is not None:
                heated.append(index + 1)
                out.writestr(_name("heat", index + 1), _png(warm))
        facts = ViewFacts(
            tuple(k + 1 for k in sorted(chosen)), tuple(answered), tuple(heated), begin + 1, size[1], size[0]
        )
        out.writestr("view.json", json.dumps(asdict(facts)))


def try_view(folder: Path, image: Image, prediction: Prediction) -> None:
    """As `write_view`; a fault of the drawing costs the page its slices and nobody a result."""
    try:
        write_view(folder, image, prediction)
    except (OSError, MemoryError):
        raise
    except Exception:
        log.exception("the slices of run %s could not be drawn", folder.name)


def view_facts(folder: Path) -> ViewFacts | None:
    """What there is to see of a run; None where nothing was drawn, or it cannot be read."""
    try:
        with zipfile.ZipFile(folder / VIEW) as view:
            content: dict[str, Any] = json.loads(view.read("view.json"))
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        return ViewFacts(**values)
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile):
        return None


def view_layer(folder: Path, layer: Layer, number: int) -> bytes | None:
    """PNG of one layer of one slice; None where there is none."""
    try:
        with zipfile.ZipFile(folder / VIEW) as view:
            return view.read(_name(layer, number))
    except (OSError, KeyError, zipfile.BadZipFile):
        return None


def _name(layer: Layer, number: int) -> str:
    return f"{layer}/{number:05d}.png"


def _sample(image: Image) -> NDArray[Any]:
    """Voxels for the window, so many that percentiles of large volumes cost little."""
    flat = image.array[0].ravel()
    return np.nan_to_num(flat[:: max(1, flat.size // 1_000_000)])


def _answer_layer(
    image: Image, answer: Answer | None, index: int, size: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    match answer:
        case LabelMap():
            labels = _fitted(image, answer.mask, index, size)
            return _colored(labels) if labels.any() else None
        case Objects():
            return _boxes_layer(image, answer, index, size)
        case Classes() | Findings() | Value() | None:
            return None
        case _:
            assert_never(answer)


def _colored(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(rows, columns, 4)``: labels in their colours, outlines opaque."""
    out = np.zeros((*labels.shape, 4), np.uint8)
    colors = np.array(COLORS, np.uint8)
    inside = labels > 0
    out[inside, :3] = colors[(labels[inside].astype(int) - 1) % len(colors)]
    out[inside, 3] = FILL
    out[border(labels), 3] = 255
    return out


def _boxes_layer(
    image: Image, answer: Objects, index: int, size: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    boxes = in_picture(answer.boxes, image, index)
    if not len(boxes):
        return None
    plane = slice_of(image, index)
    zoom = np.array(size) / plane.shape[:2]
    drawn = draw_boxes(np.zeros(size, np.uint8), boxes, answer.labels, zoom=(zoom[0], zoom[1]))
    alpha = np.where(drawn.any(axis=-1), 255, 0).astype(np.uint8)
    return np.dstack([drawn, alpha])


def _heat(prediction: Prediction) -> NDArray[np.uint8] | None:
    """For every voxel the largest probability of any label; None without maps."""
    maps = list(prediction.maps.values())
    return np.maximum.reduce(maps) if maps else None


def _heat_layer(
    image: Image, heat: NDArray[np.uint8], index: int, size: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    values = _fitted(image, heat, index, size)
    if not values.any():
        return None
    share = values / 255
    anchors = np.linspace(0, 1, len(HEAT))
    color = np.stack([np.interp(share, anchors, HEAT[:, c]) for c in range(3)], axis=-1)
    alpha = 180 * np.sqrt(share)
    return np.rint(np.dstack([color, alpha])).astype(np.uint8)


def _fitted(image: Image, array: NDArray[np.uint8], index: int, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """One slice of an array on the image's grid, as the picture of the image lies."""
    plane = array if array.ndim == 2 else upright(array[:, :, index], image.affine)
    fitted = fit_box(
        np.ascontiguousarray(plane), side=LONGEST_SIDE, spacing=pixel_spacing(image), labels=True
    )
    assert fitted.shape == tuple(size)
    return fitted


def _png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    # Little compression: a study is drawn while its sender's reader waits.
    Pillow.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
