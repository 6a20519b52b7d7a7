"""The window of a DICOM header against pydicom, and windows that are none."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.pixels import apply_voi_lut

from overread.imaging.image import Image
from overread.imaging.intensity.window import windowed

VALUES = np.random.default_rng(0).integers(0, 4096, (1, 20, 30)).astype(np.uint16)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_as_pydicom(function: str) -> None:
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 2000, 1500, function
    dataset.PixelRepresentation, dataset.BitsStored, dataset.PhotometricInterpretation = 0, 12, "MONOCHROME2"
    expected = apply_voi_lut(VALUES[0], dataset) / 4095
    image = Image(
        VALUES, np.eye(4), "DX", source={"window": ((2000.0, 1500.0, ""),), "voi_lut_function": function}
    )
    there = windowed(image)
    np.testing.assert_allclose(there.array[0], expected, atol=1e-4)
    assert there.array.dtype == np.float32 and "window 2000 / 1500" in there.notes[0]


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"window": ((60000.0, 10.0, ""),)},
        {"window": ((np.nan, 10.0, ""),)},
        {"window": ((5.0, 0.0, ""),)},
    ],
)
def test_no_window_no_change(source: dict[str, object]) -> None:
    image = Image(VALUES, np.eye(4), "DX", source=source)
    assert windowed(image) is image
