"""Whether volumes are seen in 3D, slice by slice (2.5D), or as pictures (2D)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from overread.learn.planner.patch import COARSE

# Of fewer training cases a 3D network, which starts from nothing, learns less than slices that start from pictures.
FEW_CASES = 200
# So few slices are a picture and its neighbours.
FEWEST_SLICES = 3


class Form(NamedTuple):
    """The form in which volumes are seen, the array axis of the slices, and why."""

    form: Literal["2D", "2.5D", "3D"]
    axis: int
    reason: str


def choose_form(
    *,
    size: Sequence[int],
    spacing: Sequence[float],
    cases: int,
    weights: bool,
    bytes_3d: int | None = None,
    available: int | None = None,
) -> Form:
    """How to see volumes of ``size`` voxels, ``spacing`` mm apart, by thickness, memory and number of ``cases``.

    Parameters
    ----------
    size, spacing
        Of the network's grid, three each.
    cases
        Training cases.
    weights
        Whether weights of pictures are there to start from.
    bytes_3d, available
        What a step of the 3D network takes (`overread.learn.planner.memory.step_bytes`) and what there is; None where
        that is not known.
    """
    axis = max(range(3), key=lambda a: (spacing[a], a))
    inside = min(mm for a, mm in enumerate(spacing) if a != axis)
    thick, slices = spacing[axis] / inside, size[axis]
    if slices < FEWEST_SLICES:
        return Form("2D", axis, f"2D: {slices} slice{'s' if slices > 1 else ''}, which are no volume.")
    if thick >= COARSE:
        return Form(
            "2.5D",
            axis,
            f"2.5D: slices are {spacing[axis]:.3g} mm apart and voxels within them {inside:.3g} mm, so that what lies "
            "between slices is not seen.",
        )
    if bytes_3d is not None and available is not None and bytes_3d > available:
        return Form(
            "2.5D",
            axis,
            f"2.5D: a step in 3D takes {bytes_3d / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are available.",
        )
    if weights and cases < FEW_CASES:
        return Form(
            "2.5D",
            axis,
            f"2.5D: {cases} training cases are few for a network in 3D, and slices can start from weights of pictures.",
        )
    why = f"{thick:.2g} times as far apart as" if thick > 1.05 else "as far apart as"
    return Form("3D", axis, f"3D: slices are {why} voxels within them, and {cases} training cases.")
