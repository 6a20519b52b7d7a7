"""The truth of segmentation: a label map on the grid of the image, in the file that the column ``mask`` names.

What nobody knows is left open (`overread.cohort.truth.unknown`): voxels of the value in the column ``ignore``, as all
but the strokes of scribbles, and labels that the column ``unlabelled`` names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case, CaseError
from overread.cohort.finding import Finding, some
from overread.cohort.truth.protocol import Regions, Shown, TruthValue
from overread.cohort.truth.unknown import UNKNOWN, Partly, ignored, unlabelled, unstated
from overread.errors import InputError
from overread.imaging.grid.components import components
from overread.imaging.grid.geometry import same_grid
from overread.imaging.image import Image
from overread.imaging.read import is_raster
from overread.imaging.read import read_labels as read_label_map

COLUMN = "mask"
UNSURE = False
LabelMap = NDArray[np.integer[Any]]
WHITE = (255, 65535)
"""What painting programs write for "here": the largest value of a picture of 8 or 16 bits."""
MOST_LABELS = 64
"""More values than this number single objects, or are no labels."""


def stated(case: Case) -> bool:
    """Whether the row names a mask."""
    return case.mask is not None


def read(case: Case, image: Image, labels: Sequence[str]) -> TruthValue:
    """Integers ``(*spatial)`` from 0 to ``len(labels) - 1``, `UNKNOWN` where the case leaves it open, see `read_mask`.

    A mask that does not state every label is a `Partly`.
    """
    mask, open_ = read_mask(case, image, labels=len(labels)), unlabelled(case, labels)
    return Partly.of(mask, open_) if open_ else mask


def look(case: Case, image: Image, labels: Sequence[str]) -> Shown:
    """Voxels by mask value, whatever ``labels`` names, and the hash of the values."""
    mask, notes = _mask(case, image, labels=len(labels), within=False)
    counts = _counts(mask)
    if ignored(case) is not None:
        counts.pop(UNKNOWN, None)
    unlabelled(case, labels)
    # Equal masks are equal whatever the type they are stored in.
    small = all(0 <= value < 256 for value in counts)
    digest = hashlib.sha256(f"{mask.shape}".encode())
    digest.update(np.ascontiguousarray(mask, dtype=np.uint8 if small else np.int64).data)
    return Shown(
        {str(value): n for value, n in counts.items()},
        digest.hexdigest(),
        notes=tuple(f"mask: {n}" for n in notes),
    )


def presence(case: Case, shown: Shown, labels: Sequence[str]) -> Mapping[str, bool | None]:
    """Whether any voxel bears each foreground label; None where no mask was read or it does not state the label."""
    open_ = unlabelled(case, labels)
    return {
        name: bool(shown.counts.get(str(value))) if shown.digest and value not in open_ else None
        for value, name in enumerate(labels)
        if value
    }


def faults(cases: Sequence[tuple[Case, Shown]], labels: Sequence[str]) -> list[Finding]:
    """Blocking: values outside 0 to ``len(labels) - 1``; a label that no mask of train or of test shows."""
    findings = []
    for case, shown in cases:
        odd = sorted(v for v in map(int, shown.counts) if not 0 <= v < len(labels))
        if odd:
            message = (
                f"{case.case}: mask {case.mask} holds {some(list(map(str, odd)))}, "
                f"expected 0 to {len(labels) - 1} ({', '.join(labels)})"
            )
            findings.append(Finding("mask.values", "blocking", message, (case.case,)))
    given = {case.split for case, _ in cases}
    for value, name in enumerate(labels):
        if not value:
            continue
        splits = {case.split for case, shown in cases if shown.counts.get(str(value))}
        # What is never seen cannot be learned, and what is never asked cannot be measured; tuning does without.
        for split in [s for s in ("train", "test") if s in given - splits]:
            message = (
                f"empty class: label {name!r} (mask value {value}) is in no mask of {split}; "
                "drop the label, check the masks or move patients"
            )
            findings.append(Finding("mask.label_empty", "blocking", message))
    return findings


def infer(cases: Sequence[Case]) -> list[str]:
    """``background`` and a numbered name for every value up to the largest of any mask; of masks that hold nothing but
    0 and 255, ``background`` and ``foreground``.

    Raises InputError, naming a case and the values, where these can hardly be labels: more than 64, or one of 255 among
    others that leave most numbers out.
    """
    values: dict[int, Case] = {}
    for case in cases:
        if case.mask is not None:
            try:
                array = read_labels(case.mask)[0]
            except InputError as error:
                raise InputError(f"case {case.case}: {error}") from error
            for value in _counts(array):
                values.setdefault(value, case)
    if white_of(values):
        return ["background", "foreground"]
    top = max(values, default=1)
    if top > MOST_LABELS:
        shown = ", ".join(map(str, sorted(values)[:8])) + (", ..." if len(values) > 8 else "")
        raise InputError(
            f"case {values[top].case}: mask {values[top].mask} holds {top}; the masks hold {len(values)} values "
            f"({shown}), expected 0 for background and 1, 2 ... for labels. Masks that number single objects become "
            "one class by `overread import pairs IMAGES MASKS --foreground NAME`; other values must be numbered anew, "
            "or labels named in a protocol.yaml of your own"
        )
    return ["background", *(f"label{k}" for k in range(1, max(top, 1) + 1))]


def white_of(values: Iterable[int]) -> int | None:
    """The value that stands for "here" in masks of two values, 0 and the largest of 8 or 16 bits; else None."""
    found = set(values)
    return next((w for w in WHITE if w in found and found <= {0, w}), None)


def regions(truth: TruthValue, image: Image, labels: Sequence[str]) -> Regions:
    """The foreground, and each label's share of voxels and the ball (2D: disc) of each connected part's volume."""
    assert isinstance(truth, np.ndarray)
    axes, voxel = truth.ndim, float(np.prod(image.spacing))
    open_, truth = unstated(truth), np.asarray(truth)
    known = truth != UNKNOWN
    sizes: dict[str, list[float]] = {}
    fractions, widths = {}, {}
    for value, name in enumerate(labels):
        if value in open_ or (not value and open_):
            continue
        here = truth == value
        if (width := width_mm(here, image.spacing)) is not None:
            widths[name] = width
        if not value:
            continue
        fractions[name] = float(here.sum() / max(known.sum(), 1))
        volumes = np.bincount(components(here)[0].ravel())[1:] * voxel
        ball = (6 * volumes / np.pi) ** (1 / 3) if axes == 3 else (4 * volumes / np.pi) ** (1 / 2)
        sizes[name] = ball.tolist()
    return Regions((truth > 0) & known, sizes, fractions, widths)


def width_mm(inside: NDArray[np.bool_], spacing: Sequence[float]) -> float | None:
    """Twice the volume (2D: area) over the surface (2D: outline) inside the image, in mm; None where there is none.

    Of a line it is the thickness, of a disc the radius, of a ball two thirds of it. The steps of the voxels make a
    slanted surface longer, in the mean over all directions by 4 / pi in 2D and by 3 / 2 in 3D: taken out here.
    """
    steps, voxel = 0.0, float(np.prod(spacing[: inside.ndim]))
    for axis in range(inside.ndim):
        steps += np.count_nonzero(np.diff(inside, axis=axis)) * voxel / spacing[axis]
    if not steps:
        return None
    return 2 * float(np.count_nonzero(inside)) * voxel / (steps * (np.pi / 4 if inside.ndim == 2 else 2 / 3))


def marks(case: Case, image: Image) -> NDArray[np.bool_] | None:
    """Everything but the background."""
    if case.mask is None:
        return None
    mask = read_mask(case, image)
    return (mask > 0) & (mask != UNKNOWN) if ignored(case) is not None else mask > 0


def read_mask(case: Case, image: Image, *, labels: int | None = None) -> LabelMap:
    """Read the label map of a case: integers of shape ``image.spatial``, on the image's grid.

    With ``labels``, the number of labels with the background, every value must lie in ``0..labels - 1``; of two labels,
    a mask of 0 and 255 (or 65535) has the second where it is 255. Where the row names a value to ``ignore``, that is
    read as `UNKNOWN`, whatever it was.

    Raises
    ------
    InputError
        No mask, an unreadable one, values that are no whole numbers or outside the ``labels``, or another
        shape or affine than the image's; the case, the file and what was found and expected are named.
    """
    return _mask(case, image, labels=labels, within=labels is not None)[0]


def _mask(case: Case, image: Image, *, labels: int | None, within: bool) -> tuple[LabelMap, tuple[str, ...]]:
    """The mask of `read_mask`, and what a person should know of how it was read; ``within`` asks for known values."""
    if case.mask is None:
        raise CaseError(
            "mask.missing", f"case {case.case}: has no mask; fill the column 'mask' of cohort.csv"
        )
    try:
        found = read_label_map(case.mask)
    except InputError as error:
        raise InputError(f"case {case.case}: {error}") from error
    array, affine = found.array[0], None if is_raster(case.mask) else found.affine
    array = on_grid(case, image, array, affine)
    # That a picture has no place in the patient is told of the image itself.
    notes = found.notes if affine is not None else ()
    skip = ignored(case)
    unknown = None if skip is None else array == skip
    if unknown is not None and array.size:
        # Whatever else the file's values are, none may be taken for what is unknown.
        array = np.where(unknown, 0, array)
    if labels is None or not array.size:
        return _opened(array, unknown), notes
    low, high = int(array.min()), int(array.max())
    if labels == 2 and high in WHITE and low >= 0 and not np.any((array != 0) & (array != high)):
        array, low, high = (array != 0).astype(np.uint8), 0, 1
        notes = (*notes, "0 and 255: 255 (65535 of 16 bits) is taken for the label")
    if within and (low < 0 or high >= labels):
        raise InputError(
            f"case {case.case}: mask {case.mask} holds {low if low < 0 else high}, expected whole numbers from 0 "
            f"to {labels - 1}; correct the mask or the protocol's labels"
        )
    return _opened(array, unknown), notes


def _opened(array: LabelMap, unknown: NDArray[np.bool_] | None) -> LabelMap:
    """The label map with `UNKNOWN` where ``unknown``."""
    return array if unknown is None else np.where(unknown, UNKNOWN, array)


def on_grid(case: Case, image: Image, array: LabelMap, affine: NDArray[np.float64] | None) -> LabelMap:
    """The label map ``array`` of a case, if it lies on the image's grid (see `read_mask`)."""
    if array.shape != image.spatial:
        raise CaseError(
            "mask.grid",
            f"case {case.case}: mask {case.mask} has shape {array.shape}, "
            f"its image {_where(image)} has {image.spatial}; draw it on the image's own grid",
        )
    if affine is not None and not same_grid(array.shape, affine, image.spatial, image.affine):
        raise CaseError(
            "mask.grid",
            f"case {case.case}: mask {case.mask} has affine {_rows(affine)}, "
            f"its image {_where(image)} has {_rows(image.affine)}; draw it on the image's own grid",
        )
    return array


def read_labels(path: Path) -> tuple[LabelMap, NDArray[np.float64] | None]:
    """A label file as integers ``(*spatial)`` and its affine, which a picture (PNG, TIFF) has not.

    Raises
    ------
    InputError
        An unreadable file, several channels, values that are no whole numbers.
    """
    labels = read_label_map(path)
    return labels.array[0], None if is_raster(path) else labels.affine


def _counts(mask: LabelMap) -> dict[int, int]:
    """Voxels by value, ascending."""
    if mask.size and int(mask.min()) >= 0 and int(mask.max()) < 65_536:
        # A count by index is many times faster than the sorting of all voxels.
        counts = np.bincount(mask.ravel())
        return {int(v): int(counts[v]) for v in np.flatnonzero(counts)}
    found, n = np.unique(mask, return_counts=True)
    return dict(zip(found.tolist(), n.tolist(), strict=True))


def _where(image: Image) -> str:
    return str(image.source.get("path") or "")


def _rows(affine: NDArray[np.float64]) -> str:
    return "[" + "; ".join(" ".join(f"{v:.4g}" for v in row) for row in affine[:3]) + "]"
