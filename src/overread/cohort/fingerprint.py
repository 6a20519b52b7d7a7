"""What the training cases look like: the facts from which a plan is made (nnU-Net's data fingerprint).

Isensee et al., Nature Methods 2021;18:203-211.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.cohort.truth import TRUTHS
from overread.errors import InputError
from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.imaging.intensity.uptake import headed, in_suv

# Grey values drawn in all and, of them, at most from one case: enough for percentiles of a half per cent.
SAMPLES = 4_000_000
PER_CASE = 20_000
# Share of the cases up to which coloured pictures are exceptions: the network sees them in gray, as the others.
COLORED = 0.05


@dataclass(frozen=True)
class Fingerprint:
    """Facts of a set of cases; shapes in voxels and spacings in mm, volumes in RAS order.

    ``color`` is ``rgb`` where more than `COLORED` of the images have three channels that differ, else ``gray``.
    ``intensity`` has per channel the keys ``p0_5``, ``p50``, ``p99_5``, ``mean`` and ``std``, over the foreground where
    the truth says where: what a mask marks, what lies in any box. ``class_counts`` counts the cases that show a label
    (no background). Per label of such a truth, ``foreground_fraction`` is the mean share of voxels, ``size_mm`` the
    median size of an object (`Regions.sizes_mm`), and ``extent_mm`` tells more of these sizes: their percentiles
    ``p5``, ``p50``, ``p95``, and ``typical``, the size of the object that a voxel of the label lies in (the median over
    voxels).
    ``values``, of a truth that is a number: its ``mean``, ``std``, ``low`` and ``high``.
    ``width_mm`` is the median thickness of each label and of the background (`Regions.widths_mm`).
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
    extent_mm: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    width_mm: Mapping[str, float] = field(default_factory=dict)
    age_years: tuple[float, float] | None = None
    values: Mapping[str, float] = field(default_factory=dict)

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
    cases: Sequence[Case], *, truth: str, labels: Sequence[str], progress: Callable[[], None] | None = None
) -> Fingerprint:
    """Look at every case once.

    Parameters
    ----------
    cases
        The training cases, and those only: a plan made from test cases would leak.
    truth
        The kind of truth, a key of `overread.cohort.truth.TRUTHS`.
    labels
        The protocol's: class names, findings, the names of mask values 0, 1, 2 ... or of objects.
    progress
        Called after each case.

    Raises
    ------
    InputError
        No cases, an unreadable file, 2D and 3D images mixed, a truth that cannot be read or that ``labels`` does not
        name, no foreground in any case of a truth that says where.
    """
    if not cases:
        raise InputError("fingerprint: no training case; expected at least one")
    kind = TRUTHS[truth]
    share = int(min(PER_CASE, max(200, SAMPLES // len(cases))))
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = []
    spacings: list[tuple[float, ...]] = []
    samples: list[NDArray[np.float32]] = []
    modalities: set[str] = set()
    counts: dict[str, int] = {}
    fractions: dict[str, list[float]] = defaultdict(list)
    sizes: dict[str, list[float]] = defaultdict(list)
    widths: dict[str, list[float]] = defaultdict(list)
    channels, colored = tuple(cases[0].images), 0
    stated: list[float] = []
    for case in cases:
        image = load_case(case)
        # PET of a DICOM header counts as the package will see it.
        image = in_suv(image, headed(image))
        if shapes and len(image.spatial) != len(shapes[0]):
            raise InputError(
                f"case {case.case}: image has {len(image.spatial)} spatial axes, "
                f"{cases[0].case} has {len(shapes[0])}; keep 2D and 3D images in separate cohorts"
            )
        truth_value = kind.read(case, image, labels)
        regions = kind.regions(truth_value, image, labels)
        if isinstance(truth_value, float):
            stated.append(truth_value)
        for name, shows in kind.presence(case, kind.look(case, image, labels), labels).items():
            counts[name] = counts.get(name, 0) + bool(shows)
        for name, fraction in regions.fractions.items():
            fractions[name].append(fraction)
        for name, found in regions.sizes_mm.items():
            sizes[name] += found
        for name, width in regions.widths_mm.items():
            widths[name].append(width)
        colored += _is_color(image, case)
        samples.append(_sample(image.array, regions.foreground, share, rng))
        ras = reorient(image, "RAS") if len(image.spatial) == 3 else image
        shapes.append(ras.spatial)
        spacings.append(ras.spacing)
        modalities |= {image.modality} - {""}
        if progress:
            progress()
    shape, spacing = np.array(shapes), np.array(spacings)
    color = "rgb" if colored > COLORED * len(cases) else "gray"
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
        intensity=tuple(_intensity(samples, color, kind.COLUMN)),
        class_counts=counts,
        foreground_fraction={n: float(np.mean(v)) for n, v in fractions.items()},
        size_mm={n: float(np.median(v)) for n, v in sizes.items() if v},
        extent_mm={n: extents(v, axes=shape.shape[1]) for n, v in sizes.items() if v},
        width_mm={n: float(np.median(v)) for n, v in widths.items()},
        age_years=(min(ages), max(ages)) if ages else None,
        values=_spread_of(stated),
    )


def _spread_of(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values)),
        "low": float(min(values)),
        "high": float(max(values)),
    }


def extents(sizes: Sequence[float], *, axes: int) -> dict[str, float]:
    """``p5``, ``p50`` and ``p95`` of the ``sizes`` of objects, and ``typical``: the median over their voxels.

    An object of a size has ``size ** axes`` voxels: specks beside an organ hardly count in ``typical``.
    """
    low, middle, high = np.percentile(sizes, [5, 50, 95]).tolist()
    order = np.sort(np.asarray(sizes, np.float64))
    voxels = np.cumsum(order**axes)
    typical = float(order[int(np.searchsorted(voxels, voxels[-1] / 2))])
    return {"p5": low, "p50": middle, "p95": high, "typical": typical}


def _is_color(image: Image, case: Case) -> bool:
    """Whether one picture holds three channels that differ (a gray picture stored as RGB does not)."""
    a = image.array
    return (
        len(case.images) == 1
        and len(a) == 3
        and not (np.array_equal(a[0], a[1]) and np.array_equal(a[0], a[2]))
    )


def _sample(
    array: NDArray[Any], foreground: NDArray[np.bool_] | None, most: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """At most ``most`` voxels of ``(channels, *spatial)``, from the foreground where there is one."""
    flat = array.reshape(len(array), -1)
    if foreground is not None:
        inside = np.flatnonzero(foreground)
        if not len(inside):
            return np.empty((len(array), 0), np.float32)
        flat = flat[:, inside]
    if flat.shape[1] > most:
        flat = flat[:, rng.choice(flat.shape[1], most, replace=False)]
    return flat.astype(np.float32)


def _intensity(samples: Sequence[NDArray[np.float32]], color: str, column: str) -> list[dict[str, float]]:
    channels = 3 if color == "rgb" else min(len(s) for s in samples)
    found = []
    for c in range(channels):
        values = np.concatenate([s[min(c, len(s) - 1)] for s in samples]).astype(np.float64)
        if not len(values):
            raise InputError(f"fingerprint: no training case has any foreground; check the column {column!r}")
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
