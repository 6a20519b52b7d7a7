"""Pictures of an answer on its slices, with warning, legend and measurements burned in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from overread.clinic.results.groups.objects import slices_of
from overread.clinic.results.material import Material
from overread.clinic.results.outcome import outcome_words
from overread.clinic.results.picture import slice_with_answer
from overread.imaging.box_picture import best_slice_of_boxes
from overread.imaging.picture import COLORS, best_slice, caption
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_text import headline, lines

MOST_SLICES = 200
MOST_LINES = 12
FONT_SIZE = 15


def shown_slices(answer: Answer | None, spatial: tuple[int, ...]) -> list[int]:
    """Slices on which something was found, in order; where nothing was, the middle one."""
    depth = spatial[2] if len(spatial) == 3 else 1
    if depth == 1:
        return [0]
    match answer:
        case LabelMap():
            found = np.flatnonzero(answer.mask.any(axis=(0, 1))).tolist()
        case Objects():
            pairs = zip(answer.boxes.low[:, 2], answer.boxes.high[:, 2], strict=True)
            found = sorted({k for low, high in pairs for k in slices_of(low, high, depth)})
        case Classes() | Findings() | Value() | None:
            found = []
        case _:
            assert_never(answer)
    if len(found) > MOST_SLICES:
        # Evenly, so that the whole extent is seen.
        found = [found[round(k)] for k in np.linspace(0, len(found) - 1, MOST_SLICES)]
    return found or [depth // 2]


def main_slice(answer: Answer | None, spatial: tuple[int, ...]) -> int:
    """The slice with most to see."""
    if len(spatial) == 2:
        return 0
    match answer:
        case LabelMap():
            return best_slice(answer.mask)
        case Objects():
            return best_slice_of_boxes(answer.boxes, spatial)
        case Classes() | Findings() | Value() | None:
            return spatial[2] // 2
        case _:
            assert_never(answer)


def burned(material: Material, index: int) -> NDArray[np.uint8]:
    """``(rows, columns, 3)``: one slice with what was answered, the legend, the measurements and the warning."""
    picture = slice_with_answer(material.image, material.answer, index)
    return caption(_with_legend(picture, legend(material)), "\n".join(words(material)), size=FONT_SIZE)


def legend(material: Material) -> list[tuple[str, tuple[int, int, int]]]:
    """Labels with the colour that each has in the picture."""
    match material.answer:
        case LabelMap():
            labels: Sequence[str] = material.package.manifest.labels[1:]
            present = set(np.unique(material.answer.mask).tolist())
            numbered = [(n, label) for n, label in enumerate(labels) if n + 1 in present]
        case Objects():
            present = set(material.answer.boxes.labels.tolist())
            numbered = [(n, label) for n, label in enumerate(material.answer.labels) if n in present]
        case Classes() | Findings() | Value() | None:
            numbered = []
        case _:
            assert_never(material.answer)
    return [(label, COLORS[n % len(COLORS)]) for n, label in numbered]


def words(material: Material) -> list[str]:
    """What is written below a picture: result, measurements, who answered, warning."""
    manifest = material.package.manifest
    out = [outcome_words(material.result)]
    if material.answer is not None:
        found = lines(material.answer)
        out = [headline(material.answer)]
        out += [
            f"{x.name}: {x.value}" + (f" ({x.interval})" if x.interval else "") for x in found[:MOST_LINES]
        ]
        if len(found) > MOST_LINES:
            out.append(f"and {len(found) - MOST_LINES} more in the structured report")
    out.append(f"{manifest.name} {manifest.version} (AI)")
    return [*out, material.settings.warning]


def _with_legend(
    picture: NDArray[np.uint8], entries: Sequence[tuple[str, tuple[int, int, int]]]
) -> NDArray[np.uint8]:
    """The picture with a swatch and a name for each label in its upper left corner, on a dark ground."""
    if not entries:
        return picture
    rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    out = Pillow.fromarray(np.ascontiguousarray(rgb))
    draw, font = ImageDraw.Draw(out, "RGBA"), ImageFont.load_default(FONT_SIZE)
    step = FONT_SIZE + 6
    width = max(int(draw.textlength(name, font=font)) for name, _ in entries) + step + 14
    draw.rectangle((4, 4, 4 + width, 8 + step * len(entries)), fill=(0, 0, 0, 170))
    for n, (name, color) in enumerate(entries):
        top = 8 + n * step
        draw.rectangle((10, top + 1, 10 + FONT_SIZE, top + 1 + FONT_SIZE), fill=color)
        draw.text((16 + FONT_SIZE, top), name, fill=(255, 255, 255), font=font)
    return np.asarray(out.convert("RGB"))
