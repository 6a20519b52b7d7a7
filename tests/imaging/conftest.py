"""Small DICOM series made to order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

SERIES = "1.2.826.0.1.3680043.8.498.100"


@pytest.fixture
def make_slice() -> Callable[..., FileDataset]:
    """A factory of MR slices; keyword arguments replace attributes, None removes one."""

    def make(number: int = 0, pixels: Any = None, **attributes: Any) -> FileDataset:
        if pixels is None:
            pixels = np.random.default_rng(number).integers(0, 1000, (6, 5))
        pixels = np.asarray(pixels)
        dtype = pixels.dtype if pixels.dtype in (np.uint8, np.int16, np.uint16) else np.uint16
        pixels = pixels.astype(dtype)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = f"{SERIES}.{number + 1}"
        ds = FileDataset(f"slice{number}.dcm", {}, file_meta=meta, preamble=bytes(128))
        values = {
            "SOPClassUID": MRImageStorage,
            "SOPInstanceUID": f"{SERIES}.{number + 1}",
            "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1",
            "SeriesInstanceUID": SERIES,
            "Modality": "MR",
            "PatientID": "P1",
            "PatientAge": "045Y",
            "InstanceNumber": number + 1,
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": [-10.0, -20.0, 30.0 + 2.5 * number],
            "PixelSpacing": [0.8, 0.6],
            "SliceThickness": 2.5,
            "SamplesPerPixel": 1 if pixels.ndim == 2 else 3,
            "PhotometricInterpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB",
            "Rows": pixels.shape[0],
            "Columns": pixels.shape[1],
            "BitsAllocated": dtype.itemsize * 8 if isinstance(dtype, np.dtype) else 16,
            "PixelRepresentation": 1 if dtype == np.int16 else 0,
        }
        values["BitsStored"] = values["BitsAllocated"]
        values["HighBit"] = values["BitsStored"] - 1
        if pixels.ndim == 3:
            values["PlanarConfiguration"] = 0
        values["PixelData"] = pixels.tobytes()
        for keyword, value in (values | attributes).items():
            if value is not None:
                setattr(ds, keyword, value)
        ds["PixelData"].VR = "OW" if values["BitsAllocated"] == 16 else "OB"
        return ds

    return make


@pytest.fixture
def save_series(tmp_path: Path) -> Callable[..., Path]:
    """Write data sets to a folder in the order given and return the folder."""

    def save(datasets: list[FileDataset], name: str = "series") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for n, ds in enumerate(datasets):
            ds.save_as(folder / f"{n:03d}.dcm", enforce_file_format=True)
        return folder

    return save
