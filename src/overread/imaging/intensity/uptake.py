"""PET channels as SUV by body weight, each by the facts that its own file states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from overread.errors import InputError
from overread.imaging.image import Image

Wanted = Sequence[str | None]
"""Per channel: ``header``, ``stated`` (files without a PET header hold SUV) or None, where it is not PET."""


def missing_suv(image: Image, wanted: Wanted) -> str:
    """Why a channel cannot be SUV, by name; empty where all can."""
    for name, source, want in zip(image.channels, _sources(image), wanted, strict=False):
        if want is not None and _factor(source, want) is None:
            reason = source.get("suv_missing") or "the file has no PET header, and nothing states its unit"
            return f"channel {name}: {reason}" if len(image.channels) > 1 else str(reason)
    return ""


def in_suv(image: Image, wanted: Wanted) -> Image:
    """``image`` with the ``wanted`` channels as SUV by body weight, g/ml, float32, and a note where that changed them.

    Raises
    ------
    InputError
        Where a header lacks what the calculation needs (see `overread.imaging.dicom.suv`).
    """
    if not any(wanted):
        return image
    missing = missing_suv(image, wanted)
    if missing:
        raise InputError(f"{image.source.get('path') or 'the image'}: no SUV: {missing}")
    factors = np.ones(len(image.array))
    for c, (source, want) in enumerate(zip(_sources(image), wanted, strict=False)):
        factors[c] = (_factor(source, want) or 1.0) if want is not None else 1.0
    if (factors == 1).all():
        return image
    shape = (-1, *[1] * len(image.spatial))
    array = image.array.astype(np.float32) * factors.astype(np.float32).reshape(shape)
    note = f"PET values times {', '.join(f'{f:.6g}' for f in factors if f != 1)} are SUV by body weight, g/ml"
    return image.with_(array=array, notes=(*image.notes, note))


def headed(image: Image) -> list[str | None]:
    """``header`` for each channel whose file has a PET header, None for the others."""
    return ["header" if {"suv_factor", "suv_missing"} & set(s) else None for s in _sources(image)]


def _factor(source: Mapping[str, Any], want: str) -> float | None:
    factor = source.get("suv_factor")
    if factor is not None:
        return float(factor)
    return 1.0 if want == "stated" and "suv_missing" not in source else None


def _sources(image: Image) -> list[Mapping[str, Any]]:
    """Of each channel, what its own file states."""
    return list(image.source.get("channel_sources") or [image.source] * len(image.array))
