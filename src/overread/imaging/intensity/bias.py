"""Bias field of MR: the slow change of brightness that the coils leave, taken out by N4 through SimpleITK."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.intensity.normalise import foreground

ITERATIONS = (50, 50, 50, 50)


def n4(
    image: Image,
    mask: NDArray[np.bool_] | None = None,
    *,
    shrink: int = 4,
    iterations: Sequence[int] = ITERATIONS,
) -> Image:
    """Every channel divided by its bias field (Tustison 2010, doi 10.1109/TMI.2010.2046908); float32.

    The field is estimated over ``mask`` (by default what is brighter than the mean) on every ``shrink``-th voxel of
    long axes, with one fitting level per entry of ``iterations``, and taken out at full resolution. Values must not be
    negative: those below 0 count as 0 for the estimate. A note records it. Takes seconds for a volume.

    Raises
    ------
    InputError
        SimpleITK is not installed; an image without contrast; a mask of another shape.
    """
    try:
        import SimpleITK as Sitk
    except ImportError as error:
        raise InputError("N4 needs SimpleITK; pip install 'overread[formats]'") from error
    if mask is not None and mask.shape != image.spatial:
        raise InputError(f"N4: the mask has shape {mask.shape}, the image {image.spatial}")
    corrected = []
    for channel in image.array:
        values = np.maximum(channel.astype(np.float32), 0)
        inside = foreground(values) if mask is None else mask.astype(bool)
        if not inside.any() or values[inside].min() == values[inside].max():
            raise InputError("N4: the image has no contrast within the mask; nothing can be estimated")
        whole = _itk(values, image.spacing)
        factors = [shrink if n >= 8 * shrink else 1 for n in image.spatial]
        filter_ = Sitk.N4BiasFieldCorrectionImageFilter()
        filter_.SetMaximumNumberOfIterations([int(n) for n in iterations])
        filter_.Execute(
            Sitk.Shrink(whole, factors), Sitk.Shrink(_itk(inside.astype(np.uint8), image.spacing), factors)
        )
        field = Sitk.GetArrayFromImage(filter_.GetLogBiasFieldAsImage(whole)).T
        corrected.append(channel.astype(np.float32) / np.exp(field))
    return image.with_(
        array=np.stack(corrected).astype(np.float32), notes=(*image.notes, "bias field taken out by N4")
    )


def _itk(array: NDArray[np.generic], spacing: Sequence[float]) -> object:
    import SimpleITK as Sitk

    image = Sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing([float(s) for s in spacing])
    return image
