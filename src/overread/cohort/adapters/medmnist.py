"""A MedMNIST .npz file as a cohort: one picture or volume per case, with the official splits."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.console import Console
from rich.progress import Progress

from overread.cohort.adapters.medmnist_sets import SETS, MedMnistSet
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.cohort.splits.parts import SPLITS
from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti

TEST_ARRAYS = {"test_images", "test_labels"}
TUNED = 8
Arrays = dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]


def import_medmnist(file: Path, out: Path) -> None:
    """Write the images of ``file`` as PNG, volumes as NIfTI, below ``out``, with cohort.csv and task.json.

    Class names come from the published sets, recognised by the file's name; in an unknown set the classes
    are named by number. Several labels per image become columns ``label_<name>``. MedMNIST tells no patients:
    every image counts as its own. A file without its test part is divided anew: its validation part is the test, and
    an eighth of its training images, drawn at random, tunes. Nor does it tell the directions of a volume's axes: they
    are written as stored, voxels of 1 mm.

    Raises
    ------
    InputError
        Not an .npz file, a missing array, images that are not 8-bit gray or RGB, other numbers of labels per
        image than the set has, a label beyond the set's classes, or ``out`` holds something else.
    """
    file = Path(file)
    name = next((n for n in SETS if re.match(rf"{n}(?![a-z])", file.name.lower())), None)
    arrays, divided = _arrays(file)
    known = SETS[name] if name else None
    labels = list(known.labels) if known else _numbered(arrays)
    _check_labels(file, known, labels, arrays)
    with building(out, _task(file, name, known, labels, arrays)) as folder:
        cases = _write(folder, arrays, labels)
        Cohort(folder, tuple(cases)).write()
    counts = ", ".join(f"{len(images)} {split}" for split, (images, _) in arrays.items())
    Console().print(f"{out}: {counts} images of {len(labels)} classes", highlight=False)
    if divided:
        Console().print(
            "The file has no test part: its validation part is the test, and some of its training images tune."
        )


def _arrays(file: Path) -> tuple[Arrays, bool]:
    """Images and label numbers by split, checked; and whether they were divided anew, for want of a test part."""
    if not file.is_file():
        raise InputError(f"{file}: no such file; check the path")
    try:
        # Opened here: numpy leaves a file open that is no archive.
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as content:
            parts = SPLITS if TEST_ARRAYS & set(content.files) else SPLITS[:2]
            wanted = [f"{s}_{kind}" for s in parts for kind in ("images", "labels")]
            missing = [k for k in wanted if k not in content.files]
            if missing:
                raise InputError(
                    f"{file}: no array {missing[0]!r}; found {', '.join(content.files) or 'none'}; "
                    "expected a MedMNIST .npz file"
                )
            found = {s: _checked(file, s, content[f"{s}_images"], content[f"{s}_labels"]) for s in parts}
            shapes = {images.shape[1:] for images, _ in found.values()}
            if len(shapes) > 1:
                raise InputError(f"{file}: holds images of different kinds, {shapes}; expected one shape")
            divided = len(parts) < len(SPLITS)
            return (_without_test(found) if divided else found), divided
    except InputError:
        raise
    except (ValueError, OSError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        cause = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: cannot be read as .npz ({cause}); download it again") from error


def _without_test(found: Arrays) -> Arrays:
    """The validation part as the test, and one training image of `TUNED`, drawn at random, to tune on."""
    images, numbers = found["train"]
    tuned = np.zeros(len(images), dtype=np.bool_)
    tuned[np.random.default_rng(0).permutation(len(images))[: max(1, len(images) // TUNED)]] = True
    return {
        "train": (images[~tuned], numbers[~tuned]),
        "val": (images[tuned], numbers[tuned]),
        "test": found["val"],
    }


def _checked(
    file: Path, split: str, images: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise InputError(
            f"{file}: {split}_images is {images.dtype} of shape {images.shape}, expected uint8 "
            "(images, rows, columns), (images, rows, columns, 3) or, of volumes, (images, i, j, k)"
        )
    numbers = labels if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1)
    if len(numbers) != len(images):
        raise InputError(
            f"{file}: {split} has {len(images)} images and {len(numbers)} labels; expected as many of both"
        )
    if not len(images):
        raise InputError(f"{file}: {split}_images is empty; expected images in each of {', '.join(SPLITS)}")
    if numbers.dtype.kind not in "iu":
        raise InputError(f"{file}: {split}_labels is {numbers.dtype}, expected whole numbers")
    return images, numbers.astype(np.int64)


def _check_labels(file: Path, known: MedMnistSet | None, labels: list[str], arrays: Arrays) -> None:
    several = _several(arrays)
    for split, (_, numbers) in arrays.items():
        count = numbers.shape[1] if numbers.ndim == 2 else 1
        wanted = len(labels) if (known.several if known else several) else 1
        if count != wanted:
            raise InputError(f"{file}: {split}_labels has {count} labels per image, expected {wanted}")
        top = 1 if several else len(labels) - 1
        if numbers.min() < 0 or numbers.max() > top:
            odd = int(numbers.min() if numbers.min() < 0 else numbers.max())
            raise InputError(f"{file}: {split}_labels holds {odd}, expected 0 to {top} ({', '.join(labels)})")


def _several(arrays: Arrays) -> bool:
    """Whether an image has any number of labels: a column each, 0 or 1."""
    return any(numbers.ndim == 2 for _, numbers in arrays.values())


def _is_volume(images: NDArray[np.uint8]) -> bool:
    return images.ndim == 4 and images.shape[3] != 3


def _numbered(arrays: Arrays) -> list[str]:
    """Classes of an unknown set, by number."""
    if _several(arrays):
        columns = max(numbers.shape[1] for _, numbers in arrays.values() if numbers.ndim == 2)
        return [f"class{k}" for k in range(columns)]
    top = max(int(numbers.max()) for _, numbers in arrays.values())
    return [f"class{k}" for k in range(max(1, top) + 1)]


def _write(folder: Path, arrays: Arrays, labels: Sequence[str]) -> list[Case]:
    (folder / "images").mkdir()
    cases = []
    with Progress() as progress:
        bar = progress.add_task("Writing images", total=sum(len(images) for images, _ in arrays.values()))
        for split, (images, numbers) in arrays.items():
            for i, (pixels, number) in enumerate(zip(images, numbers, strict=True)):
                case = f"{split}-{i:05d}"
                path = folder / "images" / f"{case}{'.nii.gz' if _is_volume(images) else '.png'}"
                if _is_volume(images):
                    write_nifti(path, pixels, np.eye(4))
                else:
                    Pillow.fromarray(np.ascontiguousarray(pixels)).save(path, compress_level=1)
                several = np.ndim(number) > 0
                label = None if several else labels[int(number)]
                findings = {n: int(v) for n, v in zip(labels, number, strict=True)} if several else {}
                cases.append(Case(case, case, {"image": path}, label, None, split, findings=findings))
                progress.advance(bar)
    return cases


def _task(
    file: Path, name: str | None, known: MedMnistSet | None, labels: list[str], arrays: Arrays
) -> dict[str, Any]:
    note = "MedMNIST gives no patient identities: every image counts as its own patient"
    volumes, several = _is_volume(arrays["train"][0]), _several(arrays)
    if volumes:
        note += "; directions of axes and size of voxels are not given: as stored, 1 mm"
    second = labels[1] if len(labels) == 2 and not several else None
    return {
        "task": "multilabel" if several else "classification",
        "dimensions": 3 if volumes else 2,
        "labels": labels,
        "positive": known.positive if known else second,
        "modality": list(known.modality) if known else [],
        "limits": dict(known.limits) if known else {},
        "source": {
            "name": name or file.stem,
            "licence": known.licence if known else "unknown",
            "note": f"{known.note}; {note}" if known and known.note else note,
            "import": {"name": "medmnist", "file": str(file.resolve())},
        },
    }
