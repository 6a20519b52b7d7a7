"""How much memory an answer takes is foretold: it grows with the image and the labels, and a bound is kept."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.memory import bytes_of, check_memory, foretold


def volume(slices: int) -> Image:
    """Of no memory itself: one number seen everywhere."""
    return Image(np.broadcast_to(np.zeros((1, 1, 1, 1), np.int16), (1, 512, 512, slices)), np.eye(4))


def package(labels: int = 14):  # type: ignore[no-untyped-def]
    return manifest(
        task="segmentation",
        positive=None,
        labels=["background", *(f"o{k}" for k in range(1, labels))],
        windows={"size": [96, 96, 96], "overlap": 0.5},
        preprocess={"dimensions": 3, "orientation": "RAS", "intensity": [{"method": "fixed"}]},
    )


def test_amounts_are_read_as_people_write_them() -> None:
    assert bytes_of("4GiB") == 4 << 30 and bytes_of(" 1.5 GB ") == 1_500_000_000 and bytes_of("7") == 7
    with pytest.raises(InputError, match="memory: found '4 gigs'"):
        bytes_of("4 gigs")


def test_more_slices_and_labels_take_more_but_no_probability_of_all() -> None:
    few, many = foretold(volume(400), package()), foretold(volume(800), package())
    assert few < many and foretold(volume(400), package(2)) < few
    # 14 whole volumes of float32 alone would be 11 GiB.
    assert many < 5.5 * 2**30


@pytest.mark.parametrize(("slices", "measured"), [(400, 2.34), (800, 3.52)])
def test_what_is_foretold_is_what_was_measured(slices: int, measured: float) -> None:
    """Peaks of `python -m benchmarks.memory_inference`, GiB; that network is one convolution: more is foretold."""
    assert 1 <= foretold(volume(slices), package()) / 2**30 / measured <= 1.25


def test_what_does_not_fit_is_refused_before_any_work() -> None:
    check_memory(volume(400), package(), None)
    check_memory(volume(400), package(), 16 << 30)
    with pytest.raises(InputError, match=r"takes about .* GiB, allowed are 1\.0"):
        check_memory(volume(400), package(), 1 << 30)
