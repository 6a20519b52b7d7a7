"""The volume of a run for the page's three planes: ``volume.zip`` in the run's folder, with what was found in it.

Values stay what they are (to 16 bits), so that a reader can set the window; voxels lie along right, anterior and
superior, as near as their own axes do, and are thinned evenly where there are more than a browser should hold.
"""

from __future__ import annotations

import gzip
import json
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import NDArray

from overread.files import atomic_path
from overread.imaging.image import Image
from overread.imaging.picture import COLORS
from overread.runtime.answer import LabelMap
from overread.runtime.prediction import Prediction

VOLUME = "volume.zip"
Part: TypeAlias = Literal["values", "labels"]
MOST_VOXELS = 16 << 20
STEPS = 65_535
SOFT_TISSUE = (-160.0, 240.0)
"""Window that a CT is first shown in, HU."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VolumeFacts:
    """What the bytes mean. ``shape``, ``spacing`` (mm): right, anterior, superior; the first axis runs fastest.

    A value is ``slope`` times the 16 bits without sign, plus ``intercept``, in ``unit``. ``low`` and ``high`` are the
    window to begin with; ``begin`` is the voxel to look at first. ``labels`` are names from 1 on, ``colors`` RGB.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    slope: float
    intercept: float
    unit: str
    low: float
    high: float
    begin: tuple[int, int, int]
    labels: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    thinned: tuple[int, int, int]


def write_volume(
    folder: Path, image: Image, prediction: Prediction, labels: Sequence[str]
) -> VolumeFacts | None:
    """Keep the first channel and the label map, whose values from 1 on are called ``labels``.

    None, and nothing is kept, of what has no three dimensions.
    """
    if len(image.spatial) != 3 or min(image.spatial) < 2:
        return None
    to_ras = io_orientation(image.affine)
    values = np.nan_to_num(np.asarray(image.array[0], np.float32), posinf=0, neginf=0)
    steps = thinning(image.spatial)
    values = _ras(values, to_ras, steps)
    sizes = np.linalg.norm(np.asarray(image.affine)[:3, :3], axis=0) * steps
    order = [int(np.flatnonzero(to_ras[:, 0] == axis)[0]) for axis in range(3)]
    least, most = float(values.min()), float(values.max())
    slope = (most - least) / STEPS or 1.0
    whole = np.allclose(values, np.rint(values)) and most - least <= STEPS
    slope = 1.0 if whole else slope
    low, high = SOFT_TISSUE
    if image.modality != "CT":
        low, high = np.percentile(values.ravel()[:: max(1, values.size // 1_000_000)], (0.5, 99.5)).tolist()
    marks = _labels(prediction, to_ras, steps)
    facts = VolumeFacts(
        shape=values.shape,
        spacing=tuple(round(float(sizes[k]), 5) for k in order),  # type: ignore[arg-type]
        slope=slope,
        intercept=least,
        unit="HU" if image.modality == "CT" else "",
        low=low,
        high=max(high, low + slope),
        begin=_middle(marks, values.shape),
        labels=tuple(labels),
        colors=tuple((int(r), int(g), int(b)) for r, g, b in COLORS),
        thinned=tuple(int(steps[k]) for k in order),  # type: ignore[arg-type]
    )
    bits = np.rint((values - least) / slope).astype("<u2")
    with (
        atomic_path(folder / VOLUME) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as out,
    ):
        out.writestr("volume.json", json.dumps(asdict(facts)))
        out.writestr("values", _packed(bits))
        if marks is not None:
            out.writestr("labels", _packed(marks))
    return facts


def try_volume(folder: Path, image: Image, prediction: Prediction, labels: Sequence[str]) -> None:
    """As `write_volume`; a fault costs the page its planes and nobody a result."""
    try:
        write_volume(folder, image, prediction, labels)
    except (OSError, MemoryError):
        raise
    except Exception:
        log.exception("the volume of run %s could not be kept", folder.name)


def volume_facts(folder: Path) -> dict[str, Any] | None:
    """`VolumeFacts` as JSON data, and whether there are ``marks``; None where there is no volume."""
    try:
        with zipfile.ZipFile(folder / VOLUME) as kept:
            facts: dict[str, Any] = json.loads(kept.read("volume.json"))
            return {**facts, "marks": "labels" in kept.namelist()}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def volume_part(folder: Path, part: Part) -> bytes | None:
    """The gzipped bytes of values or labels; None where there are none."""
    try:
        with zipfile.ZipFile(folder / VOLUME) as kept:
            return kept.read(part)
    except (OSError, KeyError, zipfile.BadZipFile):
        return None


def thinning(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Of how many voxels along each axis one is kept: the longest axis first, until `MOST_VOXELS` hold them."""
    steps = np.ones(3, np.int64)
    while np.prod(-(-np.array(shape) // steps)) > MOST_VOXELS:
        steps[int(np.argmax(-(-np.array(shape) // steps)))] += 1
    return steps


def _ras(array: NDArray[Any], to_ras: NDArray[Any], steps: NDArray[np.int64]) -> NDArray[Any]:
    thin = array[tuple(slice(None, None, int(s)) for s in steps)]
    return np.ascontiguousarray(apply_orientation(thin, to_ras))


def _labels(
    prediction: Prediction, to_ras: NDArray[Any], steps: NDArray[np.int64]
) -> NDArray[np.uint8] | None:
    answer = prediction.answer
    if not isinstance(answer, LabelMap) or not answer.mask.any():
        return None
    return _ras(answer.mask.astype(np.uint8), to_ras, steps)


def _middle(labels: NDArray[np.uint8] | None, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The middle of the slice with most that was found, or of the volume."""
    if labels is None or not labels.any():
        return tuple(n // 2 for n in shape)  # type: ignore[return-value]
    z = int(np.argmax((labels > 0).sum(axis=(0, 1))))
    x, y = (round(float(np.median(k))) for k in np.nonzero(labels[:, :, z]))
    return x, y, z


def _packed(array: NDArray[Any]) -> bytes:
    # Fortran order: the first axis runs fastest.
    return gzip.compress(array.tobytes(order="F"), compresslevel=1, mtime=0)
