"""Radiomics features of the structures of masks, as a table: of one image and mask, or of a cohort's cases."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.cohort.truth.unknown import UNKNOWN
from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.read import read
from overread.stats.radiomics import radiomics

TABLE = "cohort.csv"


def radiomics_command(
    paths: Sequence[Path], out: Path, *, bin_width: float | None = None, bins: int | None = None
) -> int:
    """Write ``out`` (CSV): a row for each channel and value of each mask, a column for each feature; how many rows.

    ``paths``: an image and its mask, or one folder with a cohort.csv, of which every case with a mask is taken.
    ``bin_width`` and ``bins`` as of `overread.stats.radiomics.features.radiomics`.

    Raises InputError for other paths, for images that cannot be read or do not share a grid with their mask, for cases
    without any mask, and for bins that are no width or number.
    """
    if (
        (bin_width is not None and bins is not None)
        or (bin_width or 1) <= 0
        or (1 if bins is None else bins) < 1
    ):
        raise InputError(
            f"--bin-width {bin_width}, --bins {bins}: expected one of them, a width above 0 or a number from 1 on"
        )
    rows: list[dict[str, float | str]] = []
    for case, image, mask in _cases(paths):
        try:
            rows += feature_rows(case, image, mask, bin_width=bin_width, bins=bins)
        except ValueError as error:
            raise InputError(f"case {case.case}: {error}") from error
    if not rows:
        raise InputError(f"{paths[0]}: no mask holds a structure; expected values from 1 on")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with out.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def feature_rows(
    case: Case,
    image: Image,
    mask: NDArray[np.integer],
    *,
    bin_width: float | None = None,
    bins: int | None = None,
) -> Iterator[dict[str, float | str]]:
    """Of each channel of ``image`` and each value of ``mask (*spatial)`` but 0, its features.

    255 means that nobody knows what is there, but where it is the only value: then it is the structure of a picture of
    black and white. Raises ValueError as `radiomics`.
    """
    values = [int(value) for value in np.unique(mask) if value]
    if len(values) > 1:
        values = [value for value in values if value != UNKNOWN]
    for k, name in enumerate(image.channels):
        for value in values:
            inside = np.asarray(mask == value)
            row: dict[str, float | str] = {
                "case": case.case,
                "patient": case.patient,
                "channel": name,
                "label": value,
                "voxels": int(inside.sum()),
            }
            grey = image.array[k]
            row.update(radiomics(grey, inside, spacing=image.spacing, bin_width=bin_width, bins=bins))
            yield row


def _cases(paths: Sequence[Path]) -> Iterator[tuple[Case, Image, NDArray[np.integer]]]:
    """Every case with its image and mask."""
    if len(paths) == 2:
        case = Case(paths[0].name, "", {"image": paths[0]}, mask=paths[1])
        image = read(paths[0])
        yield case, image, read_mask(case, image)
        return
    if len(paths) != 1 or not (paths[0] / TABLE).is_file():
        found = " ".join(map(str, paths)) or "nothing"
        raise InputError(f"found {found}, expected an image and its mask, or a folder with a {TABLE}")
    cases = [case for case in Cohort.read(paths[0]) if case.mask is not None]
    if not cases:
        raise InputError(f"{paths[0] / TABLE}: no case has a mask (column mask)")
    for case in cases:
        image = load_case(case)
        yield case, image, read_mask(case, image)
