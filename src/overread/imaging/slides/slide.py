"""Whole slides: pyramids of pixels too large to hold at once, read region by region.

Places are (x, y), sizes (width, height), as in OpenSlide: x and y count pixels of the finest level from the upper
left corner, whatever level is read. Resolution is asked for by level or in microns per pixel (mpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from overread.errors import InputError
from overread.imaging.formats.raster import AFFINE
from overread.imaging.image import Image
from overread.imaging.slides.sources import Source, open_source

IDENTIFYING = ("label", "macro")
"""Associated pictures that show the slide's label, and with it names and numbers."""
MOST_PIXELS = 1 << 26
"""Of one region: 64 megapixels."""
BLOCK = 2048
"""Side of the parts in which an overview is put together, in pixels of the level that is read."""
SAME = 1e-3
"""Resolutions that differ by less than this share need no resampling."""


@dataclass(frozen=True)
class Level:
    """``size`` (width, height) in pixels, ``downsample`` against the finest level, ``mpp`` (x, y) if stated."""

    size: tuple[int, int]
    downsample: float
    mpp: tuple[float, float] | None


class Slide:
    """An open slide. Use it in a ``with`` block, or `close` it.

    Attributes: ``path``, ``vendor``, ``levels`` (finest first), ``mpp`` (microns per pixel x, y of the finest level,
    or None), ``notes``. Scanner metadata, which may name the patient, is not exposed.
    """

    def __init__(self, path: Path, source: Source) -> None:
        self.path, self._source = path, source
        self.vendor, self.mpp, self.notes = source.vendor, source.mpp, source.notes
        width = source.sizes[0][0]
        self.levels: tuple[Level, ...] = tuple(
            Level(size, width / size[0], _times(self.mpp, width / size[0])) for size in source.sizes
        )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the finest level in pixels."""
        return self.levels[0].size

    @property
    def associated_names(self) -> tuple[str, ...]:
        """Names of the pictures beside the pyramid, such as ``label``, ``macro`` and ``thumbnail``."""
        return self._source.associated

    def associated(self, name: str, *, allow_label: bool = False) -> NDArray[Any]:
        """A picture beside the pyramid, ``(rows, columns, 3)``.

        Raises
        ------
        InputError
            No such picture; or one that shows the slide's label, unless ``allow_label`` is True.
        """
        if name not in self.associated_names:
            raise InputError(
                f"{self.path}: has no picture {name!r}; it has {', '.join(self.associated_names) or 'none'}"
            )
        if any(part in name.lower() for part in IDENTIFYING) and not allow_label:
            raise InputError(
                f"{self.path}: the picture {name!r} may show names and numbers of the patient; "
                "pass allow_label=True where that is permitted"
            )
        return self._source.picture(name)

    def read_region(
        self,
        location: Sequence[int],
        size: Sequence[int],
        *,
        level: int | None = None,
        mpp: float | None = None,
    ) -> Image:
        """``size`` (width, height) pixels from ``location`` (x, y of the finest level), at a level or at ``mpp``.

        Gives ``(3, rows, columns)`` uint8 RGB, or ``(1, rows, columns)`` for slides in gray. At an mpp between two
        levels the finer one is read and averaged down (Pillow's bilinear filter, whose support grows with the
        reduction). What lies beyond the slide has the colour of its background. The affine is in mm of the slide,
        columns to the left and rows to posterior as for other pictures; it says nothing about the patient.

        Raises
        ------
        InputError
            An mpp of a slide that states none, more than 64 megapixels, a damaged part of the file.
        ValueError
            Neither or both of level and mpp, a level that there is not, sizes below 1.
        """
        width, height = int(size[0]), int(size[1])
        if min(width, height) < 1 or (level is None) == (mpp is None):
            raise ValueError(
                f"read_region: found size {tuple(size)}, level {level}, mpp {mpp}; give one of the two"
            )
        if width * height > MOST_PIXELS:
            raise InputError(
                f"{self.path}: {width} x {height} pixels are too many at once; read them by tiles"
            )
        scale = self.scale(level=level, mpp=mpp)
        if level is None:
            level = self.level_for(scale)
        array = self._scaled(level, location, (width, height), scale)
        return self._image(array, location, scale, level)

    def scale(self, *, level: int | None = None, mpp: float | None = None) -> tuple[float, float]:
        """Pixels (x, y) of the finest level that make up one pixel of a level or of an mpp; errors: `read_region`."""
        if level is not None:
            if not 0 <= level < len(self.levels):
                raise ValueError(f"level: found {level}, expected 0 to {len(self.levels) - 1}")
            (w, h), (full_w, full_h) = self.levels[level].size, self.size
            return full_w / w, full_h / h
        if mpp is None or not mpp > 0:
            raise ValueError(f"mpp: found {mpp}, expected microns per pixel above 0")
        if self.mpp is None:
            raise InputError(f"{self.path}: states no microns per pixel; ask for a level instead")
        return mpp / self.mpp[0], mpp / self.mpp[1]

    def level_for(self, scale: tuple[float, float]) -> int:
        """The coarsest level that is not coarser than ``scale``; 0 where that is finer than the slide itself."""
        fits = [k for k, level in enumerate(self.levels) if level.downsample <= min(scale) * (1 + SAME)]
        return max(fits, key=lambda k: self.levels[k].downsample, default=0)

    def overview(self, most: int = 1024) -> Image:
        """The whole slide with at most ``most`` pixels a side, put together in bounded memory."""
        if most < 1:
            raise ValueError(f"most: found {most}, expected 1 or more")
        side = max(self.size)
        factor = max(1.0, side / most)
        scale = (factor, factor)
        level = self.level_for(scale)
        width, height = (max(1, int(n / factor)) for n in self.size)
        part = max(1, int(BLOCK * self.levels[level].downsample / factor))
        rows = []
        for top in range(0, height, part):
            row = []
            for left in range(0, width, part):
                place = (left * factor, top * factor)
                size = (min(part, width - left), min(part, height - top))
                row.append(self._scaled(level, place, size, scale))
            rows.append(np.concatenate(row, axis=1))
        return self._image(np.concatenate(rows), (0, 0), scale, level)

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def __enter__(self) -> Slide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _scaled(
        self, level: int, location: Sequence[float], size: tuple[int, int], scale: tuple[float, float]
    ) -> NDArray[Any]:
        """``(rows, columns, samples)``: ``size`` pixels of ``scale``, from one level."""
        full, own = self.size, self.levels[level].size
        down = [full[k] / own[k] for k in (0, 1)]
        start = [location[k] / down[k] for k in (0, 1)]
        extent = [size[k] * scale[k] / down[k] for k in (0, 1)]
        if all(abs(e / n - 1) < SAME for e, n in zip(extent, size, strict=True)):
            return self._source.pixels(level, round(start[0]), round(start[1]), size[0], size[1])
        corner = [int(np.floor(s)) for s in start]
        end = [int(np.ceil(s + e)) for s, e in zip(start, extent, strict=True)]
        if (end[0] - corner[0]) * (end[1] - corner[1]) > MOST_PIXELS:
            raise InputError(
                f"{self.path}: {size[0]} x {size[1]} pixels of {scale[0]:g} of its own are too many at once; "
                "read smaller tiles, or use overview"
            )
        array = self._source.pixels(level, corner[0], corner[1], end[0] - corner[0], end[1] - corner[1])
        box = (
            start[0] - corner[0],
            start[1] - corner[1],
            start[0] - corner[0] + extent[0],
            start[1] - corner[1] + extent[1],
        )
        return _shrink(array, size, box)

    def _image(
        self, array: NDArray[Any], location: Sequence[int], scale: tuple[float, float], level: int
    ) -> Image:
        affine = AFFINE.copy()
        mm = (1.0, 1.0) if self.mpp is None else (self.mpp[0] / 1000, self.mpp[1] / 1000)
        # Index (row, column): rows go with y, columns with x; the finest level's first pixel centre is 0.
        across, down = (s * m for s, m in zip(scale, mm, strict=True))
        affine[:, 0] *= down
        affine[:, 1] *= across
        affine[0, 3] = -(location[0] + (scale[0] - 1) / 2) * mm[0]
        affine[1, 3] = -(location[1] + (scale[1] - 1) / 2) * mm[1]
        source: dict[str, Any] = {
            "path": str(self.path),
            "level": level,
            "location": (int(location[0]), int(location[1])),
            "mpp": _times(self.mpp, scale[0]),
        }
        notes = self.notes
        if self.mpp is None:
            source["spacing_known"] = False
            notes += ("the slide states no microns per pixel: 1 mm was assumed, distances are in its pixels",)
        channels = np.ascontiguousarray(np.moveaxis(array, -1, 0))
        names = ("red", "green", "blue") if len(channels) == 3 else ("gray",)
        return Image(channels, affine, "SM", names, source, notes)


def read_slide(path: Path | str) -> Slide:
    """Open a slide: what OpenSlide reads (SVS, NDPI, MRXS, SCN, BIF, tiled TIFF ...) and DICOM whole slides.

    Of a DICOM slide give any VOLUME file; the other levels of its series are found in the same folder. DICOM
    needs no OpenSlide. Raises InputError on a missing, damaged or unknown file, or where OpenSlide is not installed.
    """
    path = Path(path)
    return Slide(path, open_source(path))


def _times(mpp: tuple[float, float] | None, factor: float) -> tuple[float, float] | None:
    return None if mpp is None else (mpp[0] * factor, mpp[1] * factor)


def _shrink(
    array: NDArray[Any], size: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[Any]:
    how = Pillow.Resampling.BILINEAR
    if array.dtype == np.uint8:
        picture = Pillow.fromarray(array if array.shape[2] == 3 else array[..., 0])
        return np.asarray(picture.resize(size, how, box)).reshape(size[1], size[0], -1)
    # Pillow filters 16 bit only as real numbers.
    planes = [
        np.asarray(Pillow.fromarray(plane.astype(np.float32)).resize(size, how, box))
        for plane in np.moveaxis(array, -1, 0)
    ]
    return np.rint(np.stack(planes, axis=-1)).astype(array.dtype)
