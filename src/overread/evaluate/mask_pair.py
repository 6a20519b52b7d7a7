"""A tuning case of a label map, small enough to be kept for every case: what was found, what is true, both packed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.unknown import UNKNOWN, unstated
from overread.imaging.image import Image


@dataclass(frozen=True)
class MaskPair:
    """Label maps ``(*spatial)`` uint8 of one case, found (as decided, not cleaned) and true, compressed.

    ``unstated`` are values of the masks that the truth says nothing about; ``agreement`` is that of
    `overread.runtime.quality.agreement`.
    """

    packed: tuple[bytes, bytes]
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    source: Mapping[str, Any]
    unstated: frozenset[int] = frozenset()
    agreement: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        found: NDArray[np.uint8],
        truth: object,
        image: Image,
        agreement: Mapping[str, Mapping[str, float]],
    ) -> MaskPair:
        """Pack both maps; ``image`` is what they lie on."""
        found, true = known_part(found, truth)
        packed = tuple(zlib.compress(np.ascontiguousarray(m, np.uint8).tobytes(), 1) for m in (found, true))
        facts = {k: image.source[k] for k in ("spacing_known",) if k in image.source}
        return cls(
            (packed[0], packed[1]),
            found.shape,
            image.affine,
            facts,
            frozenset(unstated(truth)),
            dict(agreement),
        )

    @property
    def found(self) -> NDArray[np.uint8]:
        """What the package decided."""
        return self._unpacked(0)

    @property
    def true(self) -> NDArray[np.uint8]:
        """What is there."""
        return self._unpacked(1)

    @property
    def image(self) -> Image:
        """An image without content on the grid of both."""
        empty = np.broadcast_to(np.zeros((), np.uint8), (1, *self.shape))
        return Image(empty, self.affine, source=self.source)

    def _unpacked(self, which: int) -> NDArray[np.uint8]:
        return np.frombuffer(zlib.decompress(self.packed[which]), np.uint8).reshape(self.shape)


def known_part(found: NDArray[np.uint8], truth: object) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Found and true label map without the voxels that the truth leaves open."""
    true = np.asarray(truth)
    open_ = true == UNKNOWN
    if not open_.any():
        return found, true.astype(np.uint8, copy=False)
    return np.where(open_, 0, found).astype(np.uint8), np.where(open_, 0, true).astype(np.uint8)
