"""The picture of a result: square pixels, outlined finding, a line that says what it is not for."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

from overread.clinic.results.picture import LONGEST_SIDE, draw, findings_words
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects


def picture(image: Image, answer: Answer | np.ndarray | None, virtual: bool = False) -> np.ndarray:
    """The drawn picture; an array stands for a label map."""
    shown = LabelMap(answer) if isinstance(answer, np.ndarray) else answer
    return np.asarray(Pillow.open(io.BytesIO(draw(image, shown, virtual=virtual))))


def volume(columns: int = 40, rows: int = 20, spacing: tuple[float, float] = (1, 1)) -> Image:
    array = np.random.default_rng(0).normal(100, 10, (1, columns, rows, 5)).astype(np.float32)
    return Image(array, np.diag([-spacing[0], -spacing[1], 4.0, 1.0]), "MR")


def test_pixels_are_square() -> None:
    wide = picture(volume(), None)
    assert wide.shape[1] == LONGEST_SIDE
    square = picture(volume(spacing=(1, 2)), None)
    assert square.shape[1] == LONGEST_SIDE
    assert LONGEST_SIDE < square.shape[0] < LONGEST_SIDE + 60
    assert wide.shape[0] < square.shape[0] - 200


def test_finding_is_in_colour_where_it_is() -> None:
    mask = np.zeros((40, 20, 5), np.uint8)
    mask[30:38, 2:6, 3] = 1
    shown = picture(volume(), mask).astype(int)
    coloured = np.ptp(shown, axis=2) > 30
    rows, columns = np.nonzero(coloured)
    scale = LONGEST_SIDE / 40
    assert 30 * scale - 2 <= columns.min() <= columns.max() <= 38 * scale + 2
    assert 2 * scale - 2 <= rows.min() <= rows.max() <= 6 * scale + 2
    assert not (np.ptp(picture(volume(), mask * 0).astype(int), axis=2) > 30).any()


def test_virtual_patients_are_said_to_be_virtual() -> None:
    one, other = picture(volume(), None), picture(volume(), None, virtual=True)
    assert one.shape == other.shape
    assert (one != other).any()


def test_one_plane() -> None:
    image = Image(np.arange(200, dtype=np.float32).reshape(1, 10, 20), np.eye(4), "CR")
    assert picture(image, np.zeros((10, 20), np.uint8)).shape[1] == LONGEST_SIDE


def test_objects_are_boxed_where_they_are() -> None:
    boxes = Boxes.of([[30, 2, 3], [1, 1, 0]], [[38, 6, 4], [5, 5, 1]], [0, 0], [0.9, 0.5], axes=3)
    plain, shown = picture(volume(), None).astype(int), picture(volume(), Objects(boxes, ("nodule",)))
    assert plain.shape == shown.shape
    coloured = np.ptp(shown.astype(int), axis=2) > 60
    scale = LONGEST_SIDE / 40
    rows, columns = np.nonzero(coloured)
    assert abs(columns.min() - 30 * scale) <= 2
    assert abs(rows.max() + 1 - 6 * scale) <= 2
    # The second box lies on another slice than the best one.
    assert columns.min() > 20 * scale
    # Within the lines the image is as it was.
    inside = np.s_[round(3 * scale) : round(5 * scale), round(31 * scale) : round(37 * scale)]
    assert not coloured[inside].any()


def test_no_object_leaves_the_image() -> None:
    none = Objects(Boxes.of([], [], [], axes=3), ("nodule",))
    assert (picture(volume(), none) == picture(volume(), None)[..., :3]).all()


def test_findings_are_named_below_the_image() -> None:
    answer = Findings({"a": 0.9, "b": 0.2, "c": 0.5}, {"a": 0.5, "b": 0.5}, ("a",))
    assert findings_words(answer) == ["Present: a.", "Not decided, without a threshold: c."]
    assert findings_words(Findings({"b": 0.2}, {"b": 0.5}, ())) == ["No finding is present."]
    # What nobody has decided is not absent.
    undecided = "Not decided, without a threshold: c."
    assert findings_words(Findings({"c": 0.9}, {}, ())) == [undecided]
    some = Findings({"b": 0.2, "c": 0.9}, {"b": 0.5}, ())
    assert findings_words(some) == ["None of the findings decided is present.", undecided]
    alone, named = picture(volume(), None), picture(volume(), answer)
    assert len(named) > len(alone)
    assert (named[: len(alone) - 30] == alone[: len(alone) - 30]).all()


def test_classes_leave_the_image() -> None:
    answer = Classes({"a": 0.9, "b": 0.1}, "a")
    assert (picture(volume(), answer) == picture(volume(), None)).all()
