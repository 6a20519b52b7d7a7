"""Codes of terms (PS3.3 section 8): those of the standard say nothing of a person, local ones may."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from overread.deidentify.text import clean, is_known
from overread.deidentify.values import DUMMY_TEXT, put, shallow
from overread.deidentify.wordlist import words

VALUES = ("CodeValue", "LongCodeValue", "URNCodeValue")
KEYWORDS = frozenset(
    {
        *VALUES,
        "CodeMeaning",
        "CodingSchemeDesignator",
        "CodingSchemeVersion",
        "MappingResource",
        "ContextIdentifier",
    }
)
SCHEMES = words(
    """
    BARI C4 CD2 CDT DCM FMA HL7 I10 I10P I11 I9C IBSI ICDO3 ITIS_TSN LN MDC MDNS MGI MSH NCIt NDC
    NEU NYUMCCG PUBCHEM_CID RADELEMENT RADLEX RFC3066 RFC5646 RXNORM SCT SNM3 SRT UBERON UCUM UMLS
    UNS
    """
)
"""Designators of public coding schemes (PS3.16 table 8-1) whose codes name no person."""
LOCAL = "99ANON"


class Code(NamedTuple):
    """Coding scheme and value."""

    scheme: str
    value: str


PATIENT = frozenset(
    Code(scheme, value)
    for scheme, listed in {
        # Of the subject: name, ID, birth date, sex, age, species, breed; UID; height, weight, body mass index, age.
        "DCM": "121028 121029 121030 121031 121032 121033 121034 121035",
        "SCT": "27113001 50373000 60621009 397669002",
        "SRT": "F-01860",
        "LN": "29463-7 8302-2 39156-5 21112-8 30525-0 46098-0",
    }.items()
    for value in listed.split()
)
"""Concept names of content items that state who the patient is."""


def is_code(dataset: Dataset) -> bool:
    """Whether a data set is an item of a code sequence."""
    return "CodeMeaning" in dataset and any(k in dataset for k in VALUES)


def code_of(item: Dataset) -> Code:
    """Scheme and value of the item of a code sequence."""
    value = next((str(item[k].value or "") for k in VALUES if k in item), "")
    return Code(str(item.get("CodingSchemeDesignator") or "").strip(), value.strip())


def concept(item: Dataset) -> Code:
    """The concept name of a content item; empty where it has none."""
    names = item.get("ConceptNameCodeSequence")
    return code_of(names[0]) if names else Code("", "")


def is_safe_meaning(dataset: Dataset, element: DataElement) -> bool:
    """Whether an element belongs to a code that the standard itself lists with this meaning."""
    if element.keyword not in KEYWORDS or not is_code(dataset):
        return False
    code = code_of(dataset)
    return is_known(code.scheme, code.value, str(dataset.get("CodeMeaning") or ""))


def cleaned(item: Dataset, erase: bool, replace: bool, banned: Collection[str]) -> tuple[Dataset, str]:
    """A code without what may be said of a person, and what was done.

    What PS3.16 lists stays as it is. Of other codes the meaning is reduced to words of imaging; the value of local
    ones (of no public scheme) goes with ``replace``, and every code goes with ``erase``.
    """
    code, meaning = code_of(item), str(item.get("CodeMeaning") or "")
    if not erase and is_known(code.scheme, code.value, meaning):
        return item, ""
    new = shallow(item)
    put(new, "CodeMeaning", ("" if erase else clean(meaning, banned)) or DUMMY_TEXT)
    if erase or (replace and code.scheme not in SCHEMES):
        for keyword in VALUES:
            if keyword in item:
                new[keyword] = DataElement(item[keyword].tag, item[keyword].VR, DUMMY_TEXT)
        put(new, "CodingSchemeDesignator", LOCAL)
        new.pop("CodingSchemeVersion", None)
    changed = any(new.get(k) != item.get(k) for k in KEYWORDS)
    return new, "code cleaned" if changed else ""
