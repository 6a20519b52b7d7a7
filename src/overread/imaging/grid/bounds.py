"""How large a grid may become: one bound, held wherever a grid is made, before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Sequence

from overread.errors import InputError

MOST_VOXELS = 2**30
"""Of one channel: 4 GiB as float32. A whole-body CT of 0.7 mm has half as many."""
MOST_STRETCH = 128
"""Fold by which a spacing may refine an axis: slices of 5 mm to 0.04 mm. Metres for millimetres are 1000."""


class GridTooLargeError(InputError):
    """A grid beyond the bounds; ``found`` and ``expected`` say the same in parts, for a coded refusal."""

    def __init__(self, where: str, found: str, expected: str) -> None:
        super().__init__(
            f"{where}: {found}; expected {expected}: check the spacing in the file's header (metres for mm?), and "
            "the spacing or size asked for"
        )
        self.found, self.expected = found, expected


def check_grid(
    size: Sequence[int], spatial: Sequence[int], spacing: Sequence[float] | None = None, *, where: str = ""
) -> None:
    """Raise GridTooLargeError where ``spatial`` voxels of ``spacing`` mm would become a grid of ``size`` voxels that is
    more than `MOST_VOXELS`. ``where`` names the image."""
    if math.prod(map(int, size)) > MOST_VOXELS:
        raise _error(size, spatial, spacing, where)


def spaced_size(
    spatial: Sequence[int], spacing: Sequence[float], target: Sequence[float], *, where: str = ""
) -> tuple[int, ...]:
    """Voxel counts that bring ``spatial`` voxels of ``spacing`` mm nearest to ``target`` mm over the same field of
    view.

    Raises GridTooLargeError as `check_grid`, for an axis stretched more than `MOST_STRETCH`-fold, and for a spacing
    that is no positive number.
    """
    stretch = [have / want if want > 0 else math.inf for have, want in zip(spacing, target, strict=True)]
    if not all(0 < s < math.inf for s in stretch):
        raise GridTooLargeError(
            where or "the image",
            f"a spacing of {_times(spacing)} mm to be brought to {_times(target)} mm",
            "positive numbers",
        )
    size = tuple(max(1, round(n * s)) for n, s in zip(spatial, stretch, strict=True))
    if max(stretch) > MOST_STRETCH:
        raise _error(size, spatial, spacing, where)
    check_grid(size, spatial, spacing, where=where)
    return size


def fitted_size(
    spatial: Sequence[int],
    spacing: Sequence[float],
    size: Sequence[int],
    target: Sequence[float] | None = None,
    *,
    where: str = "",
) -> tuple[int, ...]:
    """Voxel counts of ``spatial`` voxels brought into a grid of ``size`` voxels with the shape kept.

    Without a ``target`` all axes are scaled alike until the first fills the grid. With one (mm) they come to that
    spacing, and are shrunk alike where they do not fit.

    Raises GridTooLargeError as `check_grid` for ``size``, and for a spacing that is no positive number.
    """
    check_grid(size, spatial, spacing, where=where)
    free: list[float] = [float(n) for n in spatial]
    if target is not None:
        if not all(0 < mm < math.inf for mm in (*spacing, *target)):
            raise GridTooLargeError(
                where or "the image",
                f"a spacing of {_times(spacing)} mm to be brought to {_times(target)} mm",
                "positive numbers",
            )
        free = [n * have / want for n, have, want in zip(spatial, spacing, target, strict=True)]
    scale = min(most / n for most, n in zip(size, free, strict=True))
    if target is not None:
        scale = min(1.0, scale)
    return tuple(min(most, max(1, round(n * scale))) for n, most in zip(free, size, strict=True))


def _error(
    size: Sequence[int], spatial: Sequence[int], spacing: Sequence[float] | None, where: str
) -> GridTooLargeError:
    of = f" of {_times(spacing)} mm" if spacing is not None else ""
    return GridTooLargeError(
        where or "the image",
        f"{_times(spatial)} voxels{of} would become {_times(size)}",
        f"at most {MOST_VOXELS:.3g} voxels, and no axis refined more than {MOST_STRETCH}-fold",
    )


def _times(values: Sequence[float]) -> str:
    return " x ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values)
