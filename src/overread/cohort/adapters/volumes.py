"""What the imports of volumes with label maps share: dataset.json, grids, files taken over.

Two projects name their labels and channels in a dataset.json: the Medical Segmentation Decathlon (Antonelli et al.,
Nature Communications 2022;13:4128) and nnU-Net (Isensee et al., Nature Methods 2021;18:203-211).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.cohort import Case
from overread.cohort.truth.mask import read_labels
from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.grid.geometry import describe, same_grid
from overread.imaging.image import Image
from overread.imaging.read import read
from overread.parse import parse_json

SUFFIXES = (".nii.gz", ".nii")
# What dataset.json writes for a modality, and DICOM's code for it.
MODALITIES = {"ct": "CT", "pet": "PT", "pt": "PT", "us": "US"}
MR_WORDS = ("mr", "t1", "t2", "flair", "adc", "dwi", "pd")


def take_pairs(
    pairs: Mapping[str, tuple[Path, Path]], channels: Sequence[str], splits: Mapping[str, str], folder: Path
) -> tuple[list[Case], set[int]]:
    """Take pairs of image and label map over below ``folder``: the cases, and the values of all label maps.

    ``pairs`` and ``splits`` are by case, and a case is a patient; ``channels`` are those that dataset.json states.

    Raises
    ------
    InputError
        Image and label map on different grids, unequal numbers of channels, an unreadable file.
    """
    cases, values, names = [], set[int](), list[str]()
    for case, (image_path, label_path) in track(pairs.items(), "Taking over images", len(pairs)):
        image = read(image_path)
        labels, _ = labels_on_grid(label_path, [(image_path, image)])
        values |= set(np.unique(labels).tolist())
        names = names or channel_names(channels, len(image.array))
        if len(names) != len(image.array):
            raise InputError(
                f"{image_path}: has {len(image.array)} channels, others {len(names)}; expected as many"
            )
        files = store_volume(folder, case, image_path, image, names)
        mask = folder / "masks" / label_path.name
        take_over(label_path, mask)
        cases.append(Case(case, case, files, None, mask, splits[case]))
    return cases, values


def labels_on_grid(
    path: Path, images: Iterable[tuple[Path, Image]]
) -> tuple[NDArray[np.integer[Any]], NDArray[np.float64] | None]:
    """A label map as integers ``(*spatial)`` and its affine (None of a picture), checked against every image.

    Raises
    ------
    InputError
        It cannot be read as labels, or lies on another grid than one of ``images``, which are (path, image).
    """
    array, affine = read_labels(path)
    for image_path, image in images:
        same = array.shape == image.spatial and (
            affine is None or same_grid(image.spatial, image.affine, array.shape, affine)
        )
        if not same:
            own = f"shape {array.shape}" if affine is None else describe(Image(array[None], affine))
            raise InputError(
                f"{path}: lies on another grid than {image_path}: it has {own}, the image {describe(image)}; "
                "resample the label map onto the image"
            )
    return array, affine


def store_volume(folder: Path, case: str, path: Path, image: Image, names: list[str]) -> dict[str, Path]:
    """Keep a file of one channel as it is; split one of several."""
    suffix = next(s for s in SUFFIXES if path.name.lower().endswith(s))
    if len(names) == 1:
        target = folder / "images" / f"{case}{suffix}"
        take_over(path, target)
        return {names[0]: target}
    files = {name: folder / "images" / f"{case}_{name}.nii.gz" for name in names}
    for array, target in zip(image.array, files.values(), strict=True):
        write_nifti(target, array, image.affine)
    return files


def read_dataset(path: Path) -> dict[str, Any]:
    """What a dataset.json of MSD's or nnU-Net's form states: ``labels``, ``channels``, ``name`` and ``licence``.

    Raises
    ------
    InputError
        No labels, numbers with gaps, a name twice.
    """
    try:
        content = parse_json(path.read_bytes(), str(path))
        # MSD maps number to name, nnU-Net name to number.
        given = {str(k): v for k, v in content["labels"].items()}
        by_number = {int(k): str(v) for k, v in given.items()} if all(k.isdigit() for k in given) else None
        by_number = by_number or {int(v): k for k, v in given.items()}
        channels = content.get("channel_names") or content.get("modality") or {}
        parts = [str(channels[k]) for k in sorted(channels, key=int)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected 'labels' as number to name or name to number ({type(error).__name__}: {error})"
        ) from error
    if sorted(by_number) != list(range(len(by_number))) or len(by_number) < 2:
        raise InputError(
            f"{path}: labels are numbered {sorted(by_number)}, expected 0, 1, 2 ... without gaps"
        )
    names = [by_number[k].strip() for k in sorted(by_number)]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: a label name stands twice in {', '.join(names)}; give each its own")
    return {
        "labels": names,
        "channels": parts,
        "name": content.get("name"),
        "licence": content.get("licence"),
    }


def channel_names(stated: Sequence[str], count: int) -> list[str]:
    """``stated`` as names of columns; by number where they are not ``count`` different ones."""
    if count == 1:
        return ["image"]
    given = ["".join(c if c.isalnum() else "_" for c in n) for n in stated]
    if len(given) == count == len(set(given)):
        return given
    return [f"channel{k}" for k in range(count)]


def modalities(channels: Sequence[str]) -> list[str]:
    """DICOM's codes for the modalities that a dataset.json writes."""
    words = [c.lower() for c in channels]
    found = {MODALITIES.get(w) or ("MR" if w.startswith(MR_WORDS) else None) for w in words}
    return sorted(m for m in found if m)
