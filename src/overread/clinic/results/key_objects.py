"""Key object selection: the images to look at first, or the report where nothing was found (PS3.3 A.35.4)."""

from __future__ import annotations

from typing import assert_never

from highdicom import ko, sr
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results import codes
from overread.clinic.results.codes import plain
from overread.clinic.results.material import Material
from overread.clinic.results.names import PLACES, ObjectName
from overread.clinic.results.observer import observer_of
from overread.clinic.results.outcome import outcome_words
from overread.clinic.results.pictures import shown_slices
from overread.clinic.results.planes import planes_of
from overread.clinic.results.source import equipment, finish, local_time
from overread.clinic.results.stand_in import as_evidence, name_sources
from overread.clinic.results.uids import derived_uid
from overread.runtime.answer import Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_text import headline

REFERRED: tuple[ObjectName, ...] = ("capture", "sr")
MOST_IMAGES = 500


def make_key_objects(material: Material) -> Dataset:
    """Title "Of Interest", one line of words, and what it points to.

    Images on which something was found, all of a few images that were judged as a whole, and the run's own report
    and capture where there are any; without any finding the first image stands for the study.
    """
    headers = as_evidence(key_images(material))
    own = [material.made[name] for name in REFERRED if name in material.made]
    run, when = material.run, local_time(material.run.time, material.headers[0])
    manifest = material.package.manifest
    said = headline(material.answer) if material.answer is not None else outcome_words(material.result)
    content = ko.KeyObjectSelection(
        document_title=codes.OF_INTEREST,
        referenced_objects=[*headers, *own],
        observer_device_context=sr.ObserverContext(
            observer_type=CodedConcept.from_code(codes.DEVICE),
            observer_identifying_attributes=observer_of(material.package, run),
        ),
        description=plain(f"{said} - {manifest.name} {manifest.version} AI", 1024),
    )
    common = {k: v for k, v in equipment(material.package, run).items() if k != "content_qualification"}
    result = ko.KeyObjectSelectionDocument(
        evidence=[*headers, *own],
        content=content,
        series_instance_uid=derived_uid(run.key, "key series"),
        series_number=PLACES["key"].series_number,
        sop_instance_uid=derived_uid(run.key, "key"),
        instance_number=1,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_date=when.date(),
        content_time=when.time().replace(microsecond=0),
        **common,
    )
    name_sources(result, material.headers)
    finish(result, material.files[0], run, material.headers)
    return result


def key_images(material: Material) -> list[Dataset]:
    """Headers of the images to look at, each once, in slice order."""
    headers = list(material.first_headers)
    match material.answer:
        case LabelMap():
            found = bool(material.answer.mask.any())
        case Objects():
            found = bool(len(material.answer.boxes))
        case Classes() | Findings() | Value() | None:
            return headers[:1]
        case _:
            assert_never(material.answer)
    size = material.spatial
    planes = planes_of(headers)
    if not found or len(size) != 3 or len(planes) != size[2]:
        return headers[:1]
    held = {
        str(planes[k].header.SOPInstanceUID): planes[k].header for k in shown_slices(material.answer, size)
    }
    return list(held.values())[:MOST_IMAGES]
