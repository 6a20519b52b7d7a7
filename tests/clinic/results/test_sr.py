"""SR: valid for dciodvfy, readable for others, and each outcome told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.filereader import data_element_generator
from tests.clinic.outside import dicom_errors, run
from tests.clinic.results.content import coded, concept, items, numbers
from tests.clinic.results.made import given_mask, objects
from tests.clinic.site import BRIGHT, SHAPE, write_classifier, write_segmenter, write_series

from overread.clinic.results.failure import Failure
from overread.runtime.answer import Measurement
from overread.runtime.manifest import Calibration, Limits, ScoreBin, Spread


def test_segmentation(tmp_path: Path) -> None:
    spread = Spread(low=0.8, high=1.5, coverage=9 / 11, cases=10)
    calibration = Calibration(volume_ratio={"lesion": spread})
    package = write_segmenter(tmp_path / "p.overread", calibration=calibration)
    files = write_series(tmp_path / "in")
    made = objects(package, files, tmp_path)
    assert dicom_errors(made["sr"]) == []
    ds, seg = dcmread(made["sr"]), dcmread(made["seg"])
    volume = 4 * 3 * 3 * 6.0 / 1000
    found = numbers(ds)
    assert found["Volume"] == (pytest.approx(volume), "ml")
    assert found["Lower limit of 82% prediction interval"] == (pytest.approx(0.8 * volume), "ml")
    assert found["Upper limit of 82% prediction interval"] == (pytest.approx(1.5 * volume), "ml")
    assert coded(ds, "Summary of Analyses") == [("DCM", "111222")]
    assert coded(ds, "Presence") == [("SCT", "52101004"), ("SCT", "272519000")]
    reference = next(i for i in items(ds) if concept(i) == "Referenced Segment").ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == seg.SOPInstanceUID
    assert reference.ReferencedSegmentNumber == 1
    tracking = [i.UID for i in items(ds) if i.ValueType == "UIDREF" and concept(i).startswith("Tracking")]
    assert seg.SegmentSequence[0].TrackingUID in tracking
    assert seg.SegmentSequence[1].TrackingUID in tracking
    study = ds.CurrentRequestedProcedureEvidenceSequence[0]
    evidence = {
        r.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for r in s.ReferencedSOPSequence
    }
    assert evidence == {str(dcmread(f).SOPInstanceUID) for f in files} | {str(seg.SOPInstanceUID)}
    assert (ds.CompletionFlag, ds.VerificationFlag, ds.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert ds.SeriesInstanceUID != seg.SeriesInstanceUID


def test_others_read_it(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    made = objects(package, write_series(tmp_path / "in"), tmp_path)
    dump = run("dsrdump", made["sr"])
    assert "Imaging Measurement Report" in dump
    assert "warning" not in dump.lower()
    out = tmp_path / "read.json"
    run("tid1500reader", "--inputDICOM", made["sr"], "--outputMetadata", out)
    groups = json.loads(out.read_text())["Measurements"]
    volumes = [
        m["value"] for g in groups for m in g["measurementItems"] if m["quantity"]["CodeValue"] == "118565006"
    ]
    assert [float(v) for v in volumes] == [pytest.approx(0.216), 0]


def test_nothing_found_is_not_silence(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    made = objects(package, write_series(tmp_path / "in", bright=False), tmp_path)
    assert dicom_errors(made["sr"]) == []
    ds = dcmread(made["sr"])
    assert coded(ds, "Summary of Analyses") == [("DCM", "111222")]
    assert coded(ds, "Presence") == [("SCT", "272519000")] * 2
    assert numbers(ds)["Volume"] == (0.0, "ml")


def test_classification(tmp_path: Path) -> None:
    scores = ScoreBin(low=0.5, high=1, observed_low=0.6, observed_high=1, cases=20)
    calibration = Calibration(bins={"bright": [scores]}, conformal_coverage=0.9, conformal_quantile=0.5)
    package = write_classifier(tmp_path / "p.overread", calibration=calibration)
    made = objects(package, write_series(tmp_path / "in"), tmp_path)
    assert dicom_errors(made["sr"]) == []
    ds = dcmread(made["sr"])
    found = numbers(ds)
    assert found["Probability of bright"][0] + found["Probability of dark"][0] == pytest.approx(1, abs=1e-5)
    assert found["Probability of bright"][1] == "1"
    assert coded(ds, "Finding") == [("99OVERREAD", "BRIGHT")]
    assert coded(ds, "Member of the 90% prediction set") == [("99OVERREAD", "BRIGHT")]
    parameters = [
        i.TextValue for i in items(ds) if i.ValueType == "TEXT" and concept(i) == "Algorithm Parameters"
    ]
    assert any("threshold 0.4 on the probability of bright, rule: youden" in p for p in parameters)
    assert "Lower limit of share in tuning cases so scored (90%)" in found


def test_out_of_limits_is_a_coded_outcome_without_a_score(tmp_path: Path, data_dir: Path) -> None:
    limits = Limits(modality=["MR"], size=[(28, 28), (28, 28)])
    package = write_classifier(tmp_path / "p.overread", limits=limits, dimensions=2)
    for name in ("RG1_J2KR.dcm", "RG3_J2KR.dcm"):
        made = objects(package, [data_dir / "dicom_cr_radiographs" / name], tmp_path)
        assert dicom_errors(made["sr"]) == []
        ds = dcmread(made["sr"])
        assert coded(ds, "Summary of Analyses") == [("DCM", "111225")]
        assert coded(ds, "Input limit broken") == [("99OVERREAD", "MODALITY"), ("99OVERREAD", "SIZE")]
        assert numbers(ds) == {}
        comments = " ".join(i.TextValue for i in items(ds) if concept(i) == "Comment")
        assert "found CR, expected MR" in comments


def test_failure_is_a_coded_outcome(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    files = write_series(tmp_path / "in")
    made = objects(
        package, files, tmp_path, Failure("CHANNEL_MISSING", "channel FLAIR: no series \xfcber it")
    )
    assert dicom_errors(made["sr"]) == []
    ds = dcmread(made["sr"])
    assert coded(ds, "Summary of Analyses") == [("DCM", "111224")]
    assert coded(ds, "Reason of failure") == [("99OVERREAD", "CHANNEL_MISSING")]
    assert ds.CompletionFlag == "PARTIAL"


def raw_elements(path: Path) -> dict[int, bytes]:
    from pynetdicom.dsutils import split_dataset

    _, offset = split_dataset(path)
    with path.open("rb") as f:
        f.seek(offset)
        return {
            int(e.tag): e.value for e in data_element_generator(f, False, True) if isinstance(e.value, bytes)
        }


COPIED = (0x00080005, 0x00080020, 0x00080050, 0x00100010, 0x00100020, 0x00100030, 0x00104000, 0x0020000D)
MISSING = ("AccessionNumber", "StudyID", "ReferringPhysicianName", "StudyTime", "SpecificCharacterSet")


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "M\xfcller^Eva"),
        ("ISO_IR 192", "\u5c71\u7530^\u592a\u90ce"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
    ],
)
def test_patient_and_study_are_copied_byte_for_byte(tmp_path: Path, charset: Any, name: str) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    files = write_series(
        tmp_path / "in", SpecificCharacterSet=charset, PatientName=name, PatientComments="virtual patient"
    )
    made = objects(package, files, tmp_path)
    source = raw_elements(files[0])
    for path in made.values():
        assert dicom_errors(path) == []
        result = raw_elements(path)
        for tag in (
            0x00080005,
            0x00100010,
            0x00100020,
            0x00100030,
            0x00104000,
            0x00080050,
            0x00080020,
            0x0020000D,
        ):
            assert result[tag] == source[tag], hex(tag)
        assert dcmread(path).PatientName == dcmread(files[0]).PatientName


def test_source_without_type_2_attributes(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    files = write_series(tmp_path / "in", PatientAge="42", PatientSex="U", PatientBirthDate="unknown")
    for path in files:
        ds = dcmread(path)
        for keyword in (
            "AccessionNumber",
            "StudyID",
            "ReferringPhysicianName",
            "StudyTime",
            "SpecificCharacterSet",
        ):
            delattr(ds, keyword)
        ds.PatientName = "plain"
        ds.save_as(path)
    for path in objects(package, files, tmp_path).values():
        assert dicom_errors(path) == []
        assert "PatientAge" not in dcmread(path)


def test_area_in_pixels(tmp_path: Path) -> None:
    """Where no file says how large a pixel is; with no limit, or one of them, known."""
    import numpy as np

    package = write_segmenter(tmp_path / "p.overread")
    mask = np.zeros(SHAPE[:2][::-1], np.uint8)
    mask[2:5, 3:6] = 1
    answer = given_mask(
        mask,
        Measurement("lesion", "area", 9, None, None, "{pixels}"),
        Measurement("edema", "area", 0, None, 4, "{pixels}"),
    )
    made = objects(package, write_series(tmp_path / "in")[:1], tmp_path, answer)
    assert dicom_errors(made["sr"]) == []
    ds = dcmread(made["sr"])
    areas = [i.MeasuredValueSequence[0] for i in items(ds) if i.ValueType == "NUM" and concept(i) == "Area"]
    unit = areas[0].MeasurementUnitsCodeSequence[0]
    assert (unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning) == ("{pixels}", "UCUM", "pixels")
    assert [float(a.NumericValue) for a in areas] == [9, 0]
    assert "Lower limit of 90% prediction interval" not in numbers(ds)
    assert numbers(ds)["Upper limit of 90% prediction interval"] == (4.0, "{pixels}")


def test_unusual_measurements(tmp_path: Path) -> None:
    """An interval that does not hold its estimate, a count, an area: all are said as they are."""
    import numpy as np

    package = write_segmenter(tmp_path / "p.overread")
    mask = np.zeros(SHAPE)
    mask[BRIGHT] = 1
    answer = given_mask(
        mask,
        Measurement("lesion", "volume", 1.0, 1.1, 1.5, "ml"),
        Measurement("lesion", "count", 3, None, None, "1"),
        Measurement("edema", "area", 0, 0, 2, "mm2"),
    )
    made = objects(package, write_series(tmp_path / "in"), tmp_path, answer)
    assert dicom_errors(made["sr"]) == []
    found = numbers(dcmread(made["sr"]))
    assert found["Lower limit of 90% prediction interval"] == (1.1, "ml")
    assert found["Number of separate parts"] == (3.0, "1")
    assert found["Area"] == (0.0, "mm2")
