"""What the training cases look like: the facts from which a plan is made (nnU-Net's data fingerprint).

Isensee et al., Nature Methods 2021;18:203-211.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.load import load_case
from overread.cohort.masks import read_mask
from overread.errors import InputError
from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image

# Grey values drawn in all and, of them, at most from one case: enough for percentiles of a half per cent.
SAMPLES = 4_000_000
PER_CASE = 20_000


@dataclass(frozen=True)
class Fingerprint:
    """Facts of a set of cases; shapes in voxels and spacings in mm, volumes in RAS order.

    ``color`` is ``rgb`` where any image has three channels that differ, else ``gray``. ``intensity`` has per
    channel the keys ``p0_5``, ``p50``, ``p99_5``, ``mean`` and ``std``, over the foreground for segmentation.
    ``class_counts`` counts the cases that show a label. Per foreground label, ``foreground_fraction`` is the
    mean share of voxels and ``size_mm`` the median diameter of a ball (2D: disc) of a component's volume.
    """

    cases: int
    dimensions: int
    channels: tuple[str, ...]
    color: str
    modalities: tuple[str, ...]
    median_shape: tuple[float, ...]
    min_shape: tuple[int, ...]
    max_shape: tuple[int, ...]
    median_spacing: tuple[float, ...]
    min_spacing: tuple[float, ...]
    max_spacing: tuple[float, ...]
    intensity: tuple[Mapping[str, float], ...]
    class_counts: Mapping[str, int]
    foreground_fraction: Mapping[str, float] = field(default_factory=dict)
    size_mm: Mapping[str, float] = field(default_factory=dict)
    age_years: tuple[float, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Fingerprint:
        """The fingerprint that `as_dict` gave. Raises InputError on missing or unknown keys."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise InputError(f"fingerprint: {error}; plan again") from error


