"""The files that an image consists of."""

from __future__ import annotations

from pathlib import Path

from overread.errors import InputError


def image_files(path: Path) -> list[Path]:
    """All files whose content makes up the image at ``path``, sorted.

    A folder (a DICOM series) counts with every file in it, a NRRD or MetaImage header with the files that hold its
    voxels.

    Raises
    ------
    InputError
        No such file or folder, an empty folder, a header that cannot be read or names files that are not there.
    """
    path = Path(path)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file())
        if not found:
            raise InputError(f"{path}: is an empty folder; expected the files of a DICOM series")
        return found
    suffix = path.suffix.lower()
    if suffix in (".nrrd", ".nhdr"):
        from overread.imaging.formats import nrrd

        return sorted([path, *nrrd.data_files(path)])
    if suffix in (".mha", ".mhd"):
        from overread.imaging.formats import metaimage

        return sorted([path, *metaimage.read_grid(path)[2]])
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder; check the path")
    return [path]
