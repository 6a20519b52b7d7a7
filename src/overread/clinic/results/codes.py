"""Codes of the result objects: the standard's where it has one, scheme 99OVERREAD where it has none."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping
from typing import TypeAlias

from highdicom.sr import CodedConcept
from highdicom.sr.coding import Code

from overread.runtime.answer_text import unit_words

SCHEME = "99OVERREAD"
LabelCodes: TypeAlias = Mapping[str, tuple[Code, Code]]
"""Category and type by label, as the route of clinic.yaml gives them."""

SUMMARY = Code("111065", "DCM", "Summary of Analyses")
# CID 6042 Status of Results
SUCCEEDED = Code("111222", "DCM", "Succeeded")
FAILED = Code("111224", "DCM", "Failed")
NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")

OF_INTEREST = Code("113000", "DCM", "Of Interest")
DEVICE = Code("121007", "DCM", "Device")
FINDING = Code("121071", "DCM", "Finding")
COMMENT = Code("121106", "DCM", "Comment")
ABSENT = Code("272519000", "SCT", "Absent")
PRESENT = Code("52101004", "SCT", "Present")
# CID 240 Present-Absent-Undetermined
UNDETERMINED = Code("373068000", "SCT", "Undetermined")
# CID 219 Geometry Graphical Representation: a box says that the object ends within it, not what its outline is.
BOUNDED_BY = Code("75958009", "SCT", "Bounded by")
VOLUME = Code("118565006", "SCT", "Volume")
AREA = Code("42798000", "SCT", "Area")
LONG_AXIS = Code("103339001", "SCT", "Long axis")
SHORT_AXIS = Code("103340004", "SCT", "Short axis")
MAX_DIAMETER = Code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh")
SURFACE = Code("C0JK", "IBSI", "Surface Area of Mesh")
PERIMETER = Code("131191004", "SCT", "Perimeter")
CIRCUMFERENCE = Code("74551000", "SCT", "Circumference")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")

PRESENCE = Code("PRESENCE", SCHEME, "Presence")
PROBABILITY = Code("PROBABILITY", SCHEME, "Probability")
COUNT = Code("COUNT", SCHEME, "Number of separate parts")
OBJECTS = Code("OBJECTS", SCHEME, "Number of objects found")
SCORE = Code("SCORE", SCHEME, "Score of the object")
LIMIT_BROKEN = Code("INPUT_LIMIT", SCHEME, "Input limit broken")
FAILURE_REASON = Code("FAILURE", SCHEME, "Reason of failure")

UNITS = {
    "ml": Code("ml", "UCUM", "milliliter"),
    "mm": Code("mm", "UCUM", "millimeter"),
    "mm3": Code("mm3", "UCUM", "cubic millimeter"),
    "mm2": Code("mm2", "UCUM", "square millimeter"),
    "cm2": Code("cm2", "UCUM", "square centimeter"),
    "1": Code("1", "UCUM", "no units"),
    # An annotation of the unit 1, where no file says how large a pixel is (UCUM section 12).
    "{pixels}": Code("{pixels}", "UCUM", "pixels"),
}

PROCEDURES = {
    "CT": Code("77477000", "SCT", "Computed tomography"),
    "CR": Code("168537006", "SCT", "Plain radiography"),
    "DX": Code("168537006", "SCT", "Plain radiography"),
    "MR": Code("113091000", "SCT", "Magnetic resonance imaging"),
    "PT": Code("82918005", "SCT", "Positron emission tomography"),
    "MG": Code("71651007", "SCT", "Mammography"),
    "US": Code("16310003", "SCT", "Diagnostic ultrasonography"),
    "NM": Code("371572003", "SCT", "Nuclear medicine procedure"),
}
IMAGING = Code("363679005", "SCT", "Imaging procedure")

# CID 7150 Segmentation Property Categories
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ANATOMICAL = Code("123037004", "SCT", "Anatomical Structure")
_NEGATIONS = {"no", "non", "not", "without", "free"}
_ABNORMAL_WORDS = {
    "lesion": Code("52988006", "SCT", "Lesion"),
    "nodule": Code("27925004", "SCT", "Nodule"),
    "mass": Code("4147007", "SCT", "Mass"),
    "tumor": Code("108369006", "SCT", "Neoplasm"),
    "tumour": Code("108369006", "SCT", "Neoplasm"),
    "hemorrhage": Code("50960005", "SCT", "Hemorrhage"),
    "haemorrhage": Code("50960005", "SCT", "Hemorrhage"),
    "edema": Code("79654002", "SCT", "Edema"),
    "oedema": Code("79654002", "SCT", "Edema"),
}
_ANATOMICAL_WORDS = {
    "hippocampus": Code("5366008", "SCT", "Hippocampus"),
    "liver": Code("10200004", "SCT", "Liver"),
    "spleen": Code("78961009", "SCT", "Spleen"),
    "kidney": Code("64033007", "SCT", "Kidney"),
    "pancreas": Code("15776009", "SCT", "Pancreas"),
    "prostate": Code("41216001", "SCT", "Prostate"),
    "heart": Code("80891009", "SCT", "Heart"),
    "lung": Code("39607008", "SCT", "Lung"),
    "brain": Code("12738006", "SCT", "Brain"),
    "vertebra": Code("51282000", "SCT", "Vertebra"),
}


def plain(text: str, limit: int) -> str:
    """``text`` in ASCII without backslashes and control characters, cut to ``limit`` characters.

    Our own words go into an object whose SpecificCharacterSet is the source's; ASCII fits all of them.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().replace("\\", "/")
    words = " ".join("".join(c if c.isprintable() else " " for c in ascii_text).split())
    return words if len(words) <= limit else words[: limit - 3].rstrip() + "..."


