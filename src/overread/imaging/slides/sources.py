"""Where a whole slide's pixels come from: OpenSlide, or a DICOM series that OpenSlide does not take."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError

WSM = "1.2.840.10008.5.1.4.1.1.77.1.6"
"""VL Whole Slide Microscopy Image Storage (PS3.4 B.5)."""
FRAMES_KEPT = 64
LARGEST_MPP = 20.0
"""Microns per pixel of the finest level of a scan: an objective of 1x has 10. More is the resolution of a print, such
as 72, 96 or 300 dots per inch, which programs write where nobody measured."""
FORMATS_EXTRA = "pip install 'overread[formats]'"


class Source(Protocol):
    """Levels of a slide, finest first; ``mpp`` is microns per pixel (x, y) of the finest, if stated."""

    vendor: str
    sizes: list[tuple[int, int]]
    mpp: tuple[float, float] | None
    notes: tuple[str, ...]
    associated: tuple[str, ...]

    def pixels(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """``(height, width, 3 or 1)`` from the level's own pixel (x, y); outside is background."""

    def picture(self, name: str) -> NDArray[Any]:
        """An associated picture, RGB."""

    def close(self) -> None:
        """Let go of the file."""


def open_source(path: Path) -> Source:
    """The source that can read ``path``. Raises InputError where none can."""
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    dicom = _is_dicom(path)
    try:
        import openslide
    except (ImportError, OSError) as error:
        if dicom:
            return DicomSource(path)
        raise InputError(f"{path}: whole slides need OpenSlide; {FORMATS_EXTRA}") from error
    try:
        return OpenSlideSource(path, openslide.OpenSlide(path))
    except openslide.OpenSlideError as error:
        if dicom:
            return DicomSource(path)
        raise InputError(
            f"{path}: cannot be read as a whole slide ({' '.join(str(error).split())[:300]})"
        ) from error


def _is_dicom(path: Path) -> bool:
    if not path.is_file():
        raise InputError(f"{path}: is a folder; give one file of the slide, the others are found beside it")
    with path.open("rb") as f:
        return f.read(132)[128:] == b"DICM"


