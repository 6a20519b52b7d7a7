"""References to the images of a study, by study and series (PS3.3 table 10-3b)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset


def evidence_of(headers: Sequence[Dataset]) -> list[Dataset]:
    """Hierarchical SOP Instance References to every image, each once."""
    studies: dict[str, dict[str, dict[str, str]]] = {}
    for h in headers:
        series = studies.setdefault(str(h.StudyInstanceUID), {}).setdefault(str(h.SeriesInstanceUID), {})
        series[str(h.SOPInstanceUID)] = str(h.SOPClassUID)
    out = []
    for study_uid, found in studies.items():
        study = Dataset()
        study.StudyInstanceUID, study.ReferencedSeriesSequence = study_uid, []
        for series_uid, instances in found.items():
            item = Dataset()
            item.SeriesInstanceUID, item.ReferencedSOPSequence = series_uid, []
            for uid, sop_class in instances.items():
                instance = Dataset()
                instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = sop_class, uid
                item.ReferencedSOPSequence.append(instance)
            study.ReferencedSeriesSequence.append(item)
        out.append(study)
    return out
