"""Calibrated regions of an ultrasound picture. Source: PS3.3 C.8.5.5 (US Region Calibration)."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset

from overread.imaging.dicom.values import items, number

FORMATS = {
    1: "2D",
    2: "M-mode",
    3: "spectral",
    4: "wave form",
    5: "graphics",
}
UNITS = {
    0: "none",
    1: "percent",
    2: "dB",
    3: "cm",
    4: "s",
    5: "Hz",
    6: "dB/s",
    7: "cm/s",
    8: "cm2",
    9: "cm2/s",
    10: "cm3",
    11: "cm3/s",
    12: "degrees",
}
CORNERS = ("MinX0", "MinY0", "MaxX1", "MaxY1")


def ultrasound_facts(dataset: Dataset) -> dict[str, Any]:
    """``ultrasound_regions``: for each, its format, its box (first column and row, last column and row), and per
    direction the unit and how much of it one pixel is."""
    regions = []
    for region in items(dataset, "SequenceOfUltrasoundRegions"):
        box = tuple(number(region, f"RegionLocation{corner}", "ultrasound region") for corner in CORNERS)
        units = [number(region, f"PhysicalUnits{axis}Direction", "ultrasound region") for axis in "XY"]
        regions.append(
            {
                "format": FORMATS.get(
                    int(number(region, "RegionSpatialFormat", "ultrasound region") or 0), "none"
                ),
                "box": box,
                "units": tuple(UNITS.get(int(u), "none") if u is not None else "none" for u in units),
                "per_pixel": tuple(
                    number(region, f"PhysicalDelta{axis}", "ultrasound region") for axis in "XY"
                ),
            }
        )
    return {"ultrasound_regions": tuple(regions)} if regions else {}
