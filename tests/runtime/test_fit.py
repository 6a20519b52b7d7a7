"""Whole images keep their shape, and their physical size where it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from overread.imaging.boxes import Boxes
from overread.imaging.grid.bounds import GridTooLargeError, fitted_size
from overread.imaging.image import Image
from overread.runtime.manifest import Intensity, Preprocess
from overread.runtime.preprocess import boxes_to_original, decide, prepare, prepare_boxes, prepare_mask


def spec(size: list[int], **more: Any) -> Preprocess:
    given: dict[str, Any] = {"color": "gray"} if len(size) == 2 else {"orientation": "RAS"}
    given |= {
        "dimensions": len(size),
        "size": size,
        "fit": "pad",
        "intensity": [Intensity(method="fixed", std=1)],
    }
    return Preprocess.model_validate(given | more)


def disc(shape: tuple[int, ...], radius: float, spacing: tuple[float, ...] | None = None) -> Image:
    """A ball of ``radius`` mm in the middle, on air of -1."""
    spacing = spacing or (1.0,) * len(shape)
    at = np.indices(shape) + 0.5 - np.array(shape).reshape(-1, *[1] * len(shape)) / 2
    there = (at * np.array(spacing).reshape(-1, *[1] * len(shape))) ** 2
    affine = np.diag([*spacing, *[1.0] * (4 - len(shape))])
    return Image(np.where(there.sum(0) < radius**2, 10.0, -1.0).astype(np.float32)[None], affine)


def extents(array: np.ndarray) -> list[int]:
    return [len(np.unique(line)) for line in np.nonzero(array > 4)]


def test_a_circle_stays_a_circle() -> None:
    film = disc((512, 256), 100)
    kept = prepare(film, spec([96, 96]))
    assert kept.array.shape == (1, 96, 96) and kept.inside == (slice(0, 96), slice(24, 72))
    high, wide = extents(kept.array[0])
    assert high == wide == pytest.approx(200 * 96 / 512, abs=1)
    # Beside the film lies what is least on it.
    assert (kept.array[0][:, :24] == kept.array[0].min()).all()
    # Packages of before say nothing of it, and squeeze as they did.
    old = Preprocess.model_validate(spec([96, 96]).model_dump(exclude={"fit"}))
    high, wide = extents(prepare(film, old).array[0])
    assert wide == pytest.approx(2 * high, abs=2)


@pytest.mark.parametrize(("mm", "shown"), [(1.0, 40), (0.5, 40), (4.0, 20)])
def test_physical_size_is_kept_until_it_does_not_fit(mm: float, shown: int) -> None:
    # 64 or 32 mm are room enough; 256 mm are twice the grid's 128 and are shrunk, which keeps the shape.
    image = disc((64, 64, 32), 20, (mm, mm, mm))
    array = prepare(image, spec([128, 128, 32], spacing=[1.0, 1.0, 4.0])).array[0]
    x, y, z = extents(array)
    assert x == y == pytest.approx(min(shown, 64 * mm), abs=1.5)
    assert z == pytest.approx(min(shown, 32 * mm) / 4, abs=1.5)


def test_boxes_and_masks_come_where_the_image_comes_and_go_back() -> None:
    image = Image(disc((40, 20, 30), 6).array, np.diag([-1.0, 1.0, 2.0, 1.0]))
    given = spec([32, 32, 32], spacing=[1.5, 1.5, 1.5])
    prepared = prepare(image, given)
    boxes = Boxes.of([[3.0, 4.0, 5.0]], [[9.0, 8.0, 15.0]], [0], axes=3)
    back = boxes_to_original(prepare_boxes(boxes, image, given), prepared)
    np.testing.assert_allclose([back.low, back.high], [boxes.low, boxes.high], atol=1e-9)
    mask = (image.array[0] > 0).astype(np.uint8)
    there = prepare_mask(mask, image, given)
    assert there.shape == (32, 32, 32) and there[prepared.inside].sum() == there.sum() > 0
    assert ((prepared.array[0] > 4) == there).mean() > 0.99
    probability = np.stack([1.0 - there, there]).astype(np.float32)
    again = decide(probability, prepared)
    assert again.shape == mask.shape and 2 * (again & mask).sum() / (again.sum() + mask.sum()) > 0.9
    # The grid's own affine says where in the patient it lies.
    centre = prepared.affine @ [*np.argwhere(there).mean(0), 1]
    np.testing.assert_allclose(centre, image.affine @ [*np.argwhere(mask).mean(0), 1], atol=0.5)


def test_grids_without_bounds_are_refused() -> None:
    with pytest.raises(GridTooLargeError, match="positive numbers"):
        fitted_size((4, 4), (0.0, 1.0), (8, 8), (1.0, 1.0))
    with pytest.raises(GridTooLargeError, match="at most"):
        fitted_size((4, 4), (1.0, 1.0), (1 << 16, 1 << 16))
    assert fitted_size((4000, 1), (1.0, 1.0), (8, 8)) == (8, 1)
