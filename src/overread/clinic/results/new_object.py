"""A new object of a run, with what all of them have: for kinds that highdicom has no class of."""

from __future__ import annotations

from highdicom.base import SOPClass
from highdicom.base_content import ContributingEquipment
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from overread.clinic.results.material import Material
from overread.clinic.results.names import PLACES, ObjectName
from overread.clinic.results.source import equipment, local_time
from overread.clinic.results.uids import derived_uid


def new_object(material: Material, name: ObjectName, sop_class: str, *, modality: str) -> Dataset:
    """Patient, Study, Series, Equipment and SOP Common modules; `overread.clinic.results.source.finish` is to follow.

    The patient's and study's values stay empty until then.
    """
    run, header = material.run, material.headers[0]
    when = local_time(run.time, header)
    common = equipment(material.package, run)
    contributing: list[ContributingEquipment] = common.pop("contributing_equipment")
    result = SOPClass(
        study_instance_uid=str(header.StudyInstanceUID),
        series_instance_uid=derived_uid(run.key, f"{name} series"),
        series_number=PLACES[name].series_number,
        sop_instance_uid=derived_uid(run.key, name),
        sop_class_uid=sop_class,
        instance_number=1,
        modality=modality,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        patient_id="",
        patient_name="",
        patient_sex="",
        accession_number="",
        study_id="",
        content_date=when.date(),
        content_time=when.time().replace(microsecond=0),
        **common,
    )
    result.ContributingEquipmentSequence = contributing
    return result
