"""How often each axis is halved."""

from __future__ import annotations

import pytest

from overread.nets.stages import stages, strides_together, widths


@pytest.mark.parametrize(
    ("size", "spacing", "together"),
    [
        ((64, 64, 48), (1, 1, 1), (16, 16, 8)),
        ((256, 256), (1, 1), (32, 32)),
        ((7, 7), (1, 1), (1, 1)),
        ((320, 320, 20), (0.6, 0.6, 4), (16, 16, 4)),
    ],
)
def test_axes_are_halved_while_they_last(size, spacing, together) -> None:
    strides, kernels = stages(size, spacing)
    assert strides_together(strides, len(size)) == together
    assert len(strides) == len(kernels) >= 3 and strides[0] == [1] * len(size)


def test_thick_slices_are_left_alone_at_first() -> None:
    strides, kernels = stages((320, 320, 20), (0.6, 0.6, 4))
    assert strides[1] == [2, 2, 1] and kernels[0] == [3, 3, 1] and kernels[-1] == [3, 3, 3]


def test_widths_double_up_to_a_most() -> None:
    assert widths(32, 6, 2) == [32, 64, 128, 256, 512, 512]
    assert widths(16, 6, 3) == [16, 32, 64, 128, 256, 320]
