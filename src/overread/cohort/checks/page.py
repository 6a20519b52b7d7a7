"""check.html: the findings of a check with the images concerned, in one file that asks nothing of any network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.checks.run import ORDER, CheckReport
from overread.cohort.checks.subgroups import SENSITIVITY, Group
from overread.cohort.cohort import Cohort
from overread.cohort.finding import Finding
from overread.cohort.truth import TRUTHS
from overread.errors import InputError
from overread.files import write_text
from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    fit_box,
    overlay,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)
from overread.imaging.read import read

FILE = "check.html"
PIXELS = 200
PICTURES, PAIRS = 10, 6
"""Shown per finding; the names of all are on the page."""


def write_check_page(
    folder: Path, cohort: Cohort, report: CheckReport, *, name: str, virtual: bool = False
) -> Path:
    """Write ``folder/check.html`` and return its path. Only the images that it shows are read again."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = _Pictures(cohort, report.truth)
    shown = [_shown(f, pictures) for f in report.findings]
    page = environment.get_template(FILE).render(
        name=name,
        virtual=virtual,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        counts={s: sum(f.severity == s for f in report.findings) for s in ORDER},
        findings={s: [f for f in shown if f["severity"] == s] for s in ORDER},
        summary=report.summary,
        groups=_groups(report.groups),
        sensitivity=SENSITIVITY,
    )
    write_text(folder / FILE, page)
    return folder / FILE


def _shown(finding: Finding, pictures: _Pictures) -> dict[str, Any]:
    outlined = finding.code.startswith(f"{pictures.truth}.")
    pairs = [[pictures.of(n, outlined) for n in pair] for pair in finding.pairs[:PAIRS]]
    single = [] if finding.severity == "info" else finding.cases[:PICTURES]
    alone = [] if pairs else [pictures.of(n, outlined) for n in single]
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "pairs": pairs if finding.severity != "info" else [],
        "pictures": [p for p in alone if p["source"]],
        "more_pairs": max(0, len(finding.pairs) - PAIRS),
        "cases": list(finding.cases),
    }


class _Pictures:
    """A small picture of each case that is asked for, as a data URI; empty where the case cannot be read."""

    def __init__(self, cohort: Cohort, truth: str) -> None:
        self.truth = truth
        self.cases: Mapping[str, Case] = {c.case: c for c in cohort}
        self.known: dict[tuple[str, bool], dict[str, str]] = {}

    def of(self, name: str, outlined: bool) -> dict[str, str]:
        """``source``, ``name`` and ``facts`` (split, label) of one case."""
        key = (name, outlined)
        if key not in self.known:
            case = self.cases[name]
            facts = [case.split, case.label or "", *(k for k, v in case.findings.items() if v == 1)]
            facts += [f"{k} {v:g}" for k, v in case.values.items()]
            self.known[key] = {
                "name": name,
                "facts": ", ".join(f for f in facts if f),
                "source": _source(case, self.truth if outlined else None),
            }
        return self.known[key]


def _source(case: Case, truth: str | None) -> str:
    """The case's picture with its ``truth`` drawn in, as far as they can be read: any fault is told elsewhere."""
    try:
        # The first channel alone: channels on different grids are to be seen, too.
        image = read(next(iter(case.images.values())))
        marks = _marks(case, image, truth)
        return f"data:image/png;base64,{base64.b64encode(png_bytes(_picture(image, marks))).decode()}"
    except Exception:
        return ""


def _marks(case: Case, image: Image, truth: str | None) -> NDArray[np.bool_] | None:
    try:
        return TRUTHS[truth].marks(case, image) if truth else None
    except InputError:
        return None


def _picture(image: Image, marked: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """The image, or the middle (or most marked) slice of a volume, fitted into a square."""
    marks = np.zeros(image.spatial, np.uint8) if marked is None else marked.astype(np.uint8)
    if len(image.spatial) == 3:
        image, drawn = (
            reorient(image.with_(array=array, channels=())) for array in (image.array[:1], marks[None])
        )
        k = best_slice(drawn.array[0])
        gray, marks = window_to_uint8(slice_of(image, k)), slice_of(drawn, k)
    elif len(image.array) == 3 and image.array.dtype == np.uint8:
        gray = np.moveaxis(image.array, 0, -1)
    else:
        gray = window_to_uint8(image.array[0])
    fitted = fit_box(gray, PIXELS, pixel_spacing(image))
    return (
        overlay(fitted, fit_box(marks, PIXELS, pixel_spacing(image), labels=True)) if marks.any() else fitted
    )


def _groups(groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        {**g.as_dict(), "low": g.low, "high": g.high, "width": g.width, "all": sum(g.cases.values())}
        for g in groups
    ]
