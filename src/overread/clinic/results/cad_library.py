"""Entries of the image library of a CAD report: TID 4020 (PS3.16)."""

from __future__ import annotations

from highdicom.sr.coding import Code
from pydicom.dataset import Dataset

from overread.clinic.results import cad_codes as codes
from overread.clinic.results.content_items import code_item, date_item, image_item, number_item, text_item
from overread.imaging.dicom.values import first_item, floats, text

SIDES = {"L": Code("80248007", "SCT", "Left breast"), "R": Code("73056007", "SCT", "Right breast")}
# CID 4014 View for Mammography by ViewPosition, and CID 4010 for chest.
MAMMOGRAPHY_VIEWS = {
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
    "ML": Code("399260004", "SCT", "medio-lateral"),
    "LM": Code("399352003", "SCT", "latero-medial"),
}
CHEST_VIEWS = {
    "PA": Code("399348003", "SCT", "postero-anterior"),
    "AP": Code("399067008", "SCT", "antero-posterior"),
    "LL": Code("399173006", "SCT", "left lateral"),
}


def image_entry(header: Dataset, *, mammography: bool) -> Dataset:
    """One image with what it says of side, view, orientation, times and pixel spacing."""
    relation, properties = "HAS ACQ CONTEXT", []
    side = text(header, "ImageLaterality") or text(header, "Laterality")
    if mammography and side in SIDES:
        properties.append(code_item(relation, codes.IMAGE_LATERALITY, SIDES[side]))
    view = _view(header, mammography=mammography)
    if view is not None:
        properties.append(code_item(relation, codes.IMAGE_VIEW, view))
    orientation = text(header, "PatientOrientation").split("\\")
    if len(orientation) == 2:
        for name, value in zip((codes.ORIENTATION_ROW, codes.ORIENTATION_COLUMN), orientation, strict=True):
            properties.append(text_item(relation, name, value))
    for name, kind, keyword in (
        (codes.STUDY_DATE, "DATE", "StudyDate"),
        (codes.STUDY_TIME, "TIME", "StudyTime"),
        (codes.CONTENT_DATE, "DATE", "ContentDate"),
        (codes.CONTENT_TIME, "TIME", "ContentTime"),
    ):
        value = text(header, keyword)
        if value.replace(".", "").isdigit():
            properties.append(date_item(relation, name, kind, value))
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = floats(header, keyword, 2, f"instance {header.SOPInstanceUID}")
        if spacing is not None and min(spacing) > 0:
            # In micrometers; the first number is the distance of the rows.
            for name, mm in zip((codes.VERTICAL_SPACING, codes.HORIZONTAL_SPACING), spacing, strict=True):
                properties.append(number_item(relation, name, 1000 * float(mm), codes.MICROMETER))
            break
    return image_item("CONTAINS", header, properties)


def _view(header: Dataset, *, mammography: bool) -> Code | None:
    item = first_item(header, "ViewCodeSequence")
    if item is not None and text(item, "CodeValue") and text(item, "CodeMeaning"):
        return Code(text(item, "CodeValue"), text(item, "CodingSchemeDesignator"), text(item, "CodeMeaning"))
    table = MAMMOGRAPHY_VIEWS if mammography else CHEST_VIEWS
    return table.get(text(header, "ViewPosition").upper())
