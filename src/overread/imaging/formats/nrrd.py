"""NRRD: header by pynrrd, voxels unpacked within the bounds that the header gives.

Format: teem.sourceforge.net/nrrd/format.html (NRRD0001 to NRRD0005).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.formats.deflate import RATIO
from overread.imaging.formats.limits import check_largest
from overread.imaging.formats.voxels import (
    beside,
    check_size,
    inflate,
    inflate_bzip2,
    placed,
    reading,
)
from overread.imaging.image import LPS_TO_RAS, Image

MAGIC = b"NRRD"
MOST_HEADER = 1 << 20
TYPES = {
    "int8": "signed char,int8,int8_t",
    "uint8": "uchar,unsigned char,uint8,uint8_t",
    "int16": "short,short int,signed short,signed short int,int16,int16_t",
    "uint16": "ushort,unsigned short,unsigned short int,uint16,uint16_t",
    "int32": "int,signed int,int32,int32_t",
    "uint32": "uint,unsigned int,uint32,uint32_t",
    "int64": "longlong,long long,long long int,signed long long,signed long long int,int64,int64_t",
    "uint64": "ulonglong,unsigned long long,unsigned long long int,uint64,uint64_t",
    "float32": "float",
    "float64": "double",
}
DTYPES = {name: dtype for dtype, names in TYPES.items() for name in names.split(",")}
TO_RAS = {
    "left-posterior-superior": LPS_TO_RAS,
    "lps": LPS_TO_RAS,
    "right-anterior-superior": np.eye(4),
    "ras": np.eye(4),
    "left-anterior-superior": np.diag([-1.0, 1, 1, 1]),
    "las": np.diag([-1.0, 1, 1, 1]),
}
SPATIAL = ("domain", "space")
MM_PER = {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "microns": 1e-3, "cm": 10.0, "m": 1000.0}


def read_nrrd(path: Path) -> Image:
    """Read ``.nrrd`` or ``.nhdr``: raw, gzip, bzip2, text or hexadecimal, in one file or beside its header.

    Volumes are indexed as stored, 2D images ``(row, column)``; an axis that is not spatial (colour, gradients)
    gives the channels. Integers keep their type, everything else is float32. The affine comes from the space
    directions and the space origin; LPS, RAS and LAS spaces become RAS+ mm.

    Raises
    ------
    InputError
        Missing, truncated or damaged file, data outside of the header's folder, complex or block voxels, a time
        axis, axes of which the header does not say which are spatial, a singular affine.
    """
    path = Path(path)
    with reading(path, "NRRD"):
        header, files, rest = _header(path)
        dtype = _dtype(path, header)
        sizes = [int(n) for n in header["sizes"]]
        if len(sizes) != header["dimension"]:
            raise InputError(f"{path}: has {len(sizes)} sizes for {header['dimension']} dimensions")
        if files is None:
            flat = _voxels(path, rest, header, dtype, sizes)
        else:
            check_size(path, sizes, dtype, 0, None)
            share = [*sizes[:-1], sizes[-1] // len(files)]
            if share[-1] * len(files) != sizes[-1]:
                raise InputError(
                    f"{path}: {len(files)} data files do not make up the {sizes[-1]} of the last axis"
                )
            flat = np.concatenate([_voxels(f, f.read_bytes(), header, dtype, share) for f in files])
        array = flat.reshape(sizes, order="F")
        spatial, channels = _axes(path, header, sizes)
        array = np.transpose(array, [*channels, *spatial]).reshape(-1, *(sizes[a] for a in spatial))
        affine, known, notes = _affine(path, header, spatial)
        return placed(path, array, affine, notes=notes, spacing_known=known)


def data_files(path: Path) -> list[Path]:
    """Files beside the header that hold the voxels; none where they follow it.

    Raises
    ------
    InputError
        As `read_nrrd`, as far as the header tells.
    """
    path = Path(path)
    with reading(path, "NRRD"):
        return _header(path)[1] or []


def _header(path: Path) -> tuple[Mapping[str, Any], list[Path] | None, bytes]:
    """The parsed header, the files that hold the voxels (None: this one), and what follows the header."""
    import nrrd

    check_largest(path, path.stat().st_size, "its bytes")
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise InputError(f"{path}: does not start with {MAGIC.decode()}; it is no NRRD file")
    end = re.search(rb"\n\r?\n", content[:MOST_HEADER])
    if end is None and len(content) > MOST_HEADER:
        raise InputError(f"{path}: its header does not end; the file may be damaged, copy it again")
    head = content[: end.start() if end else len(content)]
    lines = head.decode("ascii", "replace").splitlines()
    listed: list[str] | None = None
    for n, line in enumerate(lines):
        if re.match(r"data ?file:\s*LIST\b", line):
            lines, listed = lines[:n], [t for t in lines[n + 1 :] if t.strip()]
            break
    header = nrrd.read_header([*lines, ""])
    name = header.get("data file", header.get("datafile"))
    if listed is None and name is None:
        return header, None, content[end.end() :] if end else b""
    names = listed if listed is not None else _names(str(name))
    if not names:
        raise InputError(f"{path}: lists no data files; copy the whole set again")
    return header, [beside(path, n.strip()) for n in names], b""


def _names(name: str) -> list[str]:
    """The files of a ``data file`` field: one name, or a pattern with first, last and step."""
    parts = name.split()
    if len(parts) >= 4 and "%" in parts[0]:
        first, last, step = (int(p) for p in parts[1:4])
        if step == 0 or abs(last - first) > 100_000 * abs(step):
            raise ValueError(f"data file {name!r} names no sensible list of files")
        return [parts[0] % k for k in range(first, last + (1 if step > 0 else -1), step)]
    return [name]


def _dtype(path: Path, header: Mapping[str, Any]) -> np.dtype[Any]:
    kind = str(header["type"]).strip().lower()
    if kind not in DTYPES:
        raise InputError(f"{path}: voxels are {kind!r}, expected integers or real numbers")
    dtype = np.dtype(DTYPES[kind])
    endian = str(header.get("endian", "little")).lower()
    if endian not in ("little", "big"):
        raise InputError(f"{path}: endian is {endian!r}, expected little or big")
    return dtype.newbyteorder("<" if endian == "little" else ">")


def _voxels(
    path: Path, data: bytes, header: Mapping[str, Any], dtype: np.dtype[Any], shape: Sequence[int]
) -> NDArray[Any]:
    encoding = str(header["encoding"]).lower()
    for _ in range(int(header.get("line skip", header.get("lineskip", 0)))):
        data = data[data.index(b"\n") + 1 :]
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    if encoding in ("ascii", "text", "txt"):
        check_size(path, shape, np.dtype("u1"), len(data))
        values = np.array(data.split(), dtype=np.float64)
        if len(values) != int(np.prod(shape)):
            raise InputError(f"{path}: holds {len(values)} numbers, expected {int(np.prod(shape))}")
        return values.astype(dtype)
    if encoding == "raw":
        size = check_size(path, shape, dtype, len(data) - max(skip, 0))
        data = data[-size:] if skip == -1 else data[skip : skip + size]
    elif encoding in ("gzip", "gz"):
        size = check_size(path, shape, dtype, len(data), RATIO)
        data = inflate(path, data, size + max(skip, 0))[max(skip, 0) :]
    elif encoding in ("bzip2", "bz2"):
        size = check_size(path, shape, dtype, len(data), None)
        data = inflate_bzip2(path, data, size + max(skip, 0))[max(skip, 0) :]
    elif encoding == "hex":
        size = check_size(path, shape, dtype, len(data) // 2)
        data = bytes.fromhex(data.decode("ascii"))[:size]
    else:
        raise InputError(f"{path}: encoding is {encoding!r}, expected raw, gzip, bzip2, ascii or hex")
    return np.frombuffer(data, dtype, count=int(np.prod(shape)))


def _axes(path: Path, header: Mapping[str, Any], sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Which axes are spatial, and which give the channels."""
    kinds = [str(k).lower() for k in header.get("kinds", ["???"] * len(sizes))]
    if len(kinds) != len(sizes):
        raise InputError(f"{path}: has {len(kinds)} kinds for {len(sizes)} axes")
    if "space directions" in header:
        rows = np.atleast_2d(np.asarray(header["space directions"], dtype=np.float64))
        if len(rows) != len(sizes):
            raise InputError(f"{path}: has {len(rows)} space directions for {len(sizes)} axes")
        spatial = [a for a, row in enumerate(rows) if np.isfinite(row).all()]
    elif any(k in SPATIAL for k in kinds):
        spatial = [a for a, k in enumerate(kinds) if k in SPATIAL]
    else:
        spatial = [a for a, k in enumerate(kinds) if k in ("???", "none")]
    other = [a for a in range(len(sizes)) if a not in spatial]
    for a in other:
        if (kinds[a] == "time" and sizes[a] > 1) or kinds[a] == "complex":
            raise InputError(
                f"{path}: axis {a} of {sizes[a]} is {kinds[a]}, expected one real value; split it first"
            )
    if len(spatial) not in (2, 3):
        raise InputError(
            f"{path}: {len(spatial)} of its {len(sizes)} axes are spatial, expected 2 or 3; "
            "the fields 'space directions' or 'kinds' must say which"
        )
    return spatial, other