class OpenSlideSource:
    """A slide by way of OpenSlide (Goode 2013, doi 10.4103/2153-3539.119005)."""

    def __init__(self, path: Path, slide: Any) -> None:
        self._path, self._slide = path, slide
        about = slide.properties
        self.vendor = str(about.get("openslide.vendor", ""))
        self.sizes = [(int(w), int(h)) for w, h in slide.level_dimensions]
        stated = [_number(about.get(f"openslide.mpp-{axis}")) for axis in "xy"]
        self.mpp = (stated[0], stated[1]) if stated[0] and stated[1] else None
        self.notes: tuple[str, ...] = ()
        if self.mpp is not None and max(self.mpp) > LARGEST_MPP:
            self.notes = (
                f"the file states {max(self.mpp):.4g} microns per pixel, which no microscope has; it was not used",
            )
            self.mpp = None
        self.associated = tuple(sorted(slide.associated_images))
        # Scanners state the colour of empty glass; white where they do not.
        color = str(about.get("openslide.background-color", "ffffff"))
        self._background = np.array([int(color[k : k + 2], 16) for k in (0, 2, 4)], np.float32)

    def pixels(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """See `Source.pixels`. Raises InputError on a damaged part of the file."""
        import openslide

        across, down = (self.sizes[0][k] / self.sizes[level][k] for k in (0, 1))
        try:
            region = self._slide.read_region((round(x * across), round(y * down)), level, (width, height))
        except openslide.OpenSlideError as error:
            raise InputError(
                f"{self._path}: level {level} at {x}, {y} cannot be read ({error}); the file may be damaged"
            ) from error
        return self._on_background(np.asarray(region))

    def picture(self, name: str) -> NDArray[Any]:
        """See `Source.picture`."""
        return self._on_background(np.asarray(self._slide.associated_images[name].convert("RGBA")))

    def _on_background(self, rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
        alpha = rgba[..., 3:]
        if (alpha == 255).all():
            return rgba[..., :3]
        share = alpha.astype(np.float32) / 255
        mixed = rgba[..., :3] * share + self._background * (1 - share)
        return np.rint(mixed).astype(np.uint8)

    def close(self) -> None:
        """See `Source.close`."""
        self._slide.close()


class DicomSource:
    """A DICOM whole slide frame by frame through pydicom: also 16 bit gray, and JPEG-LS and other syntaxes.

    The first optical path and focal plane are shown, with a note where there are more. The levels are the VOLUME
    images of the same series that lie in the same folder (PS3.3 C.8.12.4).
    """

    associated: tuple[str, ...] = ()
    vendor = "dicom"

    def __init__(self, path: Path) -> None:
        self._levels = _levels(path)
        finest = self._levels[0]
        self.sizes = [level.size for level in self._levels]
        self.mpp = finest.mpp
        self.notes = finest.notes
        self._frames: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()

    def pixels(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """See `Source.pixels`. Raises InputError on a frame that cannot be decoded."""
        of = self._levels[level]
        out = np.full((height, width, of.samples), of.background, of.dtype)
        # The total pixel matrix may end within its last tiles.
        right, bottom = min(x + width, of.size[0]), min(y + height, of.size[1])
        for index, left, top in of.tiles(x, y, right, bottom):
            frame = self._frame(level, index)
            x0, y0 = max(x, left), max(y, top)
            x1, y1 = min(right, left + of.tile[0]), min(bottom, top + of.tile[1])
            out[y0 - y : y1 - y, x0 - x : x1 - x] = frame[y0 - top : y1 - top, x0 - left : x1 - left]
        return out

    def picture(self, name: str) -> NDArray[Any]:
        """There is none. Raises InputError."""
        raise InputError(f"{self._levels[0].path}: {name}: associated pictures are read through OpenSlide")

    def close(self) -> None:
        """See `Source.close`."""
        self._frames.clear()

    def _frame(self, level: int, index: int) -> NDArray[Any]:
        if (level, index) in self._frames:
            self._frames.move_to_end((level, index))
            return self._frames[level, index]
        frame = self._levels[level].frame(index)
        self._frames[level, index] = frame
        if len(self._frames) > FRAMES_KEPT:
            self._frames.popitem(last=False)
        return frame


class _Level:
    """One VOLUME image of a DICOM slide."""

    def __init__(self, path: Path, dataset: Any) -> None:
        self.path = path
        self.size = (int(dataset.TotalPixelMatrixColumns), int(dataset.TotalPixelMatrixRows))
        self.tile = (int(dataset.Columns), int(dataset.Rows))
        self.samples = int(dataset.SamplesPerPixel)
        kind = str(dataset.PhotometricInterpretation)
        bits = int(dataset.BitsAllocated)
        if min(*self.size, *self.tile) < 1 or bits not in (8, 16) or self.samples not in (1, 3):
            raise InputError(
                f"{path}: whole slide of {self.size} pixels in tiles of {self.tile}, {self.samples} samples of {bits} "
                "bits; expected 1 or 3 samples of 8 or 16 bits"
            )
        if kind == "MONOCHROME1":
            raise InputError(f"{path}: whole slide in MONOCHROME1, expected MONOCHROME2 or a colour")
        self.dtype: np.dtype[Any] = np.dtype(f"u{bits // 8}")
        self.background = 2**bits - 1 if self.samples == 3 else 0
        shared = dataset.get("SharedFunctionalGroupsSequence") or [{}]
        measures = shared[0].get("PixelMeasuresSequence")
        self.mpp: tuple[float, float] | None = None
        if measures and measures[0].get("PixelSpacing") is not None:
            down, across = (float(v) * 1000 for v in measures[0].PixelSpacing)
            self.mpp = (across, down) if across > 0 and down > 0 else None
        self._across = -(-self.size[0] // self.tile[0])
        self._count = int(dataset.NumberOfFrames)
        self._sparse = (
            None if dataset.get("DimensionOrganizationType") == "TILED_FULL" else _positions(dataset)
        )
        grid = self._across * -(-self.size[1] // self.tile[1])
        self.notes: tuple[str, ...] = ()
        if self._sparse is None and self._count < grid:
            raise InputError(f"{path}: is truncated: {self._count} frames, expected {grid} tiles")
        more = int(dataset.get("TotalPixelMatrixFocalPlanes") or 1) * int(
            dataset.get("NumberOfOpticalPaths") or 1
        )
        if more > 1:
            self.notes = ("several focal planes or optical paths; the first was taken",)

    def tiles(self, x: int, y: int, right: int, bottom: int) -> list[tuple[int, int, int]]:
        """(frame, left, top) of the tiles that touch a region."""
        width, height = self.tile
        if right <= max(x, 0) or bottom <= max(y, 0):
            return []
        if self._sparse is not None:
            left, top = self._sparse[:, 0], self._sparse[:, 1]
            touch = (left < right) & (left + width > x) & (top < bottom) & (top + height > y)
            return [(int(k), int(left[k]), int(top[k])) for k in np.flatnonzero(touch)[::-1]]
        return [
            (row * self._across + column, column * width, row * height)
            for row in range(max(y, 0) // height, (bottom - 1) // height + 1)
            for column in range(max(x, 0) // width, (right - 1) // width + 1)
        ]

    def frame(self, index: int) -> NDArray[Any]:
        """``(rows, columns, samples)`` of one tile, RGB."""
        from pydicom.pixels import pixel_array

        try:
            array = pixel_array(self.path, index=index)
        except Exception as error:
            cause = " ".join(str(error).split())[:300]
            raise InputError(
                f"{self.path}: frame {index + 1} cannot be decoded ({type(error).__name__}: {cause}); "
                "the file may be damaged"
            ) from error
        return np.asarray(array).reshape(self.tile[1], self.tile[0], self.samples)


def _positions(dataset: Any) -> NDArray[np.int64]:
    """(frames, 2): left and top of each tile, counted from 0."""
    places = []
    for group in dataset.get("PerFrameFunctionalGroupsSequence") or []:
        place = group.PlanePositionSlideSequence[0]
        places.append(
            (
                int(place.ColumnPositionInTotalImagePixelMatrix) - 1,
                int(place.RowPositionInTotalImagePixelMatrix) - 1,
            )
        )
    if len(places) != int(dataset.NumberOfFrames):
        raise InputError(f"whole slide: {len(places)} tile positions for {dataset.NumberOfFrames} frames")
    return np.array(places, dtype=np.int64).reshape(-1, 2)


def _levels(path: Path) -> list[_Level]:
    """The level at ``path`` and its fellows in the folder, finest first."""
    from overread.imaging.dicom.files import open_dataset

    def head(file: Path) -> Any:
        return open_dataset(file, str(file), stop_before_pixels=True)

    try:
        first = head(path)
        if first.get("SOPClassUID") != WSM:
            raise InputError(f"{path}: is no whole slide (SOP class {first.get('SOPClassUID')}); use read")
        series, levels = first.get("SeriesInstanceUID"), [_Level(path, first)]
        for file in sorted(path.parent.iterdir()):
            if file == path or not file.is_file() or not _is_dicom(file):
                continue
            tags = open_dataset(
                file,
                str(file),
                stop_before_pixels=True,
                specific_tags=["SOPClassUID", "SeriesInstanceUID", "ImageType"],
            )
            flavor = list(tags.get("ImageType") or [])
            if (
                tags.get("SOPClassUID") == WSM
                and tags.get("SeriesInstanceUID") == series
                and "VOLUME" in flavor
            ):
                level = _Level(file, head(file))
                if level.size not in [known.size for known in levels]:
                    levels.append(level)
        return sorted(levels, key=lambda level: -level.size[0])
    except InputError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split())[:300]
        raise InputError(
            f"{path}: cannot be read as a DICOM whole slide ({type(error).__name__}: {cause})"
        ) from error


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) and value > 0 else None
