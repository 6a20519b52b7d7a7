"""Files against the table that lists them, taken over by the thousand, and the few facts of a DICOM header."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.source import listed
from overread.cohort.case import CASE_NAME
from overread.errors import InputError
from overread.imaging.formats.raster import PILLOW_FORMATS

PICTURES = (".png", ".jpg", ".jpeg")
DICOM = (".dcm", ".dicom")
# Older than this is a slip of the pen in the published tables.
OLDEST = 120.0
UNITS = {"": 1.0, "Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.25}


def by_stem(files: Iterable[Path]) -> dict[str, Path]:
    """Files by their name without suffix. Raises InputError where two have one name."""
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found:
            raise InputError(f"{path}: {found[path.stem]} has the same name; keep one of them")
        found[path.stem] = path
    return found


def check_listed(names: Collection[str], found: Collection[str], table: Path, folder: Path) -> None:
    """Whether ``folder`` holds just the images that ``table`` lists.

    Raises
    ------
    InputError
        Some are missing, or some are there that the table does not know; says how many, which, and what to do.
    """
    missing, extra = set(names) - set(found), set(found) - set(names)
    if missing:
        raise InputError(
            f"{table}: lists {len(missing)} of {len(set(names))} images that are not below {folder}: "
            f"{listed(missing)}; unpack the rest of the download, or cut the table to what is there"
        )
    if extra:
        raise InputError(
            f"{folder}: holds {len(extra)} images that {table} does not list: {listed(extra)}; move them elsewhere"
        )


def take_all(folder: Path, sources: Mapping[str, Path], kind: str = "images") -> dict[str, Path]:
    """Put a file per case below ``folder/kind``, named after the case; gives the new paths.

    Raises
    ------
    InputError
        A file whose name cannot be that of a case.
    """
    targets = {}
    for case, source in sources.items():
        if not CASE_NAME.fullmatch(case):
            raise InputError(
                f"{source}: expected a name of letters, digits and ._-; give it the published name"
            )
    for case, source in track(sources.items(), f"Taking over {kind}", len(sources)):
        targets[case] = folder / kind / f"{case}{source.suffix.lower()}"
        take_over(source, targets[case])
    return targets


def age_of(text: str) -> dict[str, str]:
    """``age`` in years of what a table states, such as ``058Y``, ``57``, ``57.0`` or ``011M``.

    What cannot be an age (``414Y``) leaves ``age`` empty; ``age_as_written`` then keeps it, and is empty elsewhere.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([YMWD]?)", text.strip().upper())
    years = float(found[1]) / UNITS[found[2]] if found else OLDEST + 1
    if years > OLDEST:
        return {"age": "", "age_as_written": text.strip()}
    return {"age": f"{round(years, 2):g}", "age_as_written": ""}


def inside(corners: Sequence[float], size: tuple[int, int], where: str) -> list[float]:
    """The corners of a box that lies in an image of ``size`` (width, height), cut off at its edge.

    Raises
    ------
    InputError
        More than a pixel of it lies outside: the boxes belong to images of another size.
    """
    limits = [*size, *size]
    if any(v < -1 or v > most + 1 for v, most in zip(corners, limits, strict=True)):
        shown = ", ".join(f"{v:g}" for v in corners)
        raise InputError(
            f"{where}: box [{shown}] leaves the image of {size[0]} x {size[1]} pixels; "
            "use the images in the size in which they are published"
        )
    return [min(max(v, 0.0), float(most)) for v, most in zip(corners, limits, strict=True)]


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of a PNG or JPEG from its header. Raises InputError where it has none."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(path, formats=PILLOW_FORMATS) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be read as a picture ({error}); download it again") from error


def header_of(path: Path, tags: Sequence[str]) -> dict[str, str]:
    """Attributes of a DICOM file by keyword as text, empty where not there; pixels are not read.

    Raises
    ------
    InputError
        Not a DICOM file, or a damaged one.
    """
    from overread.imaging.dicom.files import open_dataset, reading
    from overread.imaging.dicom.values import text

    # Ages such as 51 instead of 051Y, of which pydicom would warn for every file, are read by `age_of`.
    with reading(str(path)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = open_dataset(path, str(path), stop_before_pixels=True, specific_tags=list(tags))
        return {tag: text(header, tag) for tag in tags}
