"""What the node reads of a study before anything else, whatever is in its headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from tests.clinic.site import write_series

from overread.clinic.config import Route
from overread.clinic.look import Marks, is_virtual, look

MR = Route(name="mr", package=Path("a"), match={"Modality": "^MR$", "SeriesDescription": "T1"})


def test_what_a_study_holds(tmp_path: Path) -> None:
    files = write_series(
        tmp_path, slices=2, PatientComments="A virtual patient.", NumberOfStudyRelatedInstances="7"
    )
    files += write_series(tmp_path, series="1.2.3.2", slices=1, description="FLAIR")
    marks = tmp_path / "marks" / "m"
    seen = look(files, [MR, Route(name="all", package=Path("b"))], set(), marks=Marks(marks))
    assert seen["columns"] == {
        "patient_id": "P1",
        "patient_name": "M\xfcller^Eva",
        "description": "Brain",
        "modalities": "MR",
        "study_date": "20240102",
        "accession": "A1",
    }
    assert (seen["virtual"], seen["expected"], seen["patient"], seen["aside"]) == (True, 7, "", [])
    assert [(s["uid"], len(s["sops"]), s["description"]) for s in seen["series"]] == [
        ("1.2.3.1", 2, "T1"),
        ("1.2.3.2", 1, "FLAIR"),
    ]
    assert seen["fits"] == {"mr": True, "all": True}
    assert look(files, [MR], {"mr"})["fits"] == {"mr": False}
    assert not marks.exists()


def test_one_damaged_header_is_set_aside_and_the_others_are_read(tmp_path: Path) -> None:
    files = write_series(tmp_path, slices=3)
    files[0].write_bytes(b"no DICOM at all")
    files[1].write_bytes(b"")
    seen = look(files, [MR], set())
    assert [(a["sop"], a["code"]) for a in seen["aside"]] == [
        (files[0].stem, "UNREADABLE"),
        (files[1].stem, "UNREADABLE"),
    ]
    assert seen["series"][0]["sops"] == [files[2].stem]
    assert seen["fits"] == {"mr": True}


def test_two_patients_are_told(tmp_path: Path) -> None:
    files = write_series(tmp_path, slices=2)
    files += write_series(tmp_path, slices=1, start=2, PatientID="P2")
    assert "2 different values of PatientID" in look(files, [], set())["patient"]


def test_a_long_value_is_cut_before_a_pattern_sees_it(tmp_path: Path) -> None:
    files = write_series(tmp_path, slices=1, StudyComments="a" * 10_000 + "!")
    route = Route(name="long", package=Path("a"), match={"StudyComments": "!"})
    assert look(files, [route], set())["fits"] == {"long": False}


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40), st.binary(max_size=24), st.binary(max_size=16))
def test_hostile_headers_raise_nothing(tmp_path: Path, name: bytes, charset: bytes, date: bytes) -> None:
    source = tmp_path / "1.2.3.1.1.dcm"
    ds = dcmread(source if source.exists() else write_series(tmp_path, slices=1)[0])
    for tag, vr, value in ((0x00080005, "CS", charset), (0x00100010, "PN", name), (0x00080020, "DA", date)):
        ds[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    hostile = tmp_path / "hostile.bin"
    ds.save_as(hostile)
    seen = look([hostile], [MR], set())
    assert seen["columns"]["patient_id"] == "P1"
    assert all(isinstance(v, str) for v in seen["columns"].values())


@pytest.mark.parametrize(
    ("identity", "comments", "virtual"),
    [("VIRTUAL-1", "", True), ("virtual7", "", True), ("P", "Virtual Patient 3", True), ("P", "", False)],
)
def test_is_virtual(identity: str, comments: str, virtual: bool) -> None:
    ds = Dataset()
    ds.PatientID, ds.PatientComments = identity, comments
    assert is_virtual(ds) is virtual
    assert not is_virtual(Dataset())
