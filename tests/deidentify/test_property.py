"""Whatever a data set looks like, what identified it is not in the file that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from overread.deidentify import Key, WithheldError
from overread.deidentify.allowed import Allowed
from overread.deidentify.dataset import process
from overread.deidentify.finished import encode
from overread.deidentify.options import OPTIONS, choose

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
PLANTED = ["Zwyxelburg", "QORVANTHA", "PLNT-8842917", "19470319", "1947-03-19", "Zwyxelburg^Qorvantha"]
TAGS = {
    "LO": [0x00081030, 0x0008103E, 0x00081090, 0x00181020, 0x00700081, 0x00080104, 0x00620005],
    "LT": [0x00204000, 0x00104000, 0x00321070, 0x00089215],
    "ST": [0x00081049, 0x00620006, 0x00420010],
    "UT": [0x0040A160, 0x00620020],
    "SH": [0x00081010, 0x00200010, 0x00181150, 0x00080100],
    "PN": [0x00100010, 0x00081070, 0x300E0008, 0x0040A123],
    "CS": [0x00180015, 0x00080060, 0x00700080],
    "DA": [0x00080020, 0x00080012, 0x00100030, 0x00181200],
    "OB": [0x00282000, 0x00720065],
    "UN": [0x00189FFE, 0x00101FFE],
    "AE": [0x00080055, 0x00080054],
    "UR": [0x00081190],
    "UC": [0x00080119],
}
SEQUENCES = [
    0x00081140,
    0x0040A730,
    0x00400275,
    0x00082218,
    0x00400555,
    0x00321064,
    0x00081115,
    0x52009230,
    0x0040A043,
]


@st.composite
def datasets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    dataset = Dataset()
    for _ in range(draw(st.integers(1, 5))):
        vr = draw(st.sampled_from(sorted(TAGS)))
        tag = draw(st.sampled_from(TAGS[vr]))
        value = (
            draw(st.sampled_from(["", "at ", "x"]))
            + draw(st.sampled_from(PLANTED))
            + draw(st.sampled_from(["", "."]))
        )
        if vr == "DA":
            value = draw(st.sampled_from(["19470319", value]))
        content = value.encode() + b" " * (len(value) % 2) if vr in ("OB", "UN") else value
        dataset[tag] = DataElement(tag, vr, content, already_converted=vr == "DA")
        if draw(st.booleans()):
            block = dataset.private_block(0x0011, draw(st.sampled_from(["ACME", "Zwyxelburg"])), create=True)
            block.add_new(draw(st.integers(0, 255)), "LO", value[:64])
    if depth < 3 and draw(st.booleans()):
        tag = draw(st.sampled_from(SEQUENCES))
        dataset[tag] = DataElement(
            tag, "SQ", Sequence(draw(st.lists(datasets(depth + 1), min_size=1, max_size=2)))
        )
    return dataset


def planted_file(dataset: Dataset) -> FileDataset:
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = (
        "Zwyxelburg^Qorvantha",
        "PLNT-8842917",
        "19470319",
    )
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
    )
    return FileDataset("", dataset, preamble=b"Zwyxelburg".ljust(128), file_meta=meta)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dataset=datasets(),
    names=st.sets(
        st.sampled_from(sorted(set(OPTIONS) - {"clean-pixel-data", "retain-full-dates"})), max_size=4
    ),
)
def test_no_planted_value_survives(
    dataset: Dataset, names: set[str], key: Key, found: Callable[[bytes], list[str]]
) -> None:
    source = planted_file(dataset)
    buffer = BytesIO()
    dcmwrite(buffer, source)
    assert found(buffer.getvalue())
    result = encode(process(source, key, choose(names), (), Allowed(), "file"), "file")
    assert found(result) == []


def test_what_still_identifies_is_never_written(key: Key) -> None:
    source = planted_file(Dataset())
    done = process(source, key, choose(), (), Allowed(), "file")
    done.dataset.Manufacturer = "of zwyxelburg"
    with pytest.raises(WithheldError, match="identifying value"):
        encode(done, "file")
