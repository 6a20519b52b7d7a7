"""NIfTI: reading with every doubt about the geometry recorded, writing atomically."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray

from overread.errors import InputError
from overread.files import atomic_path
from overread.imaging.formats.deflate import GZIP, RATIO
from overread.imaging.formats.limits import check_largest
from overread.imaging.formats.voxels import reading
from overread.imaging.image import Image

EXTRA_BLOCKS = 64
"""MiB that may follow the voxels in a gzip stream before it is refused."""
PIECE = 1 << 18
"""Bytes that are unpacked at once: they stay in the processor's cache until they are put in place."""
HEADER = 544
"""Bytes that hold either header: 348 of NIfTI-1, 540 of NIfTI-2."""
MM_PER = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""By the code of the header's spatial units: unknown, metres, millimetres, micrometres."""
UNITS = {1: "metres", 3: "micrometres"}
SPATIAL_BITS = 0x07
LONGEST_QUATERNION = 1.001
"""Length of (b, c, d) up to which a qform is taken as rounded, and shortened to 1."""


def read_nifti(path: Path) -> Image:
    """Read ``.nii`` or ``.nii.gz``: 3D gives ``(1, i, j, k)``, 4D (or 5D vectors) channels first.

    A 2D picture, whose first axis counts columns in the file, gives ``(1, row, column)`` as from every other format.
    Integers without scaling keep their type, everything else is float32. The affine is the sform, else
    the qform, as nibabel chooses. In memory the first spatial axis of a volume stays the fastest, as it is in the
    file. What the header says beside that (the other form, units, slope) never stops a good file: it is noted.

    Raises
    ------
    InputError
        Missing, truncated or damaged file, complex or RGB voxels, a singular affine.
    """
    path = Path(path)
    with reading(path, "NIfTI"):
        return _read(path)


def _read(path: Path) -> Image:
    packed = path.suffix.lower() == ".gz"
    if packed:
        check_largest(path, path.stat().st_size, "its packed bytes")
    content = path.read_bytes() if packed else b""
    if packed:
        start = _start(content)
    else:
        with path.open("rb") as f:
            start = f.read(HEADER)
    header = _header(path, start)
    shape, dtype = tuple(int(n) for n in header.get_data_shape()), header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise InputError(f"{path}: voxels are {dtype}, expected integers or real numbers")
    size, held = int(np.prod(shape, dtype=object)) * dtype.itemsize, path.stat().st_size
    if not 2 <= len(shape) <= 5 or min(shape, default=0) < 1:
        raise InputError(f"{path}: has shape {shape}, expected 2 to 4 axes of 1 or more voxels")
    if size > held * (RATIO if packed else 1):
        raise InputError(f"{path}: is truncated: {held} bytes cannot hold {shape} voxels of {dtype}")
    offset = int(header.get_data_offset())
    if not 0 <= offset <= held * (RATIO if packed else 1):
        raise InputError(f"{path}: is damaged: its voxels begin at byte {offset} of {held}")
    check_largest(path, offset + size, f"its voxels from byte {offset}")
    count = size // dtype.itemsize
    unpacked = _unpack(path, content, offset + size) if packed else None
    held = held if unpacked is None else len(unpacked)
    if held < offset + size:
        raise InputError(f"{path}: is truncated: {held} bytes, expected {offset + size}")
    voxels = (
        np.fromfile(path, dtype, count, offset=offset)
        if unpacked is None
        else np.frombuffer(unpacked, dtype, count, offset)
    )
    array, notes = _values(voxels.reshape(shape, order="F"), header)
    if len(shape) == 5 and shape[3] == 1:
        array = array[:, :, :, 0]
    if array.ndim == 5:
        raise InputError(f"{path}: has shape {shape}, expected one time point; split it first")
    array = np.moveaxis(array, 3, 0) if array.ndim == 4 else array[None]
    affine, more = _affine(header, path)
    if array.ndim == 3:
        array, affine = np.ascontiguousarray(array.swapaxes(1, 2)), affine[:, [1, 0, 2, 3]]
    return Image(array, affine, source={"path": str(path)}, notes=notes + more)


def _start(content: bytes) -> bytes:
    """The first bytes of a gzip stream."""
    return isal_zlib.decompressobj(GZIP).decompress(content[: 16 * HEADER], HEADER)


def _header(path: Path, start: bytes) -> Any:
    """The checked header, NIfTI-1 or NIfTI-2 in either byte order, by nibabel."""
    import nibabel

    kinds = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
    lengths = [int.from_bytes(start[:4], order) for order in ("little", "big")]
    kind = next((kinds[n] for n in lengths if n in kinds), None)
    size = 348 if kind is nibabel.Nifti1Header else 540
    magic = start[344:347] if size == 348 else start[4:7]
    if kind is None or len(start) < size or magic not in (b"n+1", b"n+2"):
        raise InputError(
            f"{path}: does not start like a NIfTI file of one part; it may be damaged or another format"
        )
    return kind(start[:size], check=True)


