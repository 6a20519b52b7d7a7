"""The pixels of a case: every channel read and stacked on one grid."""

from __future__ import annotations

from overread.cohort.case import Case
from overread.errors import InputError
from overread.imaging.grid.geometry import stack
from overread.imaging.image import Image
from overread.imaging.read import read


def load_case(case: Case) -> Image:
    """Read the images of a case as one `Image`.

    With one file per channel, channels follow the table's columns and bear their names. A case of one file
    keeps that file's own channels (an RGB picture has three).

    Raises
    ------
    InputError
        An unreadable file, channels on different grids, or several files of which one has several channels;
        the case is named.
    """
    try:
        images = [read(path) for path in case.images.values()]
        if len(images) == 1 and len(images[0].array) > 1:
            return images[0]
        return stack(images, list(case.images))
    except InputError as error:
        raise InputError(f"case {case.case}: {error}") from error