def fingerprint(
    cases: Sequence[Case], *, labels: Sequence[str], task: str, progress: Callable[[], None] | None = None
) -> Fingerprint:
    """Look at every case once.

    Parameters
    ----------
    cases
        The training cases, and those only: a plan made from test cases would leak.
    labels
        Class names; for segmentation the names of mask values 0, 1, 2 ...
    task
        ``"classification"`` or ``"segmentation"``.
    progress
        Called after each case.

    Raises
    ------
    InputError
        No cases, an unreadable file, 2D and 3D images mixed, a mask off its image's grid or with a value
        that no label names.
    """
    if not cases:
        raise InputError("fingerprint: no training case; expected at least one")
    share = int(min(PER_CASE, max(200, SAMPLES // len(cases))))
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = []
    spacings: list[tuple[float, ...]] = []
    samples: list[NDArray[np.float32]] = []
    modalities: set[str] = set()
    counts = dict.fromkeys(labels, 0)
    fractions: dict[str, list[float]] = {n: [] for n in labels[1:]}
    sizes: dict[str, list[float]] = {n: [] for n in labels[1:]}
    color, channels = "gray", tuple(cases[0].images)
    for case in cases:
        image = load_case(case)
        mask = read_mask(case, image) if task == "segmentation" else None
        if shapes and len(image.spatial) != len(shapes[0]):
            raise InputError(
                f"case {case.case}: image has {len(image.spatial)} spatial axes, "
                f"{cases[0].case} has {len(shapes[0])}; keep 2D and 3D images in separate cohorts"
            )
        if mask is not None:
            _measure(case, mask, image, labels, counts, fractions, sizes)
        else:
            if case.label not in counts:
                raise InputError(f"case {case.case}: label {case.label!r} is not one of {', '.join(labels)}")
            counts[case.label] += 1
        if _is_color(image, case):
            color = "rgb"
        samples.append(_sample(image.array, mask, share, rng))
        ras = reorient(image, "RAS") if len(image.spatial) == 3 else image
        shapes.append(ras.spatial)
        spacings.append(ras.spacing)
        modalities |= {image.modality} - {""}
        if progress:
            progress()
    shape, spacing = np.array(shapes), np.array(spacings)
    ages = [a for a in (_number(c.attributes.get("age")) for c in cases) if a is not None]
    return Fingerprint(
        cases=len(cases),
        dimensions=shape.shape[1],
        channels=channels,
        color=color,
        modalities=tuple(sorted(modalities)),
        median_shape=tuple(np.median(shape, axis=0).tolist()),
        min_shape=tuple(shape.min(axis=0).tolist()),
        max_shape=tuple(shape.max(axis=0).tolist()),
        median_spacing=tuple(np.median(spacing, axis=0).tolist()),
        min_spacing=tuple(spacing.min(axis=0).tolist()),
        max_spacing=tuple(spacing.max(axis=0).tolist()),
        intensity=tuple(_intensity(samples, color)),
        class_counts=counts,
        foreground_fraction={n: float(np.mean(v)) for n, v in fractions.items() if task == "segmentation"},
        size_mm={n: float(np.median(v)) for n, v in sizes.items() if v},
        age_years=(min(ages), max(ages)) if ages else None,
    )


def _measure(
    case: Case,
    mask: NDArray[np.integer[Any]],
    image: Image,
    labels: Sequence[str],
    counts: dict[str, int],
    fractions: dict[str, list[float]],
    sizes: dict[str, list[float]],
) -> None:
    """Count the labels of one mask and measure their components."""
    low, high = int(mask.min()), int(mask.max())
    if low < 0 or high >= len(labels):
        raise InputError(
            f"case {case.case}: mask {case.mask} holds {low if low < 0 else high}, "
            f"expected 0 to {len(labels) - 1} ({', '.join(labels)})"
        )
    d = mask.ndim
    voxel = float(np.prod(image.spacing))
    for value, name in enumerate(labels):
        here = mask == value
        counts[name] += bool(here.any())
        if value == 0:
            continue
        fractions[name].append(float(here.mean()))
        parts = cc3d.connected_components(here, connectivity=26 if d == 3 else 8)
        volumes = np.bincount(parts.ravel())[1:] * voxel
        ball = (6 * volumes / np.pi) ** (1 / 3) if d == 3 else (4 * volumes / np.pi) ** (1 / 2)
        sizes[name] += ball.tolist()


def _is_color(image: Image, case: Case) -> bool:
    """Whether one picture holds three channels that differ (a gray picture stored as RGB does not)."""
    a = image.array
    return (
        len(case.images) == 1
        and len(a) == 3
        and not (np.array_equal(a[0], a[1]) and np.array_equal(a[0], a[2]))
    )


def _sample(
    array: NDArray[Any], mask: NDArray[np.integer[Any]] | None, most: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """At most ``most`` voxels of ``(channels, *spatial)``, from the foreground where there is one."""
    flat = array.reshape(len(array), -1)
    if mask is not None:
        inside = np.flatnonzero(mask)
        if not len(inside):
            return np.empty((len(array), 0), np.float32)
        flat = flat[:, inside]
    if flat.shape[1] > most:
        flat = flat[:, rng.choice(flat.shape[1], most, replace=False)]
    return flat.astype(np.float32)


def _intensity(samples: Sequence[NDArray[np.float32]], color: str) -> list[dict[str, float]]:
    channels = 3 if color == "rgb" else min(len(s) for s in samples)
    found = []
    for c in range(channels):
        values = np.concatenate([s[min(c, len(s) - 1)] for s in samples]).astype(np.float64)
        if not len(values):
            raise InputError("fingerprint: no training mask has any foreground; check the column 'mask'")
        low, middle, high = np.percentile(values, [0.5, 50, 99.5]).tolist()
        mean, std = float(values.mean()), float(values.std())
        found.append({"p0_5": low, "p50": middle, "p99_5": high, "mean": mean, "std": std})
    if color == "gray" and len(found) == 3 and found[0] == found[1] == found[2]:
        return found[:1]
    return found


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
