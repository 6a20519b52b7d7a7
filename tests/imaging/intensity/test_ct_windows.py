"""Windows of CT by body part."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.intensity.ct_windows import BY_PART, WINDOWS, Window, apply_window, window_for


def test_ends_and_middle() -> None:
    values = np.array([[-5000, 0, 20, 40, 60, 80, 9000]], np.int16)
    image = apply_window(Image(values[None], np.eye(4), "CT"), "brain")
    np.testing.assert_allclose(image.array[0, 0], [0, 0, 0.25, 0.5, 0.75, 1, 1])
    assert image.array.dtype == np.float32
    other = apply_window(Image(values[None], np.eye(4)), Window(20, 40))
    np.testing.assert_allclose(other.array[0, 0], [0, 0, 0.5, 1, 1, 1, 1])
    with pytest.raises(InputError, match="lungs"):
        apply_window(image, "lungs")


def test_tissues_lie_where_their_window_shows_them() -> None:
    # HU of grey and white matter, liver, aerated lung, cortical bone.
    for name, inside in (
        ("brain", (25, 40)),
        ("liver", (50, 60)),
        ("lung", (-900, -500)),
        ("bone", (300, 1200)),
    ):
        assert all(WINDOWS[name].low < hu < WINDOWS[name].high for hu in inside)
    assert all(w.width > 0 and w.source for w in WINDOWS.values())


def test_body_parts() -> None:
    assert window_for(["HEAD"]) == "brain"
    assert window_for(["chest", "LUNG"]) == "lung"
    assert window_for(["HEAD", "CHEST"]) is None
    assert window_for(["HEAD", "UNHEARD"]) is None
    assert window_for([]) is None
    assert set(BY_PART.values()) <= set(WINDOWS)
