"""Dummy and empty values for every value representation."""

from __future__ import annotations

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import VR

from overread.deidentify.values import (
    BYTES,
    DUMMY_TEXT,
    dummy,
    emptied,
    has_value,
    put,
    shallow,
    values,
    with_values,
)

SOUND = {
    "AE": "NODE", "AS": "045Y", "AT": 0x00100010, "CS": "MR", "DA": "20200101", "DS": "1.5", "DT": "20200101120000",
    "FD": 1.5, "FL": 1.5, "IS": "7", "LO": "text", "LT": "text", "PN": "A^B", "SH": "text", "SL": 1, "SS": 1,
    "ST": "text", "SV": 1, "TM": "120000", "UC": "text", "UI": "1.2.3", "UL": 1, "UR": "http://x", "US": 1,
    "UT": "text", "UV": 1, "OB": b"abcd", "OD": b"12345678", "OF": b"abcd", "OL": b"abcd", "OV": b"12345678",
    "OW": b"abcd", "UN": b"abcd",
}  # fmt: skip


@pytest.mark.parametrize("vr", sorted(SOUND))
def test_dummy_and_empty(vr: str) -> None:
    element = DataElement(0x00091001, vr, SOUND[vr])
    assert has_value(element)
    assert not has_value(emptied(element))
    new = dummy(element)
    assert vr == new.VR and new.value != element.value
    if vr in BYTES:
        assert new.value == bytes(len(element.value))


def test_every_representation_is_here() -> None:
    assert {v.value for v in VR if len(v.value) == 2} == {*SOUND, "SQ"}


def test_the_number_of_values_is_kept() -> None:
    element = DataElement(0x00080008, "CS", ["ORIGINAL", "PRIMARY"])
    assert values(element) == ["ORIGINAL", "PRIMARY"]
    assert list(dummy(element).value) == [DUMMY_TEXT] * 2
    assert values(with_values(element, [])) == [] and with_values(element, ["X"]).value == "X"


def test_a_shallow_copy_leaves_its_source_alone() -> None:
    source = Dataset()
    source.PatientName, source.StudyDate = "A^B", "20200101"
    copied = shallow(source)
    put(copied, "PatientName", "X")
    del copied.StudyDate
    assert source.PatientName == "A^B" and source.StudyDate == "20200101" and copied.PatientName == "X"
