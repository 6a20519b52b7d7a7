"""DICOM: one series, as files or data sets, to one Image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset, FileDataset

from overread.errors import InputError
from overread.imaging.dicom.build import build
from overread.imaging.dicom.files import find_files, load, load_zip, open_dataset, reading
from overread.imaging.dicom.instance import Instance
from overread.imaging.dicom.patients import check_one_patient
from overread.imaging.dicom.planes import planes_of
from overread.imaging.dicom.seg import is_segmentation, read_segmentation
from overread.imaging.dicom.stacks import groups_of, without_localizers
from overread.imaging.dicom.values import text
from overread.imaging.image import Image

MOST_LISTED = 3
"""Series that a message names one by one."""


def read_series(files: Sequence[Path] | Path, *, exact: bool = False) -> Image:
    """Read one series: a folder, one file, a zip, or a list of files.

    One plane gives ``(1 or 3, rows, columns)`` with an affine for (row, column); several give
    ``(1 or 3, columns, rows, slices)`` with an affine for (column, row, slice), slices sorted along
    their normal. Values are modality values (PS3.3 C.11.1) in MONOCHROME2 sense, RGB, or Gy for RT Dose.
    Volumes on the same slices (echoes, b-values, time points) become channels. Frames without a place
    (cine) give ``(1 or 3, columns, rows, frames)``, and ``source["last_axis"]`` is ``"time"`` or ``"frame"``.
    A segmentation gives its label map, or one channel per segment where segments overlap.

    What was corrected is in ``notes``: gantry tilt (sheared affine, voxels as acquired), uneven distances
    (resampled along the slices), identical duplicates, localizers among the slices, unused bits. With
    ``exact`` every slice of the image is one plane as acquired, and whatever cannot be that is refused.

    Raises
    ------
    InputError
        Unreadable file; several series; several patients (`PatientDiffersError`); no or truncated pixel data; mixed
        sizes or orientations; different images at one position that nothing tells apart; missing slices; slices off
        a common line.
    """
    instances, path, notes = _gather(files)
    return _image(instances, path, notes, exact)


def read_all(files: Sequence[Path] | Path) -> list[Image]:
    """Read every image of a folder, a zip or a list of files, by Series Instance UID.

    Each series gives one image for each stack of slices of one size and orientation, and one for each image
    without a place in the patient. Objects without pixels (reports, plans, structure sets) are passed over.
    Raises InputError as `read_series` does, or where nothing is an image.
    """
    instances, path, notes = _gather(files)
    images = []
    for series in _by_series(instances).values():
        with reading(path or series[0].name), np.errstate(over="ignore", invalid="ignore"):
            seen = notes + _one_patient(series, path)
            masks = [i for i in series if is_segmentation(i.dataset)]
            images += [read_segmentation(i, i.name, seen) for i in masks]
            pictures = [i for i in series if (i.place or "Rows" in i.dataset) and i not in masks]
            for group in groups_of(planes_of(pictures)):
                images.append(build(group, group[0].dataset, path or group[0].name, seen, False))
    if not images:
        raise InputError(f"{path}: no images, only objects without pixels")
    return images


def _gather(files: Sequence[Path] | Path) -> tuple[list[Instance], str, tuple[str, ...]]:
    if isinstance(files, Path):
        if files.is_dir():
            found, other = find_files(files)
            note = (f"{len(other)} files in the folder are not DICOM and were passed over",) if other else ()
            return load(found), str(files), note
        if files.suffix.lower() == ".zip":
            return load_zip(files), str(files), ()
        return load([files]), str(files), ()
    paths = [Path(f) for f in files]
    if not paths:
        raise InputError("no DICOM file was given; expected the files of one series")
    return load(paths), str(paths[0] if len(paths) == 1 else paths[0].parent), ()


def read_datasets(datasets: Sequence[Dataset], *, exact: bool = False) -> Image:
    """Read one series that is in memory already. See `read_series` for result and errors."""
    if not datasets:
        raise InputError("no DICOM data set was given; expected those of one series")
    instances = []
    for n, dataset in enumerate(datasets):
        with reading(f"data set {n + 1}"):
            filename = getattr(dataset, "filename", None)
            name = filename if isinstance(filename, (str, Path)) else text(dataset, "SOPInstanceUID")
            instances.append(Instance(str(name or f"data set {n + 1}"), dataset))
    return _image(instances, instances[0].name if len(instances) == 1 else "", (), exact)


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


def _image(instances: list[Instance], path: str, notes: tuple[str, ...], exact: bool) -> Image:
    # Damaged numbers may overflow; what comes of it is refused.
    with reading(path or instances[0].name), np.errstate(over="ignore", invalid="ignore"):
        _check_one_series(instances, path)
        notes += _one_patient(instances, path)
        if len(instances) == 1 and is_segmentation(instances[0].dataset):
            return read_segmentation(instances[0], path, notes)
        if other := next((i for i in instances if is_segmentation(i.dataset)), None):
            raise InputError(
                f"{other.name}: is a segmentation, one of {len(instances)} files; give it by itself"
            )
        planes = planes_of(instances)
        planes, dropped = without_localizers(planes)
        return build(planes, instances[0].dataset, path, notes + dropped, exact)


def _by_series(instances: Sequence[Instance]) -> dict[str, list[Instance]]:
    series: dict[str, list[Instance]] = {}
    for instance in instances:
        with reading(instance.name):
            series.setdefault(text(instance.dataset, "SeriesInstanceUID"), []).append(instance)
    return series


def _one_patient(series: Sequence[Instance], path: str) -> tuple[str, ...]:
    where = (
        f"{path or series[0].name}: series {text(series[0].dataset, 'SeriesInstanceUID') or 'without UID'}"
    )
    return check_one_patient([i.dataset for i in series], where)


def _check_one_series(instances: list[Instance], path: str) -> None:
    series = _by_series(instances)
    if len(series) < 2:
        return
    listed = [
        f"{uid or 'no UID'} ({' '.join(w for w in _words(s[0].dataset) if w)}, {len(s)} files, first {s[0].name})"
        for uid, s in list(series.items())[:MOST_LISTED]
    ]
    more = f"; and {len(series) - MOST_LISTED} more" if len(series) > MOST_LISTED else ""
    raise InputError(
        f"{path or 'data sets'}: holds {len(series)} series, expected one; give the files of one, or take each "
        f"with overread.imaging.read_all: {'; '.join(listed)}{more}"
    )


def _words(dataset: Dataset) -> tuple[str, str]:
    return text(dataset, "Modality"), text(dataset, "SeriesDescription")
