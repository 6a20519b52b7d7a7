"""One door for every image file: the format is found from what is there, not asked for."""

from __future__ import annotations

from pathlib import Path

from overread.errors import InputError
from overread.imaging.image import Image

RASTER_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

SLIDE_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide")


def read(path: Path | str) -> Image:
    """Read an image.

    A folder is one DICOM series; NIfTI (``.nii``, ``.nii.gz``), NRRD (``.nrrd``, ``.nhdr``), MetaImage (``.mha``,
    ``.mhd``) and NumPy archives (``.npz``) are known by their suffix, PNG, JPEG and TIFF by their first bytes;
    everything else is DICOM, with or without suffix, also a zip of one series. Whole slides are refused: they are
    read in parts by `overread.imaging.slides.slide.read_slide`.

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
            "read it in parts by overread.imaging.slides.slide.read_slide"
        )
    if path.is_file() and is_raster(path):
        from overread.imaging.formats.raster import read_raster

        return read_raster(path)
    from overread.imaging.dicom.series import read_series

    return read_series(path)


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
