"""What the node reads of a study before anything else, whatever is in the header."""

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

from overread.clinic.node import describe, is_virtual


def test_describe(tmp_path: Path) -> None:
    path = write_series(tmp_path, slices=1, PatientComments="A virtual patient.")[0]
    assert describe(path) == {
        "patient_id": "P1",
        "patient_name": "M\xfcller^Eva",
        "description": "Brain",
        "modalities": "MR",
        "study_date": "20240102",
        "virtual": 1,
    }


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40), st.binary(max_size=24), st.binary(max_size=16))
def test_hostile_headers_raise_nothing(tmp_path: Path, name: bytes, charset: bytes, date: bytes) -> None:
    source = tmp_path / "1.2.3.1.1.dcm"
    ds = dcmread(source if source.exists() else write_series(tmp_path, slices=1)[0])
    for tag, vr, value in ((0x00080005, "CS", charset), (0x00100010, "PN", name), (0x00080020, "DA", date)):
        ds[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    hostile = tmp_path / "hostile.bin"
    ds.save_as(hostile)
    found = describe(hostile)
    assert found["patient_id"] == "P1"
    assert all(isinstance(v, (str, int)) for v in found.values())


@pytest.mark.parametrize(
    ("identity", "comments", "virtual"),
    [("VIRTUAL-1", "", True), ("virtual7", "", True), ("P", "Virtual Patient 3", True), ("P", "", False)],
)
def test_is_virtual(identity: str, comments: str, virtual: bool) -> None:
    ds = Dataset()
    ds.PatientID, ds.PatientComments = identity, comments
    assert is_virtual(ds) is virtual
    assert not is_virtual(Dataset())
