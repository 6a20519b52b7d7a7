"""DICOM: one series, as files or data sets, to one Image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset

from overread.errors import InputError
from overread.imaging.dicom_facts import facts
from overread.imaging.dicom_files import Instance, find_files, load, load_zip, open_dataset, reading
from overread.imaging.dicom_geometry import (
    SPACING_ABSOLUTE,
    check_alike,
    check_regular,
    has_spacing,
    normal,
    plane_affine,
    sort_planes,
    volume_affine,
)
from overread.imaging.dicom_pixels import read_pixels
from overread.imaging.dicom_planes import Plane, planes_of
from overread.imaging.dicom_values import text
from overread.imaging.image import Image

SAME_POSITION = 1e-3
"""Planes closer than this along the normal, mm, lie at one position."""


def read_series(files: Sequence[Path] | Path) -> Image:
    """Read one series: a folder, one file, a zip, or a list of files.

    One plane gives ``(1 or 3, rows, columns)`` with an affine for (row, column); several give
    ``(1 or 3, columns, rows, slices)`` with an affine for (column, row, slice), slices sorted along
    their normal. Values are modality values (PS3.3 C.11.1) in MONOCHROME2 sense, or RGB.

    Raises
    ------
    InputError
        Unreadable file; several series; no or truncated pixel data; mixed sizes or orientations; two
        different images at one position; missing slices; uneven spacing; gantry tilt.
    """
    if isinstance(files, Path):
        if files.is_dir():
            found, other = find_files(files)
            note = (f"{len(other)} files in the folder are not DICOM and were passed over",) if other else ()
            return _image(load(found), str(files), note)
        if files.suffix.lower() == ".zip":
            return _image(load_zip(files), str(files))
        return _image(load([files]), str(files))
    paths = [Path(f) for f in files]
    if not paths:
        raise InputError("no DICOM file was given; expected the files of one series")
    return _image(load(paths), str(paths[0] if len(paths) == 1 else paths[0].parent))


def read_datasets(datasets: Sequence[Dataset]) -> Image:
    """Read one series that is in memory already. See `read_series` for result and errors."""
    if not datasets:
        raise InputError("no DICOM data set was given; expected those of one series")
    instances = []
    for n, dataset in enumerate(datasets):
        with reading(f"data set {n + 1}"):
            filename = getattr(dataset, "filename", None)
            name = filename if isinstance(filename, (str, Path)) else text(dataset, "SOPInstanceUID")
            instances.append(Instance(str(name or f"data set {n + 1}"), dataset))
    return _image(instances, instances[0].name if len(instances) == 1 else "")


def read_headers(folder: Path) -> list[FileDataset]:
    """The data sets below ``folder`` in name order, without pixels. Raises InputError as `read_series`."""
    return [open_dataset(f, str(f), stop_before_pixels=True) for f in find_files(Path(folder))[0]]


def group_series(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Files by Series Instance UID, in the order given. Raises InputError on a file that is not DICOM."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        dataset = open_dataset(
            Path(path), str(path), stop_before_pixels=True, specific_tags=["SeriesInstanceUID"]
        )
        with reading(str(path)):
            groups.setdefault(text(dataset, "SeriesInstanceUID"), []).append(Path(path))
    return groups


def _image(instances: list[Instance], path: str, notes: tuple[str, ...] = ()) -> Image:
    with reading(path or instances[0].name):
        _check_one_series(instances, path)
        planes = planes_of(instances)
        if len(planes) > 1:
            check_alike(planes)
            planes, dropped = _drop_doubles(sort_planes(planes))
            notes += dropped
        if len(planes) > 1:
            check_regular(planes)
            affine = volume_affine(planes)
        else:
            affine, assumed = plane_affine(planes[0])
            notes += assumed
        arrays = []
        for plane in planes:
            array, found = read_pixels(plane)
            arrays.append(array)
            notes += plane.notes + found
        first = planes[0].dataset
        source: dict[str, Any] = {
            "path": path,
            **facts(first),
            "SOPInstanceUIDs": tuple(dict.fromkeys(p.uid for p in planes)),
        }
        if not has_spacing(planes[0]):
            source["spacing_known"] = False
        return Image(
            _assemble(arrays), affine, text(first, "Modality"), (), source, tuple(dict.fromkeys(notes))
        )


def _check_one_series(instances: list[Instance], path: str) -> None:
    series: dict[str, list[Instance]] = {}
    for instance in instances:
        with reading(instance.name):
            series.setdefault(text(instance.dataset, "SeriesInstanceUID"), []).append(instance)
    if len(series) > 1:
        listed = "; ".join(
            f"{uid or 'no UID'} ({text(s[0].dataset, 'Modality')} {text(s[0].dataset, 'SeriesDescription')}, "
            f"{len(s)} files, first {s[0].name})"
            for uid, s in series.items()
        )
        raise InputError(f"{path or 'data sets'}: holds {len(series)} series, expected one: {listed}")


def _drop_doubles(planes: list[Plane]) -> tuple[list[Plane], tuple[str, ...]]:
    """Sorted planes without identical repetitions. Raises InputError on two images at one position."""
    kept, dropped = planes[:1], []
    for plane in planes[1:]:
        assert plane.position is not None and kept[-1].position is not None
        step = plane.position - kept[-1].position
        if abs(float(normal(planes[0]) @ step)) > SAME_POSITION:
            kept.append(plane)
        elif np.linalg.norm(step) <= SPACING_ABSOLUTE and np.array_equal(
            read_pixels(plane)[0], read_pixels(kept[-1])[0]
        ):
            dropped.append(plane.name)
        else:
            raise InputError(
                f"duplicate position: {kept[-1].name} at {np.round(kept[-1].position, 3).tolist()} and "
                f"{plane.name} at {np.round(plane.position, 3).tolist()} lie in one plane with different "
                "pixels or places; give each echo, phase, time point or tile by itself"
            )
    return kept, (f"identical duplicates dropped: {', '.join(dropped)}",) if dropped else ()


def _assemble(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """(C, rows, columns) from one plane, (C, columns, rows, slices) from several; never float64."""
    if len({a.shape for a in arrays}) > 1:
        raise InputError("the slices mix gray and colour images; give one kind")
    array = arrays[0] if len(arrays) == 1 else np.stack([np.moveaxis(a, 0, 1) for a in arrays], axis=2)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    colour = arrays[0].ndim == 3
    return np.ascontiguousarray(np.moveaxis(array, -1, 0)) if colour else array[None]
