"""What the readers of plain voxel files share: unpacking within bounds, plain numbers, axes and their place."""

from __future__ import annotations

import bz2
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.formats.deflate import GZIP_OR_ZLIB
from overread.imaging.formats.limits import check_largest
from overread.imaging.image import Image

GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 1 << 24
"""Bytes that are taken from a bzip2 stream at once: memory grows with what there is, not with what a header claims."""


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a damaged file into an InputError that names the file."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split())[:300]
        raise InputError(
            f"{path}: cannot be read as {kind} ({type(error).__name__}: {cause}); "
            "the file may be damaged or incomplete, copy it again"
        ) from error


def check_size(
    path: Path, shape: Sequence[int], dtype: np.dtype[Any], held: int, ratio: int | None = 1
) -> int:
    """Bytes of ``shape`` voxels.

    Raises InputError where ``held`` bytes, at ``ratio`` (None: that packing has no largest), cannot hold them, or where
    they are more than is read at once (`limits`).
    """
    if not shape or min(shape) < 1:
        raise InputError(f"{path}: has shape {tuple(shape)}, expected axes of 1 or more voxels")
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if ratio is not None and size > held * ratio:
        raise InputError(f"{path}: is truncated: {held} bytes cannot hold {tuple(shape)} voxels of {dtype}")
    check_largest(path, size, f"its {tuple(int(n) for n in shape)} voxels of {dtype}")
    return size


def inflate(path: Path, data: bytes, size: int) -> bytes:
    """``size`` bytes from a gzip or zlib stream, never more. Raises InputError where it holds less or more.

    A gzip file may be made of several members, one after the other (RFC 1952 section 2.2); zeros may follow.
    """
    content, rest = b"", b""
    while data and len(content) <= size and not rest:
        stream = isal_zlib.decompressobj(GZIP_OR_ZLIB)
        # `decompress` takes 0 for no limit: what goes beyond `size` is asked for by one byte.
        if len(content) < size:
            content += stream.decompress(data, size - len(content))
            data = stream.unconsumed_tail
        # One byte more shows a longer stream; reaching the end verifies the checksum.
        rest = b"" if stream.eof else stream.decompress(data, 1)
        if not stream.eof:
            break
        data = stream.unused_data.lstrip(b"\0")
        if not data.startswith(GZIP_MAGIC):
            break
    if len(content) < size:
        raise InputError(f"{path}: is truncated: unpacks to {len(content)} bytes, expected {size}")
    if rest or not stream.eof:
        raise InputError(f"{path}: is damaged: unpacks to something else than the {size} bytes of its header")
    return content


def inflate_bzip2(path: Path, data: bytes, size: int) -> bytes:
    """``size`` bytes from a bzip2 file, never more. Raises InputError where it holds less or more.

    Streams may follow one another, as parallel packers write them; zeros may follow.
    """
    pieces: list[bytes] = []
    left, rest, ended = size, b"", True
    while data and not rest:
        stream = bz2.BZ2Decompressor()
        while left and not stream.eof:
            # Handed over once: the stream keeps what it has not unpacked yet.
            piece, data = stream.decompress(data, min(left, BLOCK)), b""
            pieces.append(piece)
            left -= len(piece)
            if not piece:
                break
        # One byte more shows a longer stream; reaching the end verifies the checksum.
        rest = b"" if stream.eof else stream.decompress(data, 1)
        ended = stream.eof
        data = stream.unused_data.lstrip(b"\0") if ended else b""
        if not data.startswith(b"BZh"):
            break
    if left:
        raise InputError(f"{path}: is truncated: unpacks to {size - left} bytes, expected {size}")
    if rest or not ended:
        raise InputError(f"{path}: is damaged: unpacks to something else than the {size} bytes of its header")
    return b"".join(pieces)


def beside(header: Path, name: str) -> Path:
    """The data file that a header names. Raises InputError unless it lies in the header's folder or below."""
    path = header.parent / name
    if not path.resolve().is_relative_to(header.parent.resolve()):
        raise InputError(
            f"{header}: names the data file {name}, which lies elsewhere; put it beside the header"
        )
    if not path.is_file():
        raise InputError(f"{header}: names the data file {name}, which is not beside it; copy both files")
    return path


def plain(array: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Voxels in native byte order: integers keep their type, others become float32, not finite ones 0."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype == bool:
        return array.astype(np.uint8), ()
    if array.dtype.kind != "f":
        return array, ()
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    bad = ~np.isfinite(array)
    if not bad.any():
        return array, ()
    array[bad] = 0
    return array, (f"{int(bad.sum())} voxels were not finite numbers and became 0",)


def placed(
    path: Path,
    array: NDArray[Any],
    affine: NDArray[np.float64],
    *,
    notes: Sequence[str] = (),
    spacing_known: bool = True,
    modality: str = "",
) -> Image:
    """An Image from ``(channels, *spatial)`` as stored, its first spatial axis the fastest in the file.

    Two spatial axes are turned to (row, column), three stay. Raises InputError on a singular affine.
    """
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise InputError(f"{path}: the affine is singular or not finite: {affine.tolist()}")
    if array.ndim == 3:
        array, affine = array.swapaxes(1, 2), affine[:, [1, 0, 2, 3]]
    array, found = plain(array)
    source: dict[str, Any] = {"path": str(path)}
    if not spacing_known:
        source["spacing_known"] = False
        found += ("the file gives no spacing: 1 mm was assumed, distances are in voxels",)
    array = np.require(array, requirements=["C", "W"])
    return Image(array, affine, modality, source=source, notes=(*notes, *found))