def private(kind: str, text: str, meaning: str | None = None) -> CodedConcept:
    """A code in scheme 99OVERREAD: value ``KIND_TEXT`` (at most 16 characters, see PS3.3 section 8.1)."""
    stem = re.sub(r"[^A-Z0-9]+", "_", plain(f"{kind}_{text}" if kind else text, 200).upper()).strip("_")
    if len(stem) > 16:
        # Long names keep apart by a checksum, since the code value has only 16 characters.
        stem = stem[:11] + f"_{_checksum(stem)}"
    return CodedConcept(stem or "UNNAMED", SCHEME, plain(meaning or text, 64) or "unnamed")


def segment_codes(label: str, wanted: tuple[Code, Code] | None = None) -> tuple[Code, Code]:
    """Category (CID 7150) and type (CID 7151) of a segment: as configured, else by a known word in its name."""
    if wanted is not None:
        return wanted
    for category, table in ((ABNORMAL, _ABNORMAL_WORDS), (ANATOMICAL, _ANATOMICAL_WORDS)):
        found = _by_word(label, table)
        if found is not None:
            return category, found
    return ANATOMICAL, _of_name(label)


def finding_codes(label: str, wanted: tuple[Code, Code] | None = None) -> tuple[Code | None, Code]:
    """Category and type of a finding or object: as configured, else by a known word in its name.

    An organ in the name is where it is, not what it is ("lung opacity"), and without a known word nobody has said
    of what category it is: then there is none.
    """
    if wanted is not None:
        return wanted
    found = _by_word(label, _ABNORMAL_WORDS)
    return (None, _of_name(label)) if found is None else (ABNORMAL, found)


def _by_word(label: str, table: Mapping[str, Code]) -> Code | None:
    words = set(re.split(r"[^a-z]+", label.lower()))
    if words & _NEGATIONS:
        return None
    words |= {w.removesuffix("s") for w in words if w != "hippocampus" and w != "pancreas"}
    return next((table[word] for word in sorted(words & set(table))), None)


def _of_name(label: str) -> Code:
    code = private("", label)
    return Code(code.value, code.scheme_designator, code.meaning)


def unit(name: str) -> Code:
    """UCUM unit by its symbol; of one that a package brings, its symbol and the words for it are the code."""
    return UNITS.get(name) or Code(plain(name, 16), "UCUM", plain(unit_words(name), 64))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()) & 0xFFFF:04X}"
