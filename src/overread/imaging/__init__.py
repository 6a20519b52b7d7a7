"""Images: reading, geometry, grey values, slides.

The names of ``__all__`` are what docs/imaging.md describes; each is imported from its module on first use, so that
reading a picture does not cost the import of a resampler.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# `read` is a module of this package, too: bound here, before anybody asks, the name is always the function.
from overread.imaging.image import Image
from overread.imaging.read import read, read_label_raster, read_labels, read_raster

if TYPE_CHECKING:
    from overread.imaging.dicom.series import group_series, read_all, read_datasets, read_headers, read_series
    from overread.imaging.dicom.suv import suv
    from overread.imaging.formats.metaimage import read_metaimage
    from overread.imaging.formats.nifti import read_nifti, write_nifti
    from overread.imaging.formats.npz import read_npz
    from overread.imaging.formats.nrrd import read_nrrd
    from overread.imaging.formats.raster import write_png
    from overread.imaging.formats.tiff import read_tiff
    from overread.imaging.grid.geometry import (
        axis_codes,
        crop,
        pad_to,
        reorient,
        same_grid,
        stack,
        voxel_volume,
    )
    from overread.imaging.grid.resample import (
        rectify,
        resample,
        resample_labels,
        resample_to,
        resize,
        right_angled,
    )
    from overread.imaging.grid.slices import join_slices, slice_stack, slices
    from overread.imaging.intensity.bias import n4
    from overread.imaging.intensity.color import to_gray, to_rgb
    from overread.imaging.intensity.ct_windows import WINDOWS, Window, apply_window, window_for
    from overread.imaging.intensity.normalise import foreground, percentile_scale, zscore
    from overread.imaging.intensity.nyul import Landmarks, fit_landmarks, standardise
    from overread.imaging.slides.slide import Slide, read_slide
    from overread.imaging.slides.tissue import Tissue, tiles, tissue_mask

_WHERE = {
    "dicom.series": "group_series read_all read_datasets read_headers read_series",
    "dicom.suv": "suv",
    "formats.metaimage": "read_metaimage",
    "formats.nifti": "read_nifti write_nifti",
    "formats.npz": "read_npz",
    "formats.nrrd": "read_nrrd",
    "formats.raster": "write_png",
    "formats.tiff": "read_tiff",
    "grid.geometry": "axis_codes crop pad_to reorient same_grid stack voxel_volume",
    "grid.resample": "rectify resample resample_labels resample_to resize right_angled",
    "grid.slices": "join_slices slice_stack slices",
    "intensity.bias": "n4",
    "intensity.color": "to_gray to_rgb",
    "intensity.ct_windows": "WINDOWS Window apply_window window_for",
    "intensity.normalise": "foreground percentile_scale zscore",
    "intensity.nyul": "Landmarks fit_landmarks standardise",
    "slides.slide": "Slide read_slide",
    "slides.tissue": "Tissue tiles tissue_mask",
}
_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _WHERE.items() for name in names.split()}

__all__ = [
    "WINDOWS",
    "Image",
    "Landmarks",
    "Slide",
    "Tissue",
    "Window",
    "apply_window",
    "axis_codes",
    "crop",
    "fit_landmarks",
    "foreground",
    "group_series",
    "join_slices",
    "n4",
    "pad_to",
    "percentile_scale",
    "read",
    "read_all",
    "read_datasets",
    "read_headers",
    "read_label_raster",
    "read_labels",
    "read_metaimage",
    "read_nifti",
    "read_npz",
    "read_nrrd",
    "read_raster",
    "read_series",
    "read_slide",
    "read_tiff",
    "rectify",
    "reorient",
    "resample",
    "resample_labels",
    "resample_to",
    "resize",
    "right_angled",
    "same_grid",
    "slice_stack",
    "slices",
    "stack",
    "standardise",
    "suv",
    "tiles",
    "tissue_mask",
    "to_gray",
    "to_rgb",
    "voxel_volume",
    "window_for",
    "write_nifti",
    "write_png",
    "zscore",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
