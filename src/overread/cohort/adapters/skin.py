"""What the imports of skin images share: class names, one-hot tables, masks of one lesion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from overread.cohort.adapters.source import listed
from overread.errors import InputError
from overread.imaging.read import read_label_raster

# The codes of the ISIC challenges, in lower case.
NAMES: Mapping[str, str] = {
    "akiec": "actinic keratosis or intraepithelial carcinoma",
    "ak": "actinic keratosis",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis-like lesion",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "melanocytic nevus",
    "scc": "squamous cell carcinoma",
    "vasc": "vascular lesion",
}
HAM = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
LIMITS = {"body_part": ["SKIN"]}


def of_code(code: str, codes: tuple[str, ...], where: str) -> str:
    """The class of a code. Raises InputError where it is none of ``codes``."""
    if code.lower() not in codes:
        raise InputError(f"{where}: class is {code!r}, expected one of {', '.join(codes)}")
    return NAMES[code.lower()]


def one_hot(row: Mapping[str, str], codes: tuple[str, ...], where: str) -> str:
    """The class of a row that has 1 in one of the columns ``codes`` (upper case) and 0 in the others."""
    values = [row[code.upper()] for code in codes]
    ones = [code for code, value in zip(codes, values, strict=True) if value in ("1", "1.0")]
    if len(ones) != 1 or any(value not in ("0", "0.0", "1", "1.0") for value in values):
        raise InputError(
            f"{where}: {', '.join(codes).upper()} are {', '.join(values)}; expected 1 in one and 0 elsewhere"
        )
    return NAMES[ones[0]]


def years(text: str) -> str:
    """An approximate age such as ``80.0`` or nothing, as years."""
    return text.removesuffix(".0") if text.lower() not in ("nan", "na", "unknown") else ""


def binary_mask(source: Path, target: Path, size: tuple[int, int]) -> None:
    """Write a mask of 0 and 255 (or any other value) as a label map of 0 and 1.

    Raises
    ------
    InputError
        An unreadable mask, one of more than two values, or not of the image's ``size`` (width, height).
    """
    mask = read_label_raster(source)
    if mask.shape != size[::-1]:
        raise InputError(
            f"{source}: has {' x '.join(map(str, mask.shape[::-1]))} pixels, its image {size[0]} x {size[1]}; "
            "use both in the size in which they are published"
        )
    values = set(np.unique(mask).tolist())
    if len(values - {0}) > 1:
        raise InputError(
            f"{source}: holds the values {listed([str(v) for v in values])}, expected 0 and one other for the lesion"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray((mask > 0).astype(np.uint8)).save(target, compress_level=1)
