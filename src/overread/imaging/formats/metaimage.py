"""MetaImage (.mha, .mhd): a text header and raw or zlib-packed voxels.

Format: the MetaIO documentation of ITK (itk.org/Wiki/MetaIO/Documentation). Coordinates are LPS, as ITK's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.formats.deflate import RATIO
from overread.imaging.formats.limits import check_largest
from overread.imaging.formats.voxels import beside, check_size, inflate, placed, reading
from overread.imaging.image import LPS_TO_RAS, Image

TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
MOST_HEADER = 1 << 20


def read_metaimage(path: Path) -> Image:
    """Read ``.mha``, or ``.mhd`` with its data file beside it: raw or compressed, 2D or 3D, any channels.

    Volumes are indexed as stored, 2D images ``(row, column)``. Integers keep their type, everything else is
    float32. TransformMatrix, ElementSpacing and Offset give the affine, LPS to RAS+ mm.

    Raises
    ------
    InputError
        Missing, truncated or damaged file, data outside of the header's folder, text or array voxels, another
        number of axes than 2 or 3, a singular affine.
    """
    path = Path(path)
    with reading(path, "MetaImage"):
        header, rest = _header(path)
        sizes, d = _sizes(path, header)
        if header["ElementType"] not in TYPES:
            raise InputError(
                f"{path}: ElementType is {header['ElementType']}, expected one of {', '.join(TYPES)}"
            )
        big = _yes(header, "BinaryDataByteOrderMSB") or _yes(header, "ElementByteOrderMSB")
        dtype = np.dtype((">" if big else "<") + TYPES[header["ElementType"]])
        channels = int(header.get("ElementNumberOfChannels", 1))
        if not _yes(header, "BinaryData", True):
            raise InputError(f"{path}: holds its voxels as text; save it again as binary data")
        files = _files(path, header["ElementDataFile"], sizes)
        if files is None:
            flat = _voxels(path, rest, header, dtype, [channels, *sizes])
        else:
            check_size(path, [channels, *sizes], dtype, 0, None)
            share = [channels, *sizes[:-1], sizes[-1] // len(files)]
            flat = np.concatenate([_voxels(f, f.read_bytes(), header, dtype, share) for f in files])
        array = flat.reshape([channels, *sizes], order="F")
        affine, known, notes = _affine(header, d)
        return placed(path, array[..., 0] if d == 4 else array, affine, notes=notes, spacing_known=known)


def read_grid(path: Path) -> tuple[tuple[int, ...], NDArray[np.float64], list[Path]]:
    """Sizes, affine (RAS+ mm) and data files of a MetaImage, from its header alone; the voxels are not read.

    Raises
    ------
    InputError
        As `read_metaimage`, as far as the header and the presence of the data files tell.
    """
    path = Path(path)
    with reading(path, "MetaImage"):
        header, _ = _header(path)
        sizes, d = _sizes(path, header)
        files = _files(path, header["ElementDataFile"], sizes)
        return tuple(sizes), _affine(header, d)[0], [] if files is None else files


def _sizes(path: Path, header: dict[str, str]) -> tuple[list[int], int]:
    sizes = [int(n) for n in header["DimSize"].split()]
    d = int(header["NDims"])
    if len(sizes) != d or (d not in (2, 3) and not (d == 4 and sizes[3] == 1)):
        raise InputError(f"{path}: has {d} dimensions of sizes {sizes}, expected 2 or 3")
    return sizes, d


def _header(path: Path) -> tuple[dict[str, str], bytes]:
    """Fields up to and with ElementDataFile, and what follows them."""
    check_largest(path, path.stat().st_size, "its bytes")
    content = path.read_bytes()
    end = re.search(rb"ElementDataFile[ \t]*=[^\n]*\n?", content[:MOST_HEADER])
    if end is None:
        raise InputError(f"{path}: has no field ElementDataFile; it is no MetaImage, or damaged")
    header: dict[str, str] = {}
    for line in content[: end.end()].decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            header[key.strip()] = value.strip()
    missing = [k for k in ("NDims", "DimSize", "ElementType") if k not in header]
    if missing:
        raise InputError(f"{path}: its header lacks {', '.join(missing)}")
    rest = content[end.end() :]
    if header["ElementDataFile"].upper().startswith("LIST"):
        header["ElementDataFile"] = "LIST\n" + rest.decode("utf-8", "replace")
    return header, rest


def _files(path: Path, name: str, sizes: list[int]) -> list[Path] | None:
    """The files that hold the voxels; None where they follow the header."""
    if name.upper() == "LOCAL":
        return None
    parts = name.split()
    if name.startswith("LIST\n"):
        names = [n.strip() for n in name.splitlines()[1:] if n.strip()]
    elif len(parts) == 4 and "%" in parts[0]:
        names = [parts[0] % k for k in range(int(parts[1]), int(parts[2]) + 1, int(parts[3]))]
    else:
        names = [name]
    if not names or sizes[-1] % len(names):
        raise InputError(f"{path}: {len(names)} data files do not make up the {sizes[-1]} of the last axis")
    return [beside(path, n) for n in names]


def _voxels(
    path: Path, data: bytes, header: dict[str, str], dtype: np.dtype[Any], shape: list[int]
) -> NDArray[Any]:
    packed = _yes(header, "CompressedData")
    skip = int(header.get("HeaderSize", 0))
    size = check_size(path, shape, dtype, len(data) - max(skip, 0), RATIO if packed else 1)
    if packed:
        data = inflate(path, data[max(skip, 0) :], size)
    else:
        data = data[-size:] if skip == -1 else data[skip : skip + size]
    return np.frombuffer(data, dtype)


def _affine(header: dict[str, str], d: int) -> tuple[NDArray[np.float64], bool, list[str]]:
    def numbers(*names: str) -> list[float] | None:
        value = next((header[n] for n in names if n in header), None)
        return None if value is None else [float(v) for v in value.split()]

    notes = []
    spacing = numbers("ElementSpacing", "ElementSize")
    directions = numbers("TransformMatrix", "Rotation", "Orientation")
    origin = numbers("Offset", "Position", "Origin")
    affine = np.eye(4)
    k = min(d, 3)
    if directions is None:
        notes.append("the file gives no TransformMatrix: its axes were taken for left, posterior, superior")
    else:
        # Each row of the matrix is the direction of one axis.
        affine[:k, :k] = np.reshape(directions, (d, d))[:k, :k].T
    if spacing is not None:
        affine[:k, :k] *= np.array(spacing[:k])
    if origin is not None:
        affine[:k, 3] = origin[:k]
    return LPS_TO_RAS @ affine, spacing is not None, notes


def _yes(header: dict[str, str], key: str, absent: bool = False) -> bool:
    return header[key].lower().startswith(("t", "y", "1")) if key in header else absent
