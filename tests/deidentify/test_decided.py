"""Every attribute of the DICOM dictionary has its decision, the list in the docs is that, and no text gets past it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.datadict import DicomDictionary, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from overread.deidentify import Key, WithheldError, decided_list, deidentify_dataset
from overread.deidentify.decided import DEVICE, GONE, KEPT, LINKS, TYPED_CODES, Fate, decide, decided
from overread.deidentify.identity import Identity
from overread.deidentify.options import OPTIONS
from overread.deidentify.values import DATES, TEXT

Small = Callable[..., Dataset]
PAGE = Path(__file__).parents[2] / "docs" / "deidentified-attributes.md"
FAMILY = "Xylophantes"
"""A name that stands nowhere as a name, and is no word of imaging."""


def test_the_whole_dictionary_is_decided() -> None:
    assert set(decided()) == set(DicomDictionary)
    for tag, (fate, why) in decided().items():
        assert why and isinstance(fate, Fate), keyword_for_tag(tag)


def test_the_lists_name_attributes() -> None:
    known = {entry[4] for entry in DicomDictionary.values()}
    assert known >= KEPT | DEVICE | GONE | LINKS | TYPED_CODES
    assert not KEPT & (DEVICE | GONE | LINKS)
    for option in OPTIONS.values():
        assert option.keep | option.clean <= known


@pytest.mark.parametrize(
    ("keyword", "fate"),
    [
        ("PatientBirthDateInAlternativeCalendar", Fate.REMOVED),
        ("PatientDeathDateInAlternativeCalendar", Fate.REMOVED),
        ("DeviceID", Fate.DEVICE),
        ("SegmentLabel", Fate.TYPED),
        ("ContentLabel", Fate.TYPED),
        ("FrameLabel", Fate.TYPED),
        ("FrameLabelVector", Fate.TYPED),
        ("ImageID", Fate.TYPED),
        ("RTImageLabel", Fate.TYPED),
        ("RTImageName", Fate.TYPED),
        ("BeamName", Fate.TYPED),
        ("TrackingID", Fate.TYPED),
        ("SegmentDescription", Fate.CLEANED),
        ("WindowCenterWidthExplanation", Fate.CLEANED),
        ("Manufacturer", Fate.KEPT),
        ("ConvolutionKernel", Fate.KEPT),
        ("PatientName", Fate.OWN),
        ("StudyDescription", Fate.TABLE),
        ("Rows", Fate.NUMBER),
        ("StudyInstanceUID", Fate.TABLE),
        ("RetrieveURL", Fate.REMOVED),
    ],
)
def test_decisions(keyword: str, fate: Fate) -> None:
    tag = tag_for_keyword(keyword)
    assert tag is not None and decide(tag).fate is fate


def element(tag: int, vr: str) -> DataElement | None:
    text = {"CS": FAMILY, "AE": FAMILY, "AS": "034Y", "DA": "20190604", "DT": "20190604", "TM": "1112"}
    if vr in TEXT | DATES | {"AS"}:
        return DataElement(tag, vr, text.get(vr, FAMILY))
    return None


def test_no_text_passes_but_what_the_device_writes(
    small: Small, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that is no word of imaging, in every attribute that can carry text, at the top and in an item.

    The rules alone, without the net below them: nobody has said that the word is a name.
    """
    monkeypatch.setattr("overread.deidentify.dataset.gather", lambda *_: Identity())
    source = small()
    inside = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tag, entry in DicomDictionary.items():
            made = element(tag, entry[0])
            if tag >> 16 >= 8 and made is not None and entry[4] not in PLAIN:
                source[tag] = made
                inside[tag] = made
        source.ReferencedImageSequence = Sequence([inside])
        new, _ = deidentify_dataset(source, key)
        cleaned, _ = deidentify_dataset(source, key, ["clean-descriptors", "clean-structured-content"])
        device, _ = deidentify_dataset(source, key, ["retain-device-identity"])
    assert left(new) <= KEPT | CODES
    assert left(cleaned) <= KEPT | CODES
    assert left(device) <= KEPT | CODES | DEVICE | OPTIONS["retain-device-identity"].keep
    assert {"Manufacturer", "SoftwareVersions"} <= left(new)
    assert "DeviceID" in left(device)


