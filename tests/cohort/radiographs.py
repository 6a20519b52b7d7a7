"""Small DICOM radiographs made to order."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid


def radiograph(path: Path, array: NDArray[Any] | None = None, seed: int = 0, **attributes: Any) -> Path:
    """Write a DICOM image of one plane, 8 or 16 bits, of noise unless given."""
    if array is None:
        array = np.random.default_rng(seed).integers(0, 255, (24, 32)).astype(np.uint8)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    values = {
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "Modality": "DX",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": array.shape[0],
        "Columns": array.shape[1],
        "BitsAllocated": 8 * array.itemsize,
        "BitsStored": 8 * array.itemsize,
        "HighBit": 8 * array.itemsize - 1,
        "PixelRepresentation": 0,
        "PixelData": array.tobytes(),
    }
    with warnings.catch_warnings():
        # Published files hold ages such as 51, of which pydicom warns.
        warnings.simplefilter("ignore")
        for keyword, value in (values | attributes).items():
            setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path
