"""The section ``results`` of clinic.yaml: which objects the PACS gets, and what is written in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from overread.clinic.results.names import ObjectName, SegmentationKind
from overread.settings import Strict


class Results(Strict):
    """Which objects every run makes, and how.

    ``objects`` where their kind fits the answer; ``segmentation``: how a SEG holds its mask, as one bit a voxel and
    segment, as probabilities in 255 steps, or as a label map (newer archives, smallest for many labels).
    ``identity``: whether the patient's name and ID are written into the PDF's page and the secondary capture's
    pixels. ``warning``: burned into every picture.
    """

    objects: Annotated[tuple[ObjectName, ...], Field(min_length=1)] = ("seg", "sr")
    segmentation: SegmentationKind = "binary"
    identity: bool = False
    warning: str = Field("Research use only. Not for diagnosis.", min_length=1, max_length=200)
