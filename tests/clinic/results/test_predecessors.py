"""A report of a new revision names the one before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydicom import dcmread
from tests.clinic.outside import dicom_errors
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import write_classifier, write_series

from overread.clinic.results.material import Predecessor


def test_earlier_report_is_named(tmp_path: Path) -> None:
    before = Predecessor("1.2.3", "2.25.7", "1.2.840.10008.5.1.4.1.1.88.34", "2.25.8")
    made_of = material(
        write_classifier(tmp_path / "p.overread"), write_series(tmp_path / "in"), objects=["sr"]
    )
    path = all_objects(replace(made_of, predecessors=[before]), tmp_path / "out")["sr"]
    assert dicom_errors(path) == []
    (study,) = dcmread(path).PredecessorDocumentsSequence
    series = study.ReferencedSeriesSequence[0]
    instance = series.ReferencedSOPSequence[0]
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == ("1.2.3", "2.25.7")
    assert (instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID) == (
        before.sop_class,
        before.sop,
    )
