"""Reading a patch of a volume, or a small picture, from the store and from what else keeps arrays on disk.

``python -m benchmarks.store``: medians over places, wall ms, one thread, files in the page cache. Libraries that are
not installed (``pip install blosc2 zarr h5py``) are left out.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter

from overread.learn.store.entry import pack_entry
from overread.learn.store.examples import StoredExamples
from overread.learn.store.store import Store

VOLUME, PATCH, PICTURE = (192, 192, 160), 68, (224, 224)
PLACES, PICTURES = 100, 64

Read = Callable[[tuple[slice, ...]], Any]


def main() -> None:
    """Print one row for each way."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.normal(size=VOLUME), 2) * 3000 + rng.normal(size=VOLUME) * 20
    volume = smooth.round().astype(np.int16)
    volume[:50] = -1000  # Air.
    pictures = rng.integers(0, 255, (PICTURES, *PICTURE)).astype(np.uint8)
    table = Table("way", f"patch of {PATCH}^3 of {VOLUME}, ms", "volume, MB", f"picture of {PICTURE}, ms")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in WAYS.items():
            place = Path(folder) / name.replace(" ", "-")
            place.mkdir()
            try:
                read_patch, size, read_picture = make(place, volume, pictures)
            except ImportError:
                continue
            patch = (slice(7, 7 + PATCH), slice(60, 60 + PATCH), slice(33, 33 + PATCH))
            np.testing.assert_array_equal(np.squeeze(read_patch(patch)), volume[patch])
            np.testing.assert_array_equal(np.squeeze(read_picture(5)), pictures[5])
            corners = rng.integers(0, np.array(VOLUME) - PATCH, (PLACES, 3))
            patches = [tuple(slice(int(c), int(c) + PATCH) for c in corner) for corner in corners]
            table.add_row(
                name,
                f"{median(read_patch, patches):.2f}",
                f"{size / 1e6:.1f}",
                f"{median(read_picture, list(range(PICTURES))):.3f}",
            )
    Console().print(table)


def median(read: Callable[[Any], Any], places: list[Any]) -> float:
    """Of the milliseconds that one read takes."""
    taken = []
    for place in places:
        began = time.perf_counter()
        read(place)
        taken.append(1e3 * (time.perf_counter() - began))
    return statistics.median(taken)


def bytes_in(folder: Path) -> int:
    """Of all files in a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def ours(
    folder: Path, volume: NDArray[Any], pictures: NDArray[Any]
) -> tuple[Read, int, Callable[[int], Any]]:
    """As training reads: float32 out, checksums verified."""
    store = Store(folder, limit=1 << 40)
    with store.writer() as writer:
        writer.add("volume", pack_entry({"image": volume[None].astype(np.float32)}))
    size = bytes_in(store.packs)
    keys = [f"picture{i}" for i in range(len(pictures))]
    with store.writer() as writer:
        for key, picture in zip(keys, pictures, strict=True):
            writer.add(key, pack_entry({"image": picture[None].astype(np.float32)}))
    all_keys = ["volume", *keys]
    examples = StoredExamples(store, all_keys, all_keys, store.find(all_keys), lambda i: {})
    return (
        lambda part: examples[0].image[(slice(None), *part)],
        size,
        lambda i: examples[1 + i].image[...],
    )


def blosc2(
    folder: Path, volume: NDArray[Any], pictures: NDArray[Any]
) -> tuple[Read, int, Callable[[int], Any]]:
    """A file an array, LZ4 with shuffling."""
    library = import_module("blosc2")
    library.set_nthreads(1)
    packing = {"codec": library.Codec.LZ4, "clevel": 1, "nthreads": 1}
    path = folder / "volume.b2nd"
    library.asarray(volume, urlpath=str(path), chunks=(64,) * 3, blocks=(16,) * 3, cparams=packing)
    for i, picture in enumerate(pictures):
        library.asarray(picture, urlpath=str(folder / f"{i}.b2nd"), cparams=packing)
    return (
        lambda part: library.open(str(path), mode="r")[part],
        path.stat().st_size,
        lambda i: library.open(str(folder / f"{i}.b2nd"), mode="r")[:],
    )


def zarr(
    folder: Path, volume: NDArray[Any], pictures: NDArray[Any]
) -> tuple[Read, int, Callable[[int], Any]]:
    """Chunks of 32^3 in one shard; pictures as chunks of one array."""
    library = import_module("zarr")
    kept = library.create_array(
        folder / "volume", shape=volume.shape, chunks=(32,) * 3, shards=VOLUME, dtype=volume.dtype
    )
    kept[:] = volume
    size = bytes_in(folder)
    many = library.create_array(
        folder / "many",
        shape=pictures.shape,
        chunks=(1, *PICTURE),
        shards=pictures.shape,
        dtype=pictures.dtype,
    )
    many[:] = pictures
    return (lambda part: kept[part]), size, lambda i: many[i]


def hdf5(
    folder: Path, volume: NDArray[Any], pictures: NDArray[Any]
) -> tuple[Read, int, Callable[[int], Any]]:
    """Chunks of 32^3, not packed."""
    library = import_module("h5py")
    file = library.File(folder / "volume.h5", "w")
    kept = file.create_dataset("volume", data=volume, chunks=(32,) * 3)
    file.flush()
    size = bytes_in(folder)
    many = file.create_dataset("many", data=pictures, chunks=(1, *PICTURE))
    return (lambda part: kept[part]), size, lambda i: many[i]


def npy(folder: Path, volume: NDArray[Any], pictures: NDArray[Any]) -> tuple[Read, int, Callable[[int], Any]]:
    """A .npy an array, mapped for each access, so that no page stays resident."""
    np.save(folder / "volume.npy", volume)
    size = bytes_in(folder)
    for i, picture in enumerate(pictures):
        np.save(folder / f"{i}.npy", picture)
    return (
        lambda part: np.array(np.load(folder / "volume.npy", mmap_mode="r")[part]),
        size,
        lambda i: np.array(np.load(folder / f"{i}.npy", mmap_mode="r")),
    )


WAYS: dict[str, Callable[..., tuple[Read, int, Callable[[int], Any]]]] = {
    "overread": ours,
    "blosc2": blosc2,
    "Zarr": zarr,
    "HDF5": hdf5,
    "npy, mapped": npy,
}

if __name__ == "__main__":
    main()
