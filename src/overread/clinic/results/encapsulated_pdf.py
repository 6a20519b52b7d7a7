"""Encapsulated PDF: the result on paper, with the main slice, the numbers and the warning (PS3.3 A.45.1, C.24)."""

from __future__ import annotations

import io
import textwrap

import matplotlib
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from overread.clinic.results.codes import plain
from overread.clinic.results.material import Material
from overread.clinic.results.new_object import new_object
from overread.clinic.results.outcome import outcome_words
from overread.clinic.results.picture import slice_with_answer
from overread.clinic.results.pictures import main_slice
from overread.clinic.results.source import finish, local_time
from overread.errors import InputError
from overread.imaging.dicom.values import text
from overread.runtime.answer_text import lines
from overread.runtime.prediction import Prediction

A4_INCHES = (8.27, 11.69)
LINE = 0.021
WRAP = 92
MOST_LINES = 18


def make_pdf(material: Material) -> Dataset:
    """One page on A4. Made for every outcome; a picture is on it where the images can still be read."""
    result = new_object(material, "pdf", EncapsulatedPDFStorage, modality="DOC")
    result.BurnedInAnnotation = "YES" if material.settings.identity else "NO"
    result.RecognizableVisualFeatures = "NO"
    result.AcquisitionDateTime = ""
    result.ConversionType = "WSD"
    manifest = material.package.manifest
    result.DocumentTitle = plain(f"{manifest.name} {manifest.version}: AI result", 64)
    result.ConceptNameCodeSequence = []
    result.MIMETypeOfEncapsulatedDocument = "application/pdf"
    result.SourceInstanceSequence = []
    for header in material.headers:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
        result.SourceInstanceSequence.append(item)
    content = page(material)
    result.EncapsulatedDocumentLength = len(content)
    result.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    finish(result, material.files[0], material.run, material.headers)
    return result


def page(material: Material) -> bytes:
    """The page as PDF; the same run gives the same bytes."""
    when = local_time(material.run.time, material.headers[0])
    figure = Figure(figsize=A4_INCHES)
    y = 0.95
    for line, size, weight in _head(material):
        for part in textwrap.wrap(line, WRAP) or [""]:
            _write(figure, y, part, size=size, weight=weight)
            y -= LINE * size / 10
    picture = _picture(material)
    if picture is not None:
        axes = figure.add_axes((0.08, y - 0.40, 0.84, 0.38))
        axes.imshow(picture)
        axes.set_axis_off()
        y -= 0.43
    for line in _numbers(material):
        for part in textwrap.wrap(line, WRAP):
            _write(figure, y, part, size=9)
            y -= LINE * 0.9
    manifest = material.package.manifest
    foot = [
        f"{manifest.name} {manifest.version}, package sha256 {material.package.sha256}",
        f"Analysed {when:%Y-%m-%d %H:%M:%S}. Made by software; not verified by a person.",
        material.settings.warning,
    ]
    for n, line in enumerate(reversed(foot)):
        _write(figure, 0.03 + n * LINE, line, size=8)
    buffer = io.BytesIO()
    # Type 42 fonts keep text as text; without dates the file depends on its content alone.
    with (
        matplotlib.rc_context({"pdf.fonttype": 42}),
        PdfPages(buffer, metadata={"CreationDate": None, "Producer": None, "Creator": "overread"}) as pdf,
    ):
        pdf.savefig(figure)
    return buffer.getvalue()


def _head(material: Material) -> list[tuple[str, int, str]]:
    header = material.headers[0]
    out = [("AI result", 18, "bold"), (outcome_words(material.result), 11, "bold"), ("", 6, "normal")]
    if material.settings.identity:
        out.append((f"Patient: {text(header, 'PatientName')}  ID: {text(header, 'PatientID')}", 9, "normal"))
    study = f"Study {text(header, 'StudyInstanceUID')}, {text(header, 'Modality')}"
    return [*out, (f"{study}, {len(material.headers)} images", 9, "normal")]


def _numbers(material: Material) -> list[str]:
    out = []
    if material.answer is not None:
        found = lines(material.answer)
        out = [
            f"{x.name}: {x.value}" + (f" ({x.interval})" if x.interval else "") for x in found[:MOST_LINES]
        ]
        if len(found) > MOST_LINES:
            out.append(f"and {len(found) - MOST_LINES} more in the structured report")
    notes = material.result.notes if isinstance(material.result, Prediction) else ()
    return out + [f"Note: {note}" for note in (*notes, *material.remarks)][:6]


def _picture(material: Material) -> NDArray[np.uint8] | None:
    if not isinstance(material.result, Prediction):
        return None
    try:
        index = main_slice(material.answer, material.image.spatial)
    except InputError:
        return None
    picture = slice_with_answer(material.image, material.answer, index)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def _write(figure: Figure, y: float, line: str, *, size: int, weight: str = "normal") -> None:
    # A dollar sign would begin mathematics: text is text.
    figure.text(0.08, y, line, fontsize=size, fontweight=weight, va="top", parse_math=False)
