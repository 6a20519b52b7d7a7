"""A multi-frame object of the small study."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian
from tests.clinic.site import plane_of, write_series


def write_enhanced(path: Path, order: list[int]) -> Path:
    """One enhanced MR object whose frames lie in ``order``."""
    plain = dcmread(write_series(path.parent / "plain", slices=1)[0])
    ds = Dataset()
    for element in plain:
        if element.tag.group != 0x7FE0:
            ds.add(element)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(ds, keyword)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = EnhancedMRImageStorage
    ds.NumberOfFrames = len(order)
    orientation, measures, values = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [1, 2], 3
    values.RescaleIntercept, values.RescaleSlope, values.RescaleType = 0, 1, "US"
    shared = Dataset()
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelMeasuresSequence = [measures]
    shared.PixelValueTransformationSequence = [values]
    ds.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for k in order:
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [-5, -9, 3 * k]
        group.PlanePositionSequence = [position]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.PixelData = b"".join(plane_of(k).astype("<u2").tobytes() for k in order)
    ds.save_as(path, enforce_file_format=True)
    return path
