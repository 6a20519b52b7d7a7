"""A change in words, and the changes of one part of an augmentation alone: for sheets of examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from overread.learn.augment.change import Change, draw
from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.augment.spatial import Spatial, mirrored
from overread.learn.plan import Augment

GEOMETRY = ("rotate_deg", "scale", "shear", "shift", "elastic", "flip")
UNSAID = ("seed", "black", "white")
"""Parameters that tell a person nothing."""
ENOUGH = 200
"""Images after which a part that was never drawn is taken to be off."""


def words(change: Change) -> list[str]:
    """What happens to the image, a phrase a part: geometry first, then grey values in the order of application."""
    out = [*_geometry(change.spatial)]
    for name, drawn in change.grey_values.items():
        each = [", ".join(_numbers(numbers)) or "as it is" for numbers in drawn]
        out.append(f"{name.replace('_', ' ')} {' | '.join(each)}")
    return out or ["nothing"]


def parts(spec: Augment) -> dict[str, Augment]:
    """By name, each part of ``spec`` that is on, alone."""
    off = spec.model_copy(
        update={name: type(getattr(spec, name))() for name in GEOMETRY} | {"grey_values": {}}
    )
    out = {
        name: off.model_copy(update={name: getattr(spec, name)}) for name in GEOMETRY if getattr(spec, name)
    }
    for name in GREY_VALUES:
        if spec.grey_values.get(name):
            out[name] = off.model_copy(update={"grey_values": {name: spec.grey_values[name]}})
    return out


def first_drawn(spec: Augment, dimensions: int, *, seed: int, epoch: int) -> Change | None:
    """The first change in which something is drawn, None where nothing ever is."""
    for index in range(ENOUGH):
        change = draw(spec, dimensions, seed=seed, epoch=epoch, index=index)
        if change.grey_values or mirrored(change.spatial) != [False] * dimensions:
            return change
    return None


def _geometry(spatial: Spatial) -> Iterator[str]:
    matrix, d = np.asarray(spatial.matrix), len(spatial.shift)
    if mirrored(spatial) == [False] * d:
        return
    # Mirroring comes last: it is taken out of a matrix whose determinant says that there is one left over.
    scale = abs(float(np.linalg.det(matrix))) ** (1 / d)
    # A rotation and what it turns: scale on the diagonal, slopes above it.
    turn, rest = np.linalg.qr(matrix / scale)
    signs = np.sign(np.diag(rest))
    turn, rest = turn * signs, rest * signs[:, None]
    odd = np.linalg.det(turn) < 0
    if odd:
        turn = turn @ np.diag([*[1.0] * (d - 1), -1.0])
    cosine = turn[0, 0] if d == 2 else (np.trace(turn) - 1) / 2
    angle = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if odd:
        yield "mirrored"
    if angle > 0.05:
        yield f"turned by {angle:.1f} degrees"
    if abs(scale - 1) > 1e-3:
        # What is read from further apart is shown smaller.
        yield f"size {100 / scale:.0f}%"
    slope = float(np.abs(rest - np.eye(d)).max())
    if slope > 1e-3:
        yield f"sheared by {100 * slope:.0f}%"
    if any(spatial.shift):
        yield "shift " + " x ".join(f"{50 * s:+.1f}%" for s in spatial.shift)
    if spatial.control is not None:
        most = float(np.abs(np.asarray(spatial.control)).max())
        yield f"bent by up to {50 * most:.1f}% of the size"


def _numbers(drawn: Any) -> Iterator[str]:
    for key, value in drawn.items():
        if key in UNSAID:
            continue
        match value:
            case bool() | str():
                yield f"{key} {value}"
            case int() | float():
                yield f"{key} {value:.3g}"
            case list() if value and all(isinstance(v, int | float) for v in value) and len(value) <= 3:
                yield f"{key} {' '.join(f'{v:.2g}' for v in value)}"
            case list():
                if value:
                    yield f"{len(value)} {key}"
