"""What a mask leaves open is read as unknown, counts nowhere, and is refused where it is misspelt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import mask
from overread.cohort.truth.unknown import UNKNOWN, ignored, unlabelled, unstated
from overread.errors import InputError

LABELS = ["background", "liver", "spleen"]


def case_of(folder: Path, array: np.ndarray, **attributes: str) -> Case:
    """A picture of noise with the mask ``array``."""
    Pillow.fromarray(np.full(array.shape, 90, np.uint8)).save(folder / "image.png")
    Pillow.fromarray(array.astype(np.uint8)).save(folder / "mask.png")
    return Case("c1", "p1", {"image": folder / "image.png"}, mask=folder / "mask.png", attributes=attributes)


def test_a_value_to_ignore_is_unknown_and_no_label(tmp_path: Path) -> None:
    drawn = np.zeros((6, 8), int)
    drawn[:2], drawn[2:4], drawn[4:] = 1, 2, 7
    case = case_of(tmp_path, drawn, ignore="7")
    image = load_case(case)
    truth = mask.read(case, image, LABELS)
    assert isinstance(truth, np.ndarray) and (truth[4:] == UNKNOWN).all() and truth.max() == UNKNOWN
    shown = mask.look(case, image, LABELS)
    assert shown.counts == {"1": 16, "2": 16}
    found = mask.regions(truth, image, LABELS)
    assert found.fractions == {"liver": 0.5, "spleen": 0.5}
    assert found.foreground is not None and found.foreground.sum() == 32
    marks = mask.marks(case, image)
    assert marks is not None and marks.sum() == 32


def test_scribbles_of_two_labels_are_not_taken_for_a_white_mask(tmp_path: Path) -> None:
    """Of 0 and 255 the second is foreground, unless the row says that it is unknown."""
    drawn = np.full((6, 8), 255)
    drawn[0] = 0
    case = case_of(tmp_path, drawn, ignore="255")
    truth = mask.read(case, load_case(case), LABELS[:2])
    assert (np.asarray(truth) == np.where(drawn == 0, 0, UNKNOWN)).all()
    white = case_of(tmp_path, drawn)
    assert set(np.unique(mask.read(white, load_case(white), LABELS[:2]))) == {0, 1}


def test_labels_that_a_mask_does_not_state_are_told(tmp_path: Path) -> None:
    drawn = np.zeros((6, 8), int)
    drawn[:2] = 1
    case = case_of(tmp_path, drawn, unlabelled=" spleen ")
    image = load_case(case)
    truth = mask.read(case, image, LABELS)
    assert unstated(truth) == (2,) and unstated(np.asarray(truth)) == ()
    shown = mask.look(case, image, LABELS)
    assert mask.presence(case, shown, LABELS) == {"liver": True, "spleen": None}
    # Neither what may hide in the background, nor how wide that is.
    found = mask.regions(truth, image, LABELS)
    assert set(found.fractions) == {"liver"} and set(found.widths_mm) == {"liver"}


@pytest.mark.parametrize("text", ["x", "7.5", "inf", "nan"])
def test_a_value_that_is_none_is_named(text: str) -> None:
    with pytest.raises(InputError, match=r"case c1: column 'ignore' holds .*expected the whole number"):
        ignored(Case("c1", "p1", {}, attributes={"ignore": text}))


def test_a_label_that_is_none_is_named() -> None:
    case = Case("c1", "p1", {}, attributes={"unlabelled": "liver;kidney"})
    with pytest.raises(InputError, match=r"case c1: column 'unlabelled' names 'kidney'.*liver, spleen"):
        unlabelled(case, LABELS)
    assert ignored(case) is None and unlabelled(Case("c2", "p1", {}), LABELS) == ()
