"""Which part of the body images show, as the source says it (PS3.3 C.7.6.16.2.8, Frame Anatomy)."""

from __future__ import annotations

from highdicom.sr.coding import Code
from pydicom.dataset import Dataset

from overread.clinic.results.content_items import coded
from overread.imaging.dicom.values import first_item, text

ENTIRE_BODY = Code("38266002", "SCT", "Entire body")
# PS3.16 annex L: Body Part Examined and the codes that it stands for.
REGIONS = {
    "ABDOMEN": Code("818983003", "SCT", "Abdomen"),
    "BRAIN": Code("12738006", "SCT", "Brain"),
    "BREAST": Code("76752008", "SCT", "Breast"),
    "CHEST": Code("816094009", "SCT", "Chest"),
    "HEAD": Code("69536005", "SCT", "Head"),
    "HEART": Code("80891009", "SCT", "Heart"),
    "KIDNEY": Code("64033007", "SCT", "Kidney"),
    "KNEE": Code("72696002", "SCT", "Knee"),
    "LIVER": Code("10200004", "SCT", "Liver"),
    "NECK": Code("45048000", "SCT", "Neck"),
    "PELVIS": Code("816092008", "SCT", "Pelvis"),
    "PROSTATE": Code("41216001", "SCT", "Prostate"),
}


def frame_anatomy(header: Dataset) -> Dataset:
    """Anatomic region and laterality of all frames; the entire body where the source names no part that is known."""
    item = Dataset()
    side = text(header, "ImageLaterality") or text(header, "Laterality")
    item.FrameLaterality = side if side in ("L", "R", "B") else "U"
    given = first_item(header, "AnatomicRegionSequence")
    if given is not None and text(given, "CodeValue") and text(given, "CodeMeaning"):
        names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        region = Code(*(text(given, name) for name in names))
    else:
        region = REGIONS.get(text(header, "BodyPartExamined").upper(), ENTIRE_BODY)
    item.AnatomicRegionSequence = [coded(region)]
    return item
