"""GSPS: outlines, boxes and words over the untouched images, for archives without SEG (PS3.3 A.33.1, C.10.5).

Coordinates are pixels from the outer corner of the first one, as `overread.clinic.results.groups.objects` counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import contourpy
import numpy as np
from highdicom.color import CIELabColor
from highdicom.pr import (
    AnnotationUnitsValues,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GraphicTypeValues,
    GrayscaleSoftcopyPresentationState,
    TextJustificationValues,
    TextObject,
)
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results.codes import plain
from overread.clinic.results.frames import frames_of
from overread.clinic.results.groups.objects import rectangle, slices_of
from overread.clinic.results.material import Material
from overread.clinic.results.names import PLACES
from overread.clinic.results.outcome import outcome_words
from overread.clinic.results.planes import ImagePlane, planes_of
from overread.clinic.results.source import (
    equipment,
    finish,
    fit_for_highdicom,
    keep_laterality,
    local_time,
)
from overread.clinic.results.uids import derived_uid
from overread.errors import InputError
from overread.runtime.answer import Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_text import headline

LAYER = "AI"
YELLOW = CIELabColor(90.0, -15.0, 80.0)
MOST_POINTS = 4096
LONGEST_TEXT = 1024


def make_presentation(material: Material) -> GrayscaleSoftcopyPresentationState | None:
    """Graphics of the answer on the images of the first channel, and one line of words on every annotated one.

    None for coloured images, which have no grayscale presentation, and where the analysis was not made.
    Raises InputError where the answer has another number of planes than the images.
    """
    headers = material.first_headers
    if material.answer is None or any(int(h.get("SamplesPerPixel", 1) or 1) != 1 for h in headers):
        return None
    planes = planes_of(headers)
    drawn = _drawn(material, planes)
    layer = GraphicLayer(LAYER, order=1, description="Found by software, not verified", display_color=YELLOW)
    manifest, run = material.package.manifest, material.run
    words = plain(f"{outcome_first(material)} - {manifest.name} {manifest.version} AI", LONGEST_TEXT)
    fitted = {str(h.SOPInstanceUID): fit_for_highdicom(h) for h in headers}
    annotations = []
    for index, (shapes, labels) in sorted(drawn.items()):
        plane = planes[index]
        annotations.append(
            GraphicAnnotation(
                referenced_images=[fitted[str(plane.header.SOPInstanceUID)]],
                referenced_frame_number=plane.frame,
                graphic_layer=layer,
                graphic_objects=shapes or None,
                text_objects=[*labels, _title(words)],
            )
        )
    when = local_time(run.time, headers[0])
    result = GrayscaleSoftcopyPresentationState(
        referenced_images=list(fitted.values()),
        series_instance_uid=derived_uid(run.key, "presentation series"),
        series_number=PLACES["presentation"].series_number,
        sop_instance_uid=derived_uid(run.key, "presentation"),
        instance_number=1,
        content_label="AI_RESULT",
        content_description=plain(f"{manifest.name} {manifest.version}", 64),
        graphic_annotations=annotations,
        graphic_layers=[layer],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **{k: v for k, v in equipment(material.package, run).items() if k != "content_qualification"},
    )
    result.PresentationCreationDate = when.strftime("%Y%m%d")
    result.PresentationCreationTime = when.strftime("%H%M%S")
    keep_laterality(result, headers[0])
    finish(result, material.files[0], run, material.headers)
    return result


def outcome_first(material: Material) -> str:
    """The answer in a few words."""
    return headline(material.answer) if material.answer is not None else outcome_words(material.result)


def _drawn(
    material: Material, planes: Sequence[ImagePlane]
) -> dict[int, tuple[list[GraphicObject], list[TextObject]]]:
    """Graphics and their words by plane; the middle plane without graphics where nothing has a place."""
    match material.answer:
        case LabelMap():
            out = _outlines(material.answer, material.package.manifest.labels, planes)
        case Objects():
            out = _boxes(material.answer, planes)
        case Classes() | Findings() | Value() | None:
            out = {}
        case _:
            assert_never(material.answer)
    return out or {len(planes) // 2: ([], [])}


def _outlines(
    answer: LabelMap, labels: Sequence[str], planes: Sequence[ImagePlane]
) -> dict[int, tuple[list[GraphicObject], list[TextObject]]]:
    frames = frames_of(answer.mask)
    _check(len(frames), planes)
    out: dict[int, tuple[list[GraphicObject], list[TextObject]]] = {}
    for k, frame in enumerate(frames):
        for number in np.unique(frame[frame > 0]).tolist():
            shapes, texts = out.setdefault(k, ([], []))
            found = outlines(frame == number)
            shapes += map(_polyline, found)
            longest = max(found, key=len)
            texts.append(_label(labels[number], longest[longest[:, 1].argmin()]))
    return out


def outlines(region: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Closed lines ``(n, 2)`` of ``(column, row)`` round the pixels of a region, also where it meets the rim."""
    padded = np.pad(region.astype(np.float64), 1)
    generator = contourpy.contour_generator(z=padded, line_type=contourpy.LineType.Separate)
    size = np.array(region.shape[::-1], np.float64)
    out = []
    for line in generator.lines(0.5):
        # Index k of a pixel stands for its middle, which lies at k + 0.5; the padding moved all by one.
        points = np.clip(np.asarray(line) - 1 + 0.5, 0, size)
        step = -(-len(points) // MOST_POINTS)
        thinned = points[::step]
        if not np.array_equal(thinned[0], thinned[-1]):
            thinned = np.vstack([thinned, thinned[:1]])
        out.append(thinned)
    return out


def _boxes(
    answer: Objects, planes: Sequence[ImagePlane]
) -> dict[int, tuple[list[GraphicObject], list[TextObject]]]:
    out: dict[int, tuple[list[GraphicObject], list[TextObject]]] = {}
    boxes = answer.boxes
    for n in range(len(boxes)):
        low, high = boxes.low[n], boxes.high[n]
        if boxes.axes == 2:
            _check(1, planes)
            held, low2, high2 = [0], low[::-1], high[::-1]
        else:
            held, low2, high2 = slices_of(low[2], high[2], len(planes)), low[:2], high[:2]
        label = f"{answer.labels[int(boxes.labels[n])]} {float(boxes.scores[n]):.2f}"
        for k in held:
            header = planes[k].header
            points = np.clip(rectangle(low2, high2), 0, [int(header.Columns), int(header.Rows)])
            shapes, texts = out.setdefault(k, ([], []))
            shapes.append(_polyline(points))
            texts.append(_label(label, points[0]))
    return out


def _check(count: int, planes: Sequence[ImagePlane]) -> None:
    if count != len(planes):
        raise InputError(
            f"series {planes[0].header.SeriesInstanceUID}: the answer has {count} planes, the images have "
            f"{len(planes)} (repeated planes?); a presentation state cannot refer to them"
        )


def _polyline(points: NDArray[np.float64]) -> GraphicObject:
    return GraphicObject(GraphicTypeValues.POLYLINE, points, AnnotationUnitsValues.PIXEL)


def _label(words: str, at: NDArray[np.float64]) -> TextObject:
    return TextObject(
        plain(words, LONGEST_TEXT),
        AnnotationUnitsValues.PIXEL,
        anchor_point=(float(at[0]), float(at[1])),
        anchor_point_visible=False,
    )


def _title(words: str) -> TextObject:
    """A line across the foot of what is displayed, whatever part of the image that is."""
    return TextObject(
        words,
        AnnotationUnitsValues.DISPLAY,
        bounding_box=(0.02, 0.94, 0.98, 0.99),
        text_justification=TextJustificationValues.LEFT,
    )
