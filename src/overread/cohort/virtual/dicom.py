"""Virtual images as classic DICOM MR series (PS3.3 A.4, MR Image Storage), one file per slice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from overread.cohort.virtual.scanner import Scanner

# What the two sequences declare: an inversion-prepared gradient echo and a fluid-attenuated turbo spin echo.
SEQUENCES: dict[str, dict[str, object]] = {
    "T1": {
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": ["SK", "SP", "MP"],
        "MRAcquisitionType": "3D",
        "RepetitionTime": 2000,
        "EchoTime": 2.6,
        "InversionTime": 900,
        "EchoTrainLength": 1,
        "FlipAngle": 9,
    },
    "FLAIR": {
        "ScanningSequence": ["SE", "IR"],
        "SequenceVariant": ["SK", "MP"],
        "MRAcquisitionType": "2D",
        "RepetitionTime": 9000,
        "EchoTime": 110,
        "InversionTime": 2500,
        "EchoTrainLength": 17,
        "FlipAngle": 150,
    },
}


@dataclass(frozen=True)
class Identity:
    """Who and where: what every slice of a virtual patient carries. ``age`` in years, ``sex`` F or M."""

    number: int
    seed: int
    age: int
    sex: str
    site: str
    scanner: Scanner

    @property
    def case(self) -> str:
        """Name of the case and PatientID."""
        return f"VIRTUAL-{self.number:03d}"

    def uid(self, *parts: object) -> UID:
        """A UID under 2.25 (PS3.5 B.2) that the seed, the patient and ``parts`` determine."""
        text = ":".join(map(str, ("overread virtual patient", self.seed, self.number, *parts)))
        return UID(f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}")


def series_affine(
    orientation: Sequence[float], origin: Sequence[float], spacing: Sequence[float]
) -> NDArray[np.float64]:
    """Affine of a volume indexed (column, row, slice): ``(4, 4)`` to RAS+ mm.

    ``orientation`` is ImageOrientationPatient, ``origin`` the first slice's ImagePositionPatient (both LPS),
    ``spacing`` the distance of columns, rows and slices in mm (PS3.3 C.7.6.2.1.1).
    """
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([row, column, np.cross(row, column)], axis=1) * np.asarray(spacing)
    affine[:3, 3] = origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def write_series(
    folder: Path,
    name: str,
    volume: NDArray[np.int16],
    orientation: Sequence[float],
    origin: Sequence[float],
    spacing: Sequence[float],
    who: Identity,
) -> None:
    """Write ``volume`` (column, row, slice) as ``folder/0001.dcm`` ... in the geometry of `series_affine`."""
    folder.mkdir(parents=True)
    shared = _shared(name, volume, orientation, spacing, who)
    normal = np.cross(orientation[:3], orientation[3:])
    for k in range(volume.shape[2]):
        place = np.asarray(origin) + normal * spacing[2] * k
        shared.SOPInstanceUID = who.uid(name, "instance", k)
        shared.InstanceNumber = k + 1
        shared.ImagePositionPatient = [format_number_as_ds(float(v)) for v in place]
        shared.SliceLocation = format_number_as_ds(float(place @ normal))
        shared.PixelData = np.ascontiguousarray(volume[:, :, k].T, "<i2").tobytes()
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = shared.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{k + 1:04d}.dcm"
        dcmwrite(
            path, FileDataset(path, shared, preamble=b"\0" * 128, file_meta=meta), enforce_file_format=True
        )


def _shared(
    name: str,
    volume: NDArray[np.int16],
    orientation: Sequence[float],
    spacing: Sequence[float],
    who: Identity,
) -> Dataset:
    """Everything that the slices of one series have in common, every value checked against its VR once."""
    number = 1 + list(SEQUENCES).index(name)
    d = Dataset()
    d.SpecificCharacterSet = "ISO_IR 192"
    d.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    d.SOPClassUID = MRImageStorage
    d.StudyDate = d.SeriesDate = d.ContentDate = "20240101"
    d.StudyTime = d.SeriesTime = d.ContentTime = f"{8 + number:02d}0000"
    d.AccessionNumber = f"V{who.number:06d}"
    d.Modality = "MR"
    d.Manufacturer = f"Virtual {who.scanner.name}"
    d.ManufacturerModelName = f"Virtual {who.scanner.name} {who.scanner.tesla:g}T"
    d.DeviceSerialNumber = f"{who.site}-{who.scanner.name}"
    d.SoftwareVersions = "1"
    d.InstitutionName = f"Virtual {who.site}"
    d.StationName = f"SCANNER-{who.scanner.name}"
    d.ReferringPhysicianName = ""
    d.StudyDescription = "Virtual brain MR"
    d.SeriesDescription = name
    d.PatientName = f"Virtual^Patient{who.number:03d}"
    d.PatientID = who.case
    d.PatientBirthDate = ""
    d.PatientSex = who.sex
    d.PatientAge = f"{who.age:03d}Y"
    d.PatientComments = "virtual patient"
    d.BodyPartExamined = "HEAD"
    for keyword, value in SEQUENCES[name].items():
        setattr(d, keyword, value)
    d.ScanOptions = ""
    d.SliceThickness = spacing[2]
    d.SpacingBetweenSlices = spacing[2]
    d.MagneticFieldStrength = who.scanner.tesla
    d.ImagingFrequency = format_number_as_ds(round(42.577 * who.scanner.tesla, 4))
    d.ImagedNucleus = "1H"
    d.NumberOfAverages = 1
    d.EchoNumbers = 1
    d.ProtocolName = name
    d.PatientPosition = "HFS"
    d.StudyInstanceUID = who.uid("study")
    d.SeriesInstanceUID = who.uid(name, "series")
    d.StudyID = str(who.number)
    d.SeriesNumber = number
    d.FrameOfReferenceUID = who.uid("frame of reference")
    d.PositionReferenceIndicator = ""
    d.ImageComments = "virtual patient"
    d.ImageOrientationPatient = [format_number_as_ds(float(v)) for v in orientation]
    d.PixelSpacing = [spacing[1], spacing[0]]
    d.SamplesPerPixel = 1
    d.PhotometricInterpretation = "MONOCHROME2"
    d.Rows, d.Columns = volume.shape[1], volume.shape[0]
    d.BitsAllocated = d.BitsStored = 16
    d.HighBit = 15
    d.PixelRepresentation = 1
    top = float(np.percentile(volume, 99.7))
    d.WindowCenter, d.WindowWidth = round(top / 2), max(1, round(top))
    return d
