"""NumPy archives: the simplest file that holds voxels and their place."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.formats.deflate import RATIO
from overread.imaging.formats.limits import largest_image
from overread.imaging.formats.raster import AFFINE
from overread.imaging.formats.voxels import check_size, plain, reading
from overread.imaging.image import Image
from overread.zips import check_zip

HEADER = 1 << 16
"""Bytes that the header of an array may take before its values."""
KEYS = ("array", "affine", "spacing", "channels", "modality")


def read_npz(path: Path) -> Image:
    """Read an archive of `numpy.savez` or `numpy.savez_compressed` with these keys, of which one must be there.

    ``array``
        ``(rows, columns)``, ``(i, j, k)`` or ``(channels, i, j, k)``; with the key ``channels`` the first axis
        holds the channels whatever the number of axes. Numbers; no pickled objects.
    ``affine``
        ``(4, 4)``, voxel index to RAS+ mm, as `Image` has it.
    ``spacing``
        mm per spatial axis; instead of the affine.
    ``channels``
        Their names.
    ``modality``
        A DICOM Modality.

    Without affine a 2D image lies as a picture does (rows to posterior, columns to left), a volume along R, A, S.

    Raises
    ------
    InputError
        Missing or damaged file, another key, pickled objects, a shape that does not fit, a singular affine.
    """
    path = Path(path)
    with reading(path, "a NumPy archive"):
        found = _members(path)
        array = found["array"]
        if array.dtype.kind not in "biuf":
            raise InputError(f"{path}: 'array' is {array.dtype}, expected integers or real numbers")
        names = tuple(str(n) for n in np.atleast_1d(found["channels"])) if "channels" in found else ()
        if not names and array.ndim in (2, 3):
            array = array[None]
        if array.ndim not in (3, 4) or (names and len(names) != len(array)):
            raise InputError(
                f"{path}: 'array' has shape {found['array'].shape} and {len(names)} channels are named; "
                "expected (channels,) with 2 or 3 spatial axes"
            )
        affine, known, notes = _affine(path, found, array.ndim - 1)
        values, more = plain(array)
        source: dict[str, Any] = {"path": str(path)} | ({} if known else {"spacing_known": False})
        modality = str(found["modality"]) if "modality" in found else ""
        return Image(
            np.require(values, requirements=["C", "W"]), affine, modality, names, source, notes + more
        )


def _members(path: Path) -> dict[str, NDArray[Any]]:
    """The archive's arrays, none larger than its packed bytes can be."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        check_zip(archive, largest_image() + HEADER, str(path))
        for info in archive.infolist():
            key = info.filename.removesuffix(".npy")
            if key not in KEYS:
                raise InputError(
                    f"{path}: holds {key!r}, expected {', '.join(KEYS)}; a set of many images is imported "
                    "by `overread import`"
                )
            with archive.open(info) as member:
                version = np.lib.format.read_magic(member)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = read(member)
            check_size(path, shape or (1,), dtype, info.compress_size, RATIO)
            with archive.open(info) as member:
                arrays[key] = np.lib.format.read_array(member, allow_pickle=False)
    if "array" not in arrays:
        raise InputError(f"{path}: has no 'array'; see the documentation of read_npz for the keys")
    return arrays


def _affine(
    path: Path, found: dict[str, NDArray[Any]], d: int
) -> tuple[NDArray[np.float64], bool, tuple[str, ...]]:
    affine = AFFINE.copy() if d == 2 else np.eye(4)
    spacing = np.asarray(found["spacing"], np.float64).ravel() if "spacing" in found else None
    if spacing is not None and (len(spacing) != d or not (spacing > 0).all()):
        raise InputError(f"{path}: 'spacing' is {spacing.tolist()}, expected {d} numbers above 0 (mm)")
    if "affine" in found:
        affine = np.asarray(found["affine"], np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-12:
            raise InputError(
                f"{path}: 'affine' is {affine.tolist()}, expected (4, 4), finite and not singular"
            )
        own = np.linalg.norm(affine[:3, :d], axis=0)
        if spacing is not None and not np.allclose(own, spacing, rtol=1e-3):
            raise InputError(f"{path}: 'spacing' is {spacing.tolist()} but 'affine' has {own.tolist()}")
        return affine, True, ()
    note = "the file gives no orientation: left and right are not known"
    if spacing is None:
        return affine, False, (note, "the file gives no spacing: 1 mm was assumed, distances are in voxels")
    affine[:3, :d] *= spacing
    return affine, True, (note,)