PLAIN = {"SpecificCharacterSet", "BurnedInAnnotation", "PhotometricInterpretation"}
CODES = {"CodeValue", "LongCodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "MappingResource"}
CODES |= {"ContextIdentifier", "URNCodeValue", "CodingSchemeURL"}
"""Of codes, whose meaning is judged by what they are (test_dataset)."""


def left(dataset: Dataset) -> set[str]:
    found = set()
    for e in dataset.iterall():
        if e.VR != "SQ" and FAMILY.lower() in str(e.value).lower():
            found.add(e.keyword)
    return found


def test_labels_by_option(small: Small, key: Key) -> None:
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmName = (
        1,
        f"Liver of {FAMILY}",
        "Net 2",
    )
    source = small(SegmentSequence=[segment], ContentLabel="LIVER MASK", DeviceID="CT-77")
    new, _ = deidentify_dataset(source, key)
    assert new.SegmentSequence[0].SegmentLabel == new.ContentLabel == new.DeviceID == "ANONYMIZED"
    assert new.SegmentSequence[0].SegmentAlgorithmName == "Net 2"
    new, _ = deidentify_dataset(source, key, ["clean-descriptors", "retain-device-identity"])
    assert new.SegmentSequence[0].SegmentLabel == "Liver of" and new.ContentLabel == "LIVER MASK"
    assert new.DeviceID == "CT-77"


def test_text_declared_as_bytes_goes(small: Small, key: Key) -> None:
    source = small()
    source[0x00081030] = DataElement(0x00081030, "OB", FAMILY.encode() + b" ")
    source[0x00620005] = DataElement(0x00620005, "OB", FAMILY.encode() + b" ")
    source[0x00104000] = DataElement(0x00104000, "UN", FAMILY.encode() + b" ")
    new, _ = deidentify_dataset(source, key)
    assert not {0x00081030, 0x00620005, 0x00104000} & set(new.keys())


def test_terms_in_small_letters_are_cleaned(small: Small, key: Key) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = small(
            BodyPartExamined="Head",
            AnatomicalOrientationType=FAMILY,
            ImageType=["ORIGINAL", "PRIMARY", "axial"],
        )
        new, _ = deidentify_dataset(source, key)
    assert new.BodyPartExamined == "Head" and new.ImageType == ["ORIGINAL", "PRIMARY", "axial"]
    assert new.AnatomicalOrientationType == "ANONYMIZED"


def test_the_list_in_the_documentation() -> None:
    """`python -m overread.deidentify.decided_list > docs/deidentified-attributes.md` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == decided_list.page()
    assert len(re.findall(r"^\| \(", decided_list.page(), re.M)) > 1000


def test_withheld_values_are_no_surprise(small: Small, key: Key) -> None:
    """From Python the finished bytes are searched as those of a file are."""
    source = small()
    source.file_meta = None
    assert deidentify_dataset(source, key)
    name = "Zwyxelburg"
    source[0x00189445] = DataElement(0x00189445, "OB", name.encode())
    new, _ = deidentify_dataset(source, key)
    assert name not in str(new)
    # What no rule of text reaches: numbers that spell the name.
    codes = [int.from_bytes(name.encode()[k : k + 2], "little") for k in range(0, 10, 2)]
    source[0x00281201] = DataElement(0x00281201, "OW", name.encode())
    source[0x00189074] = DataElement(0x00189074, "DT", "")
    source.LUTData = codes
    source[0x00283006] = DataElement(0x00283006, "US", codes)
    with pytest.raises(WithheldError, match="identifying value was still found"):
        deidentify_dataset(source, key)
