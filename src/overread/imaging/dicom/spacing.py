"""How far apart the pixels lie, mm, and how it is known.

Source: PS3.3 10.7.1.3 (Pixel Spacing and its calibration), C.8.11.7 and C.8.7.5 (spacing at the detector and
magnification), C.8.5.5 (Ultrasound Region Calibration).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import Dataset

from overread.imaging.dicom.values import floats, items, number, text

REGION_2D, CENTIMETRE = 1, 3
"""Region Spatial Format of a 2D image, Physical Units of centimetres (PS3.3 C.8.5.5.1)."""


@dataclass(frozen=True)
class Spacing:
    """``mm`` between rows and between columns, None where unknown; ``aspect`` is their ratio where only that is
    told; ``notes`` says what it was taken from where that is not Pixel Spacing."""

    mm: tuple[float, float] | None
    aspect: float = 1.0
    notes: tuple[str, ...] = ()


def pixel_spacing(measures: Dataset, dataset: Dataset, name: str) -> Spacing:
    """Spacing of the pixels from the best attribute present.

    ``measures`` holds Pixel Spacing: the data set itself, or the Pixel Measures of a frame.
    """
    found = floats(measures, "PixelSpacing", 2, name)
    if found is not None and found.min() > 0:
        return Spacing((float(found[0]), float(found[1])), notes=_calibration(dataset))
    notes: tuple[str, ...] = ()
    if found is not None:
        notes = (f"PixelSpacing {found.tolist()} is not positive and was not used",)
    for keyword in ("ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = floats(dataset, keyword, 2, name)
        if found is None:
            continue
        if found.min() > 0:
            factor, note = _remark(dataset, keyword, name)
            return Spacing((float(found[0] / factor), float(found[1] / factor)), notes=(*notes, note))
        notes += (f"{keyword} {found.tolist()} is not positive and was not used",)
    region = _ultrasound(dataset, name)
    if region is not None:
        note = "pixel spacing is that of the ultrasound region, calibrated in cm"
        return Spacing(region, notes=(*notes, note))
    aspect = floats(dataset, "PixelAspectRatio", 2, name)
    if aspect is not None and aspect.min() > 0 and aspect[0] != aspect[1]:
        return Spacing(None, float(aspect[0] / aspect[1]), notes)
    return Spacing(None, notes=notes)


def _calibration(dataset: Dataset) -> tuple[str, ...]:
    kind = text(dataset, "PixelSpacingCalibrationType")
    if kind == "FIDUCIAL":
        return ("PixelSpacing was calibrated by an object of known size (FIDUCIAL)",)
    return ("PixelSpacing was corrected for the magnification (GEOMETRY)",) if kind == "GEOMETRY" else ()


def _remark(dataset: Dataset, keyword: str, name: str) -> tuple[float, str]:
    """What to divide a spacing by, and the sentence about it."""
    if keyword == "NominalScannedPixelSpacing":
        return 1.0, "pixel spacing is NominalScannedPixelSpacing, of the digitised film"
    factor = number(dataset, "EstimatedRadiographicMagnificationFactor", name)
    if factor is None or factor <= 0 or factor == 1:
        return 1.0, "pixel spacing is ImagerPixelSpacing, at the detector, not in the patient"
    return factor, (
        "pixel spacing is ImagerPixelSpacing, at the detector, divided by "
        f"EstimatedRadiographicMagnificationFactor {factor:g}"
    )


def _ultrasound(dataset: Dataset, name: str) -> tuple[float, float] | None:
    """The spacing that all 2D regions in cm share, None where there is none or they differ."""
    found = set()
    for region in items(dataset, "SequenceOfUltrasoundRegions"):
        units = (number(region, f"PhysicalUnits{axis}Direction", name) for axis in "XY")
        if number(region, "RegionSpatialFormat", name) == REGION_2D and all(u == CENTIMETRE for u in units):
            x, y = (number(region, f"PhysicalDelta{axis}", name) for axis in "XY")
            if x and y:
                found.add((round(abs(y) * 10, 9), round(abs(x) * 10, 9)))
    return found.pop() if len(found) == 1 else None
