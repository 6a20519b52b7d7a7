"""The pictures of explain: in the patient's own proportions, in colour where there is any, where it is hottest."""

from __future__ import annotations

import numpy as np

from overread.pipeline.stages import explain


def test_explain_shows_the_last_channel_or_colour() -> None:
    ramp = np.tile(np.arange(32, dtype=np.float32), (16, 1))
    window = np.stack([ramp[:, ::-1], ramp * 0, ramp])
    affine = np.diag([2.0, 1, 1, 1])
    heat = np.zeros((16, 32), np.float32)
    last = explain._picture(window, affine, heat, color=False)
    side = explain.PIXELS
    assert last.shape == (side, 2 * side, 3)
    np.testing.assert_array_equal(last[:, :side], last[:, side:])
    assert last[:, 5].max() < last[:, side - 5].min()
    colour = explain._picture(window, affine, heat, color=True)
    assert np.ptp(colour[:, :side], axis=2).max() > 200


def test_explain_of_a_volume_shows_the_hottest_slice_upright() -> None:
    window = np.zeros((2, 8, 4, 5), np.float32)
    window[-1, 6, 3, 2] = 1
    heat = np.zeros((8, 4, 5), np.float32)
    heat[6, 3, 2] = 1
    picture = explain._picture(window, np.diag([1.0, 2, 9, 1]), heat, color=False).astype(int)
    side = explain.PIXELS
    rows, columns = np.nonzero(picture[:, :side, 0] > 200)
    # Seen from below: the patient's right on the left, front on top.
    assert rows.max() < side / 4 and side / 8 - 1 <= columns.min() <= columns.max() <= side / 4 + 1
    warm = np.ptp(picture[:, side:], axis=2)
    assert np.unravel_index(warm.argmax(), warm.shape)[0] < side / 4
