"""The picture on the status page: the slice with most to see, by kind of answer, and what it is not for."""

from __future__ import annotations

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from overread.imaging.box_picture import best_slice_of_boxes, draw_boxes, in_picture
from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    caption,
    fit_box,
    overlay,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_text import one_line

LONGEST_SIDE = 640
NOT_FOR_DIAGNOSIS = "Research use only. Not for diagnosis."


def draw(image: Image, answer: Answer | None, *, virtual: bool) -> bytes:
    """PNG of one slice with what was answered.

    Labels of voxels are filled and outlined on the slice with the largest area, objects boxed on the slice of the
    best one; findings and numbers stand below the middle slice, and classes, or no answer, leave it as it is. Pixels
    are made square from the image's spacing; "virtual patient" is written below where it applies.
    """
    words = [f"Virtual patient. {NOT_FOR_DIAGNOSIS}" if virtual else NOT_FOR_DIAGNOSIS]
    match answer:
        case LabelMap():
            picture = _labelled(image, answer.mask, best_slice(answer.mask))
        case Objects():
            picture = _boxed(image, answer, best_slice_of_boxes(answer.boxes, image.spatial))
        case Findings():
            picture = _plain(image, _middle(image))
            words = findings_words(answer) + words
        case Value():
            picture = _plain(image, _middle(image))
            words = [f"{one_line(answer)}.", *words]
        case Classes() | None:
            picture = _plain(image, _middle(image))
        case _:
            assert_never(answer)
    return png_bytes(caption(picture, "\n".join(words)))


def findings_words(answer: Findings) -> list[str]:
    """What is present, and what nobody has decided, a line each."""
    undecided = [label for label in answer.scores if label not in answer.thresholds]
    lines = [f"Present: {', '.join(answer.present)}."] if answer.present else []
    if not answer.present and answer.thresholds:
        lines.append(
            "No finding is present." if not undecided else "None of the findings decided is present."
        )
    if undecided:
        lines.append(f"Not decided, without a threshold: {', '.join(undecided)}.")
    return lines


def slice_with_answer(image: Image, answer: Answer | None, index: int) -> NDArray[np.uint8]:
    """One slice, gray or RGB, with what was answered of it: labels filled and outlined, objects boxed."""
    match answer:
        case LabelMap():
            return _labelled(image, answer.mask, index)
        case Objects():
            return _boxed(image, answer, index)
        case Findings() | Classes() | Value() | None:
            return _plain(image, index)
        case _:
            assert_never(answer)


def _middle(image: Image) -> int:
    return image.spatial[2] // 2 if len(image.spatial) == 3 else 0


def _plain(image: Image, index: int) -> NDArray[np.uint8]:
    plane = slice_of(image, index)
    return fit_box(window_to_uint8(plane), side=LONGEST_SIDE, spacing=pixel_spacing(image))


def _labelled(image: Image, mask: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    plane, labels = slice_of(image, index, mask)
    spacing = pixel_spacing(image)
    gray = fit_box(window_to_uint8(plane), side=LONGEST_SIDE, spacing=spacing)
    return overlay(gray, fit_box(labels, side=LONGEST_SIDE, spacing=spacing, labels=True))


def _boxed(image: Image, answer: Objects, index: int) -> NDArray[np.uint8]:
    plane = slice_of(image, index)
    gray = fit_box(window_to_uint8(plane), side=LONGEST_SIDE, spacing=pixel_spacing(image))
    zoom = np.array(gray.shape[:2]) / plane.shape[:2]
    return draw_boxes(gray, in_picture(answer.boxes, image, index), answer.labels, zoom=(zoom[0], zoom[1]))
