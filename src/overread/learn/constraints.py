"""What augmentation must not do to images of this protocol: anatomy, in millimetres and degrees."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from overread.settings import Strict


class Constraints(Strict):
    """The protocol's own limits; what is not stated, the planner chooses by modality and body part.

    ``mirror``: ``never`` where side matters (a heart, a laterality), ``left_right`` where the body is symmetrical for
    the question, ``all`` where images have no up and down. ``rotate_deg``, ``shift_mm``, ``elastic_mm``: the most that
    an image is turned, shifted, and bent (at the control points); pixels where files state no spacing. ``scale``: the
    largest factor less one, 0.1 for 10%. ``without``: transforms of grey values that would hide or make the finding.
    """

    mirror: Literal["never", "left_right", "all"] | None = None
    rotate_deg: float | None = Field(default=None, ge=0, le=180)
    shift_mm: float | None = Field(default=None, ge=0)
    elastic_mm: float | None = Field(default=None, ge=0)
    scale: float | None = Field(default=None, ge=0, le=2)
    without: list[str] = []