def _affine(
    path: Path, header: Mapping[str, Any], spatial: Sequence[int]
) -> tuple[NDArray[np.float64], bool, list[str]]:
    """The affine of the spatial axes, whether the file gave the spacing, and what had to be assumed."""
    notes: list[str] = []
    space = str(header.get("space", "")).lower()
    to_ras = TO_RAS.get(space)
    if to_ras is None:
        to_ras = LPS_TO_RAS
        what = f"the space is {space!r}" if space else "the file names no anatomical space"
        notes.append(f"{what}: its axes were taken for left, posterior, superior; check left and right")
    affine, known = np.eye(4), True
    d = len(spatial)
    if "space directions" in header:
        rows = np.atleast_2d(np.asarray(header["space directions"], dtype=np.float64))[list(spatial)]
        if rows.shape[1] > 3:
            raise InputError(f"{path}: space directions have {rows.shape[1]} numbers, expected 2 or 3 (mm)")
        affine[: rows.shape[1], :d] = rows.T
        if d == 2 and rows.shape[1] == 3:
            across = np.cross(rows[0], rows[1])
            affine[:3, 2] = across / max(float(np.linalg.norm(across)), 1e-12)
        origin = np.asarray(header.get("space origin", np.zeros(rows.shape[1])), dtype=np.float64)
        affine[: len(origin), 3] = origin
        if "space origin" not in header:
            notes.append("the file gives no space origin: the first voxel was put at 0")
        unit = header.get("space units", header.get("units"))
        factors = [_mm(path, u, notes) for u in unit] if unit is not None else []
        affine[: len(factors)] *= np.array(factors).reshape(-1, 1)
    elif "spacings" in header:
        spacings = np.abs([float(header["spacings"][a]) for a in spatial])
        unit = header.get("units")
        if unit is not None and len(unit) == len(header["sizes"]):
            spacings = spacings * [_mm(path, unit[a], notes) for a in spatial]
        affine[range(d), range(d)] = spacings
    else:
        known = False
    if "measurement frame" in header:
        notes.append("the measurement frame of vectors was passed over; values are as stored")
    return to_ras @ affine, known, notes


def _mm(path: Path, unit: Any, notes: list[str]) -> float:
    name = str(unit).strip('" ').lower()
    if name in ("", "none", "???"):
        return 1.0
    if name not in MM_PER:
        raise InputError(f"{path}: lengths are in {name!r}, expected one of {', '.join(MM_PER)}")
    if MM_PER[name] != 1 and (note := f"lengths in {name} became mm") not in notes:
        notes.append(note)
    return MM_PER[name]
