"""Every feature of one region, by name."""

from __future__ import annotations

from numpy.typing import ArrayLike

from overread.stats.radiomics.first_order import first_order
from overread.stats.radiomics.form import form
from overread.stats.radiomics.glcm import glcm
from overread.stats.radiomics.levels import levels_of, region
from overread.stats.radiomics.sizes import gldm, glrlm, glszm, ngtdm
from overread.stats.segmentation.masks import voxel_size


def radiomics(
    image: ArrayLike,
    mask: ArrayLike,
    *,
    spacing: ArrayLike | None = None,
    bin_width: float | None = None,
    bins: int | None = None,
) -> dict[str, float]:
    """Features of ``image (*spatial)`` inside ``mask``, as ``family_feature``: shape, first order, texture.

    Families: ``shape``, ``firstorder``, ``glcm``, ``glrlm``, ``glszm``, ``gldm``, ``ngtdm``, as the Image Biomarker
    Standardisation Initiative defines them (Zwanenburg et al., Radiology 2020;295:328, and its reference manual),
    without resampling or filters: bring images to one spacing first. Texture is of neighbours at distance 1, features
    averaged over directions.

    Parameters
    ----------
    spacing
        mm per axis, 1 if not given.
    bin_width, bins
        How grey values become levels: see `overread.stats.radiomics.levels.levels_of`. 25 wide where neither is given.

    Raises ValueError for an empty mask, different shapes, or grey values that are not finite.
    """
    values, inside = region(image, mask)
    size = voxel_size(spacing, inside.ndim)
    if bin_width is None and bins is None:
        bin_width = 25.0
    levels = levels_of(values, inside, bin_width=bin_width, bins=bins)
    families = {
        "shape": form(inside, size),
        "firstorder": first_order(values[inside], levels[inside], voxel=float(size.prod())),
        "glcm": glcm(levels),
        "glrlm": glrlm(levels),
        "glszm": glszm(levels),
        "gldm": gldm(levels),
        "ngtdm": ngtdm(levels),
    }
    return {f"{name}_{key}": value for name, found in families.items() for key, value in found.items()}
