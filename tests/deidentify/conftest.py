"""Planted identifiers, real files to plant them in, and a key."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from overread.deidentify import Key
from overread.imaging import text_finder

NAME, GIVEN, ID, ACCESSION = "Zwyxelburg", "Qorvantha", "PLNT-8842917", "ACC77120934"
BIRTH, STUDY = "19470319", "20190604"
ADDRESS = "14 Quellenweg, Tumbleford"
FORMS = (
    *(NAME, GIVEN, ID, "8842917", ACCESSION, "Quellenweg", "Tumbleford", BIRTH, STUDY),
    *("1947-03-19", "19.03.1947", "03/19/1947", "2019-06-04", "04.06.2019", "06/04/2019", "1947.03.19"),
)
"""What may not be in any output, in upper or lower case."""


def plant(dataset: Dataset) -> Dataset:
    """Write the planted identifiers wherever a site or a vendor might."""
    full = f"{NAME}^{GIVEN}"
    said = f"{GIVEN} {NAME}, born 19.03.1947 (03/19/1947), ID {ID}, seen 2019-06-04 (04.06.2019, 06/04/2019)"
    said += f" and {STUDY}, not 1947.03.19"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = full, ID, BIRTH
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = STUDY
    dataset.StudyTime = "101112"
    dataset.AcquisitionDateTime = f"{STUDY}101112.000000"
    dataset.AccessionNumber = ACCESSION
    dataset.PatientAddress = ADDRESS
    dataset.InstitutionAddress = ADDRESS
    dataset.OtherPatientIDs = [ID, "8842917"]
    dataset.OperatorsName = [full, f"{GIVEN}^{NAME}"]
    dataset.ReferringPhysicianName = full
    dataset.PatientComments = dataset.ImageComments = dataset.StudyComments = said
    dataset.StudyDescription = f"CT {NAME}"
    dataset.SeriesDescription = f"{ID} {STUDY}"
    dataset.ProtocolName = f"for {full}"
    # Attributes that the table does not name.
    dataset.SoftwareVersions = ["1.0", f"{NAME} 1947-03-19"]
    dataset.ManufacturerModelName = f"Model of {NAME.upper()}"
    dataset.ContentDescription = said[:64]
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"
    item.PatientName, item.PatientID, item.TextValue = full, ID, said
    item.ScheduledProcedureStepDescription = said[:64]
    inner = Dataset()
    inner.CodeValue, inner.CodingSchemeDesignator, inner.CodeMeaning = ID, "99LOCAL", f"asked by {full}"
    item.ScheduledProtocolCodeSequence = Sequence([inner])
    dataset.RequestAttributesSequence = Sequence([item])
    dataset.ReferencedStudySequence = Sequence([item])
    dataset.ReferencedImageSequence = Sequence([item])
    dataset.AnatomicRegionSequence = Sequence([inner])
    block = dataset.private_block(0x0029, f"{NAME} PRIVATE", create=True)
    block.add_new(0x10, "LO", full)
    block.add_new(0x11, "OB", said.encode() + b" " * (len(said) % 2))
    block.add_new(0x12, "UN", said.encode())
    block.add_new(0x13, "SQ", Sequence([item]))
    block.add_new(0x14, "DA", BIRTH)
    # A public tag that no dictionary knows, as an unknown value.
    dataset[0x00189FFE] = DataElement(0x00189FFE, "UN", said.encode())
    dataset[0x60000010] = DataElement(0x60000010, "US", 8)
    dataset[0x60000011] = DataElement(0x60000011, "US", 8)
    dataset[0x60000040] = DataElement(0x60000040, "CS", "G")
    dataset[0x60000022] = DataElement(0x60000022, "LO", said[:64])
    dataset[0x60003000] = DataElement(0x60003000, "OW", (full * 4).encode()[:64])
    dataset[0x60004000] = DataElement(0x60004000, "LT", said)
    if isinstance(dataset, FileDataset):
        dataset.preamble = full.encode().ljust(128, b"\0")
        dataset.file_meta.SourceApplicationEntityTitle = NAME.upper()
        dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
        dataset.file_meta.PrivateInformation = said.encode() + b" " * (len(said) % 2)
    return dataset


def remaining(data: bytes) -> list[str]:
    """The planted identifiers in the bytes of a file, in any case, also as UTF-16."""
    low = data.lower()
    return [f for f in FORMS if f.lower().encode() in low or f.lower().encode("utf-16-le") in low]


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text in pictures is found by its strokes, whatever is installed: reading takes a second a picture."""
    monkeypatch.setattr(text_finder, "is_installed", lambda: False)


@pytest.fixture
def key() -> Key:
    return Key(bytes(range(32)))


@pytest.fixture
def planted() -> Callable[[Dataset], Dataset]:
    return plant


@pytest.fixture
def found() -> Callable[[bytes], list[str]]:
    return remaining


REAL = {
    "CT": "dicom_ct_head_series/ge_head_ct_28slices.zip",
    "MR": "dicom_mr_t1_structural/studyforrest_t1_7T_64slices.zip",
    "CR": "dicom_cr_radiographs/RG3_J2KR.dcm",
    "CT of dcmqi": "dicom_seg_sr/dcmqi_segmentations/ct-3slice/01.dcm",
    "enhanced": "dicom_seg_sr/dcmqi_segmentations/23x38x3/multiframe/mf.dcm",
    "SEG of dcmqi": "dicom_seg_sr/dcmqi_segmentations/liver.dcm",
    "SR of dcmqi": "dicom_seg_sr/dcmqi_sr/sr.dcm",
    "real world value map": "dicom_seg_sr/dcmqi_sr/rwvm.dcm",
    "CT of highdicom": "dicom_seg_sr/highdicom_test_files/ct_image.dcm",
    "DX": "dicom_seg_sr/highdicom_test_files/dx_image.dcm",
    "SEG": "dicom_seg_sr/highdicom_test_files/seg_image_ct_binary.dcm",
    "labelmap": "dicom_seg_sr/highdicom_test_files/seg_image_sm_control_labelmap.dcm",
    "slide": "dicom_seg_sr/highdicom_test_files/sm_image.dcm",
    "slide annotations": "dicom_seg_sr/highdicom_test_files/sm_annotations.dcm",
    "SR": "dicom_seg_sr/highdicom_test_files/sr_document.dcm",
}


@pytest.fixture(params=REAL)
def real(request: pytest.FixtureRequest, data_dir: Path) -> bytes:
    """The bytes of a real file of each kind."""
    path = data_dir / REAL[request.param]
    if not path.exists():
        pytest.skip(f"{path} is not there")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return archive.read(sorted(n for n in archive.namelist() if n.endswith(".dcm"))[5])
    return path.read_bytes()


@pytest.fixture
def small() -> Callable[..., FileDataset]:
    """A small CT, with other attributes where asked for."""

    def make(**attributes: object) -> FileDataset:
        dataset = Dataset()
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.826.0.1.3680043.9.1"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (
            "1.2.826.0.1.3680043.9.2",
            "1.2.826.0.1.3680043.9.3",
        )
        dataset.Modality, dataset.PatientName, dataset.PatientID = "CT", "Zwyxelburg^Anna", "H-552"
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 4, 6, 1
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "MONOCHROME2"
        dataset.PixelData = struct.pack("<24H", *range(100, 124))
        for name, value in attributes.items():
            setattr(dataset, name, value)
        buffer = BytesIO()
        dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=False)
        buffer.seek(0)
        again = dcmread(buffer, force=True)
        again.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        again.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        again.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        return again

    return make
