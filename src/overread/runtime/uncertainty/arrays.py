"""uncertainty.npz: what a package needs beside its networks: head weights, references of features, posteriors."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError

Arrays = Mapping[str, NDArray[Any]]
NAMES = {
    "head_weight": 2,
    "head_bias": 1,
    "heads_weight": 3,
    "heads_bias": 2,
    "laplace_features": 2,
    "laplace_outputs": 2,
    "distance_centre": 1,
    "distance_axes": 2,
    "distance_references": 2,
}
"""The arrays that are known, with the number of their axes."""
_DATE = (1980, 1, 1, 0, 0, 0)


def to_bytes(arrays: Arrays) -> bytes:
    """Equal arrays give equal bytes: a zip of .npy files, stored, with fixed dates."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            one = io.BytesIO()
            np.lib.format.write_array(one, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), one.getvalue())
    return out.getvalue()


def from_bytes(data: bytes, where: str) -> dict[str, NDArray[Any]]:
    """The arrays, in float64. Raises InputError for what is no such file, names unknown or numbers not finite."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as content:
            found = {name: np.asarray(content[name]) for name in content.files}
    except (ValueError, OSError, zipfile.BadZipFile, KeyError, EOFError) as error:
        raise InputError(f"{where}: is damaged ({error})") from error
    for name, array in found.items():
        if array.ndim != NAMES.get(name) or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise InputError(
                f"{where}: found {name} {array.shape} {array.dtype}, expected finite numbers in one of "
                f"{', '.join(NAMES)}"
            )
    return {name: array.astype(np.float64) for name, array in found.items()}
