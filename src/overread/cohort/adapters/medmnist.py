"""A MedMNIST .npz file as a cohort: one picture per case, with the official splits."""

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
from overread.cohort.split import SPLITS
from overread.errors import InputError

Arrays = dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]


def import_medmnist(file: Path, out: Path) -> None:
    """Write the images of ``file`` as PNG below ``out``, with cohort.csv and task.json.

    Class names come from the published sets, recognised by the file's name; in an unknown set the classes
    are named by number. MedMNIST tells no patients: every image counts as its own.

    Raises
    ------
    InputError
        Not an .npz file, a missing array, images that are not 8-bit gray or RGB, several labels per image,
        a label beyond the set's classes, or ``out`` holds something else.
    """
    file = Path(file)
    name = next((n for n in SETS if re.match(rf"{n}(?![a-z])", file.name.lower())), None)
    arrays = _arrays(file)
    known = SETS[name] if name else None
    labels = list(known.labels) if known else _numbered(arrays)
    for split, (_, numbers) in arrays.items():
        if numbers.size and (numbers.min() < 0 or numbers.max() >= len(labels)):
            odd = int(numbers.min() if numbers.min() < 0 else numbers.max())
            raise InputError(
                f"{file}: {split}_labels holds {odd}, expected 0 to {len(labels) - 1} ({', '.join(labels)})"
            )
    with building(out, _task(file, name, known, labels)) as folder:
        cases = _write(folder, arrays, labels)
        Cohort(folder, tuple(cases)).write()
    counts = ", ".join(f"{len(images)} {split}" for split, (images, _) in arrays.items())
    Console().print(f"{out}: {counts} images of {len(labels)} classes", highlight=False)


def _arrays(file: Path) -> Arrays:
    """Images and label numbers by split, checked."""
    if not file.is_file():
        raise InputError(f"{file}: no such file; check the path")
    try:
        with np.load(file, allow_pickle=False) as content:
            wanted = [f"{s}_{kind}" for s in SPLITS for kind in ("images", "labels")]
            missing = [k for k in wanted if k not in content.files]
            if missing:
                raise InputError(
                    f"{file}: no array {missing[0]!r}; found {', '.join(content.files) or 'none'}; "
                    "expected a MedMNIST .npz file"
                )
            return {s: _checked(file, s, content[f"{s}_images"], content[f"{s}_labels"]) for s in SPLITS}
    except InputError:
        raise
    except (ValueError, OSError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        cause = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: cannot be read as .npz ({cause}); download it again") from error


def _checked(
    file: Path, split: str, images: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        what = "a 3D MedMNIST set; " if images.ndim == 4 else ""
        raise InputError(
            f"{file}: {split}_images is {what}{images.dtype} of shape {images.shape}, "
            "expected uint8 (images, rows, columns) or (images, rows, columns, 3)"
        )
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise InputError(
            f"{file}: {split}_labels has {labels.shape[1]} labels per image (multi-label); "
            "expected one class per image"
        )
    numbers = labels.reshape(-1)
    if len(numbers) != len(images):
        raise InputError(
            f"{file}: {split} has {len(images)} images and {len(numbers)} labels; expected as many of both"
        )
    if not len(images):
        raise InputError(f"{file}: {split}_images is empty; expected images in each of {', '.join(SPLITS)}")
    if numbers.dtype.kind not in "iu":
        raise InputError(f"{file}: {split}_labels is {numbers.dtype}, expected whole numbers")
    return images, numbers.astype(np.int64)


def _numbered(arrays: Arrays) -> list[str]:
    """Classes of an unknown set, by number."""
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
                path = folder / "images" / f"{case}.png"
                Pillow.fromarray(np.ascontiguousarray(pixels)).save(path, compress_level=1)
                cases.append(Case(case, case, {"image": path}, labels[int(number)], None, split))
                progress.advance(bar)
    return cases


def _task(file: Path, name: str | None, known: MedMnistSet | None, labels: list[str]) -> dict[str, Any]:
    note = "MedMNIST gives no patient identities: every image counts as its own patient"
    return {
        "task": "classification",
        "dimensions": 2,
        "labels": labels,
        "positive": known.positive if known else (labels[1] if len(labels) == 2 else None),
        "modality": list(known.modality) if known else [],
        "limits": dict(known.limits) if known else {},
        "source": {
            "name": name or file.stem,
            "licence": known.licence if known else "unknown",
            "note": f"{known.note}; {note}" if known and known.note else note,
            "import": {"name": "medmnist", "file": str(file.resolve())},
        },
    }
