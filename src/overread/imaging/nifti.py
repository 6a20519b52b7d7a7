"""NIfTI: reading with every doubt about the geometry recorded, writing atomically."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.files import atomic_path
from overread.imaging.image import Image

GZIP_RATIO = 1100
"""No gzip stream unpacks to more than 1032 times its size."""
EXTRA_BLOCKS = 64
"""MiB that may follow the voxels in a gzip stream before it is refused."""
MM_PER = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def read_nifti(path: Path) -> Image:
    """Read ``.nii`` or ``.nii.gz``: 3D gives ``(1, i, j, k)``, 4D (or 5D vectors) channels first.

    Integers without scaling keep their type, everything else is float32. The affine is the sform, else
    the qform, as nibabel chooses.

    Raises
    ------
    InputError
        Missing, truncated or damaged file, complex or RGB voxels, a singular affine.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        return _read(path)
    except InputError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split())[:300]
        raise InputError(
            f"{path}: cannot be read as NIfTI ({type(error).__name__}: {cause}); "
            "the file may be damaged or incomplete, copy it again"
        ) from error


def _read(path: Path) -> Image:
    import nibabel

    image = nibabel.load(path)
    if not isinstance(image, nibabel.Nifti1Image):
        raise InputError(f"{path}: is {type(image).__name__}, expected NIfTI")
    header, shape = image.header, tuple(int(n) for n in image.shape)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise InputError(f"{path}: voxels are {dtype}, expected integers or real numbers")
    size, held = int(np.prod(shape, dtype=object)) * dtype.itemsize, path.stat().st_size
    if not 2 <= len(shape) <= 5 or min(shape, default=0) < 1:
        raise InputError(f"{path}: has shape {shape}, expected 2 to 4 axes of 1 or more voxels")
    if size > held * (GZIP_RATIO if path.suffix.lower() == ".gz" else 1):
        raise InputError(f"{path}: is truncated: {held} bytes cannot hold {shape} voxels of {dtype}")
    if path.suffix.lower() == ".gz":
        lazy: Any = image.dataobj
        image = type(image).from_bytes(_unpack(path, lazy.offset + size))
    array, notes = _values(np.asanyarray(image.dataobj))
    if len(shape) == 5 and shape[3] == 1:
        array = array[:, :, :, 0]
    if array.ndim == 5:
        raise InputError(f"{path}: has shape {shape}, expected one time point; split it first")
    array = np.moveaxis(array, 3, 0) if array.ndim == 4 else array[None]
    affine, more = _affine(image, path)
    return Image(np.ascontiguousarray(array), affine, source={"path": str(path)}, notes=notes + more)


def _unpack(path: Path, size: int) -> bytes:
    """The first ``size`` bytes of a gzip file, read on to its end so that its checksum is verified."""
    with gzip.open(path) as stream:
        content = stream.read(size)
        for _ in range(EXTRA_BLOCKS):
            if not stream.read(1 << 20):
                return content
    raise InputError(f"{path}: unpacks to far more than the {size} bytes that its header tells")


def _values(array: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind != "f":
        return array, ()
    array = array.astype(np.float32)
    bad = ~np.isfinite(array)
    if not bad.any():
        return array, ()
    array[bad] = 0
    return array, (f"{int(bad.sum())} voxels were not finite numbers and became 0",)


def _affine(image: Any, path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    header, notes = image.header, []
    affine = np.array(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(f"{path}: the affine is singular or not finite: {affine.tolist()}")
    if header["sform_code"] == 0 and header["qform_code"] == 0:
        notes.append(
            "the file gives no orientation (sform and qform codes are 0): left and right are not known"
        )
    elif header["sform_code"] > 0 and header["qform_code"] > 0:
        other = header.get_qform()
        if not np.allclose(affine, other, atol=1e-2):
            notes.append("sform and qform differ; the sform was used")
    unit = header.get_xyzt_units()[0]
    if MM_PER[unit] != 1:
        affine[:3] *= MM_PER[unit]
        notes.append(f"lengths in {unit} became mm")
    return affine, tuple(notes)


def write_nifti(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write ``array`` (spatial axes only, or with channels last) to ``.nii`` or ``.nii.gz`` atomically.

    Booleans are written as uint8, 64 bit integers as int32. Raises InputError on another suffix or where
    64 bit integers do not fit.
    """
    import nibabel

    path = Path(path)
    suffix = next((s for s in (".nii.gz", ".nii") if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise InputError(f"{path}: expected a name that ends in .nii or .nii.gz")
    if array.dtype == bool:
        array = array.astype(np.uint8)
    elif array.dtype in (np.int64, np.uint64):
        if array.size and (array.max() > np.iinfo(np.int32).max or array.min() < np.iinfo(np.int32).min):
            raise InputError(f"{path}: values do not fit 32 bit integers")
        array = array.astype(np.int32)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        # nibabel chooses compression by the suffix, which the temporary name lacks.
        data = image.to_bytes()
        if suffix == ".nii.gz":
            data = gzip.compress(data, compresslevel=6, mtime=0)
        temporary.write_bytes(data)