def _unpack(path: Path, content: bytes, size: int) -> NDArray[np.uint8]:
    """The first ``size`` bytes of a gzip file, read on to its end so that its checksum is verified."""
    out, filled, extra = np.empty(size, np.uint8), 0, EXTRA_BLOCKS << 20
    while content:
        stream = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        while not stream.eof:
            piece = memoryview(stream.decompress(content, PIECE))
            content = b""
            if not piece and not stream.eof and stream.needs_input:
                raise InputError(f"{path}: is truncated: its gzip stream does not end; copy it again")
            kept = min(len(piece), size - filled)
            out[filled : filled + kept] = piece[:kept]
            filled += kept
            extra -= len(piece) - kept
            if extra < 0:
                raise InputError(f"{path}: unpacks to far more than the {size} bytes that its header tells")
        # Zeros may follow, and further members.
        content = stream.unused_data.lstrip(b"\0")
    return out[:filled]


def _values(array: NDArray[Any], header: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Scaled values, writeable, in the file's own order of axes in memory: the first is the fastest."""
    from nibabel.volumeutils import apply_read_scaling

    slope, inter = header.get_slope_inter()
    scaled = (slope, inter) != (None, None) and (slope, inter) != (1, 0)
    if scaled:
        array = apply_read_scaling(array, 1.0 if slope is None else slope, 0.0 if inter is None else inter)
    dtype = array.dtype.newbyteorder("=") if array.dtype.kind != "f" else np.dtype(np.float32)
    array = array.astype(dtype, order="F", copy=not array.flags.writeable)
    if array.dtype.kind != "f":
        return array, ()
    # A finite sum tells in one pass, without an array of its own, that every voxel is finite.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return array, ()
    bad = ~np.isfinite(array)
    if not bad.any():
        return array, ()
    array[bad] = 0
    return array, (f"{int(bad.sum())} voxels were not finite numbers and became 0",)


def _affine(header: Any, path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    notes: list[str] = []
    try:
        affine = np.array(header.get_best_affine(), dtype=np.float64)
    except ValueError:
        affine = _shortened_qform(header, path)
        notes.append("the quaternion of the qform is a little longer than 1 and was shortened")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(f"{path}: the affine is singular or not finite: {affine.tolist()}")
    if header["sform_code"] == 0 and header["qform_code"] == 0:
        notes.append(
            "the file gives no orientation (sform and qform codes are 0): left and right are not known"
        )
    elif header["sform_code"] > 0 and header["qform_code"] > 0:
        try:
            other = header.get_qform()
        except ValueError:
            other = None
            notes.append("the qform is damaged; the sform was used")
        if other is not None and not np.allclose(affine, other, atol=1e-2):
            notes.append("sform and qform differ; the sform was used")
    unit = int(header["xyzt_units"]) & SPATIAL_BITS
    if unit not in MM_PER:
        notes.append(f"the code {unit} of the units is not one of NIfTI's; lengths were taken for mm")
    elif MM_PER[unit] != 1:
        affine[:3] *= MM_PER[unit]
        notes.append(f"lengths in {UNITS[unit]} became mm")
    return affine, tuple(notes)


def _shortened_qform(header: Any, path: Path) -> NDArray[np.float64]:
    """The affine of a qform whose quaternion rounding made too long. Raises InputError where it is no rounding."""
    imaginary = np.array([float(header[f"quatern_{k}"]) for k in "bcd"])
    length = float(np.linalg.norm(imaginary))
    if not length <= LONGEST_QUATERNION:
        raise InputError(
            f"{path}: the quaternion of the qform {imaginary.tolist()} is longer than 1, and there is no sform; "
            "the header is damaged, copy or convert the file again"
        )
    mended = header.copy()
    for key, value in zip("bcd", imaginary / (length * (1 + 1e-6)), strict=True):
        mended[f"quatern_{key}"] = value
    return np.array(mended.get_best_affine(), dtype=np.float64)


def write_nifti(path: Path, array: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write ``array`` (spatial axes only, or with channels last) to ``.nii`` or ``.nii.gz`` atomically.

    A 2D array is (row, column), and the file's first axis its columns, so that `read_nifti` gives it back.
    Booleans are written as uint8, 64 bit integers as int32. Raises InputError on another suffix or where
    64 bit integers do not fit.
    """
    import nibabel

    path = Path(path)
    suffix = next((s for s in (".nii.gz", ".nii") if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise InputError(f"{path}: expected a name that ends in .nii or .nii.gz")
    if array.ndim == 2:
        array, affine = array.T, affine[:, [1, 0, 2, 3]]
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
