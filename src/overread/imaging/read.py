"""One door for every image file: the format is found from what is there, not asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.image import Image

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RASTER_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", *TIFF_MAGIC)

ROUNDING = 1e-3
"""Label values may be off a whole number by this much."""

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")
SLIDE_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide")


def read(path: Path | str) -> Image:
    """Read an image.

    A folder is one DICOM series; NIfTI (``.nii``, ``.nii.gz``), NRRD (``.nrrd``, ``.nhdr``), MetaImage (``.mha``,
    ``.mhd``) and NumPy archives (``.npz``) are known by their suffix, PNG, JPEG and TIFF by their first bytes;
    everything else is DICOM, with or without suffix, also a zip of one series. Whole slides are refused: they are
    read in parts by `overread.imaging.read_slide`; so are videos. No image larger than `formats.limits` tells is read.

    Raises
    ------
    InputError
        Missing, unknown, truncated or damaged file; see the readers for what else they refuse.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        from overread.imaging.formats.nifti import read_nifti

        return read_nifti(path)
    suffix = path.suffix.lower()
    if suffix in (".nrrd", ".nhdr"):
        from overread.imaging.formats.nrrd import read_nrrd

        return read_nrrd(path)
    if suffix in (".mha", ".mhd"):
        from overread.imaging.formats.metaimage import read_metaimage

        return read_metaimage(path)
    if suffix == ".npz":
        from overread.imaging.formats.npz import read_npz

        return read_npz(path)
    if suffix in SLIDE_SUFFIXES:
        raise InputError(
            f"{path}: is a whole slide, too large to read at once; "
            "read it in parts by overread.imaging.read_slide"
        )
    if path.is_file() and is_raster(path):
        return read_raster(path)
    if suffix in VIDEO_SUFFIXES or is_video(path):
        raise InputError(
            f"{path}: is a video, which is not read; save its frames as PNG or as one multi-frame DICOM file, and give "
            "them as images"
        )
    from overread.imaging.dicom.series import read_series

    return read_series(path)


def is_video(path: Path) -> bool:
    """Whether a file starts like a film: MP4 or QuickTime, AVI, Matroska or WebM, MPEG."""
    if not path.is_file():
        return False
    with path.open("rb") as f:
        head = f.read(132)
    avi = head.startswith(b"RIFF") and head[8:12] == b"AVI "
    boxed = head[4:8] == b"ftyp"
    return head[128:] != b"DICM" and (
        boxed or avi or head.startswith((b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3"))
    )


def is_raster(path: Path) -> bool:
    """Whether a file starts like PNG, JPEG or TIFF (and is not a DICOM file with a TIFF preamble)."""
    try:
        with path.open("rb") as f:
            head = f.read(132)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error
    if not head:
        raise InputError(f"{path}: is empty; copy or send it again")
    return head.startswith(RASTER_MAGIC) and head[128:] != b"DICM"


def read_raster(path: Path) -> Image:
    """Read a PNG, JPEG or TIFF, known by its first bytes.

    Gives ``(1 or 3, rows, columns)``; a TIFF of several pages ``(channels, columns, rows, slices)``. See
    `formats.raster.read_picture` and `formats.tiff.read_tiff` for what they note and refuse (InputError).
    """
    path = Path(path)
    if _is_tiff(path):
        from overread.imaging.formats.tiff import read_tiff

        return read_tiff(path)
    from overread.imaging.formats.raster import read_picture

    return read_picture(path)


def read_label_raster(path: Path) -> NDArray[Any]:
    """Read the labels of a PNG, JPEG or TIFF as stored: palette indices, never colours.

    Gives ``(rows, columns)`` integers; a TIFF of several pages ``(columns, rows, slices)``. Raises InputError as
    `read_raster`, or for a colour picture, whose values are no labels.
    """
    path = Path(path)
    if _is_tiff(path):
        from overread.imaging.formats.tiff import read_label_tiff

        return read_label_tiff(path)
    from overread.imaging.formats.raster import read_label_picture

    return read_label_picture(path)


def read_labels(path: Path | str) -> Image:
    """Read a label map: one channel of integers, ``(1, *spatial)``.

    Values within `ROUNDING` of a whole number, which a scale factor or another program left, become it, with a note;
    so do values that are not finite numbers become 0. A picture (PNG, JPEG, TIFF) gives its values as stored, palette
    indices included, and has no place in the patient.

    Raises
    ------
    InputError
        As `read`; several channels; values that are no whole numbers.
    """
    path = Path(path)
    if path.is_file() and is_raster(path):
        from overread.imaging.formats.raster import AFFINE, UNKNOWN_SPACING

        values = read_label_raster(path)
        affine = AFFINE.copy() if values.ndim == 2 else np.diag([-1.0, -1.0, 1.0, 1.0])
        source = {"path": str(path), "spacing_known": False}
        return Image(values[None], affine, source=source, notes=(UNKNOWN_SPACING,))
    image = read(path)
    if len(image.array) != 1:
        raise InputError(f"{path}: has {len(image.array)} channels; a label map has one")
    if image.array.dtype.kind in "iu":
        return image
    whole = np.rint(image.array)
    off = np.abs(image.array - whole)
    wrong = (off > ROUNDING) | (np.abs(whole) > np.iinfo(np.int32).max)
    if wrong.any():
        odd = float(image.array.flat[int(wrong.argmax())])
        raise InputError(f"{path}: holds {odd:.9g}; a label map has whole numbers, one per class")
    notes = image.notes
    if off.any():
        notes += (
            f"{np.count_nonzero(off)} label values were off a whole number by up to {float(off.max()):.1g}, "
            "as rounding leaves them, and became it",
        )
    return image.with_(array=whole.astype(np.int32), notes=notes)


def _is_tiff(path: Path) -> bool:
    """Whether a file starts like TIFF or BigTIFF."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    with path.open("rb") as f:
        return f.read(4) in TIFF_MAGIC
