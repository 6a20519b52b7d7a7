"""How much memory an answer may take: foretold from the image and the package, and held down by cutting the stream.

What is held is the prepared image, one slab of sums, a slab on the image's own grid, the label map and the network's
own activations. The first is what it is; a bound that even the rest cannot keep is refused before any work is done.
"""

from __future__ import annotations

import re
from math import prod

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.manifest import Manifest
from overread.runtime.preprocess import named, oriented_grid, target_size
from overread.runtime.stream import best_axis
from overread.runtime.tasks.segmenting import channels

GIB = 1 << 30
UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": GIB, "kB": 10**3, "MB": 10**6, "GB": 10**9}
LIBRARIES = 300 << 20
"""Of the interpreter and what it imports, measured."""
ACTIVATIONS = 600
"""Bytes that a network holds for each voxel of a window: measured of the planned U-Net of 16 channels, in both
engines, and doubled."""


OF_A_WINDOW = 24
"""Bytes for each of its probabilities, while they are made and added."""


def bytes_of(text: str) -> int:
    """``4GiB``, ``800 MB`` or a bare number of bytes. Raises InputError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2] not in UNITS:
        raise InputError(f"memory: found {text!r}, expected a number with {', '.join(u for u in UNITS if u)}")
    return int(float(found[1]) * UNITS[found[2]])


def foretold(image: Image, manifest: Manifest) -> int:
    """Bytes that answering ``image`` takes at its peak, with everything that is loaded."""
    spec, windows = manifest.preprocess, manifest.windows
    spatial, affine = image.spatial, image.affine
    if spec.orientation and len(spatial) == 3:
        spatial, affine = oriented_grid(spatial, affine, spec.orientation)
    spacing = tuple((affine[:3, : len(spatial)] ** 2).sum(axis=0).__pow__(0.5).tolist())
    grid = target_size(spatial, spacing, spec, where=named(image))
    size = tuple(windows.size) if windows else grid
    count = channels(manifest)
    axis = best_axis(grid, size)
    slab = (count + 1) * 4 * prod(size[axis] if a == axis else max(n, size[a]) for a, n in enumerate(grid))
    prepared = 4 * len(image.array) * prod(grid)
    # Grey values are made in float32 of the image as given, once more while they are resampled.
    making = prepared + 4 * len(image.array) * prod(spatial)
    window = (ACTIVATIONS + OF_A_WINDOW * count) * prod(size)
    answering = prepared + slab + prod(spatial) + window
    # Parts are counted, one label at a time, in numbers of 32 bits.
    counting = prepared + 6 * prod(spatial)
    return LIBRARIES + image.array.nbytes + max(making, answering, counting)


def check_memory(image: Image, manifest: Manifest, most: int | None) -> None:
    """Raise InputError where answering ``image`` would take more than ``most`` bytes, before any work is done."""
    if most is None:
        return
    needed = foretold(image, manifest)
    if needed > most:
        raise InputError(
            f"{named(image)}: answering it takes about {needed / GIB:.1f} GiB, allowed are {most / GIB:.1f}; "
            "allow more, or use a package of smaller windows or a coarser grid"
        )
