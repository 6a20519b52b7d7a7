"""What each kind of attribute becomes, by option."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from overread.deidentify import Key, WithheldError, deidentify_dataset
from overread.deidentify.allowed import Allowed
from overread.deidentify.dataset import process
from overread.deidentify.finished import encode
from overread.deidentify.options import OPTIONS, choose
from overread.deidentify.table import actions, resolve
from overread.errors import InputError

Small = Callable[..., Dataset]


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def content(kind: str, name: Dataset, **attributes: object) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", kind
    item.ConceptNameCodeSequence = Sequence([name])
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def test_the_table_is_that_of_the_standard() -> None:
    table = actions()
    assert len(table) > 550
    assert [table[t] for t in (0x00100010, 0x00100020, 0x00080018, 0x00080080)] == ["Z", "Z/D", "U", "X/Z/D"]
    assert table[0x00880200] == "X"


@pytest.mark.parametrize(
    ("permitted", "valued", "expected"),
    [
        ("X", True, "X"),
        ("Z/D", True, "D"),
        ("Z/D", False, "Z"),
        ("X/Z", True, "Z"),
        ("X/D", False, "Z"),
        ("D", True, "D"),
    ],
)
def test_of_several_actions_the_one_that_is_always_valid(permitted: str, valued: bool, expected: str) -> None:
    assert resolve(permitted, valued, False) == expected


def test_the_basic_profile(small: Small, key: Key) -> None:
    source = small(
        PatientBirthDate="19500102",
        PatientSex="F",
        PatientAge="093Y",
        StationName="ROOM7",
        DeviceSerialNumber="SN4711",
        InstitutionName="Tumbleford",
        StudyID="77",
        SeriesDescription="CT THORAX",
        Manufacturer="ACME",
        KVP="120",
    )
    before = source.to_json()
    new, changes = deidentify_dataset(source, key)
    assert source.to_json() == before
    assert new.PatientID == new.PatientName == key.pseudonym("H-552")
    assert new.SOPInstanceUID == key.uid(source.SOPInstanceUID)
    assert new.SOPClassUID == source.SOPClassUID
    assert [new.PatientBirthDate, new.PatientSex, new.StudyID] == ["", "", ""]
    assert "PatientAge" not in new and "SeriesDescription" not in new
    assert [new.StationName, new.DeviceSerialNumber, new.InstitutionName] == ["ANONYMIZED"] * 3
    assert [new.Manufacturer, new.KVP, new.Rows, new.PixelData] == ["ACME", 120, 4, source.PixelData]
    assert {c.action for c in changes if c.keyword == "SeriesDescription"} == {"removed"}
    assert [c.count for c in changes if c.keyword == "StationName"] == [1]
    assert new.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [(i.CodeValue, i.CodingSchemeDesignator) for i in new.DeidentificationMethodCodeSequence]
    assert codes == [("113100", "DCM"), ("113107", "DCM")]


def test_the_source_stays_as_it_is(small: Small, key: Key) -> None:
    source = small(
        PatientIdentityRemoved="NO",
        BurnedInAnnotation="YES",
        DeidentificationMethod="none",
        AnatomicRegionSequence=Sequence([code("1", "99HOSP", "liver of Zwyxelburg")]),
        SoftwareVersions="Zwyxelburg",
        StudyDate="20200101",
    )
    before = source.to_json()
    new, _ = deidentify_dataset(source, key, boxes=[(0, 0, 2, 2)])
    assert new.AnatomicRegionSequence[0].CodeMeaning == "liver of"
    assert new.BurnedInAnnotation == "NO"
    assert source.to_json() == before


def test_what_each_option_keeps(small: Small, key: Key) -> None:
    source = small(
        PatientSex="F",
        PatientAge="093Y",
        StationName="ROOM7",
        InstitutionName="Tumbleford",
        SeriesDescription="CT THORAX for Zwyxelburg",
        StudyDate="20200229",
        Allergies="contrast; told by Zwyxelburg",
    )

    def kept(*options: str) -> Dataset:
        return deidentify_dataset(source, key, options)[0]

    assert kept("retain-uids").SOPInstanceUID == source.SOPInstanceUID
    assert kept("retain-device-identity").StationName == "ROOM7"
    assert kept("retain-institution-identity").InstitutionName == "Tumbleford"
    assert kept("clean-descriptors").SeriesDescription == "CT THORAX for"
    assert kept("retain-full-dates").StudyDate == "20200229"
    assert kept("remove-dates").StudyDate == ""
    patient = kept("retain-patient-characteristics")
    assert [patient.PatientSex, patient.PatientAge, patient.Allergies] == ["F", "090Y", "contrast by"]
    everything = kept(*[n for n in OPTIONS if n not in ("clean-pixel-data", "retain-modified-dates")])
    codes = [i.CodeValue for i in everything.DeidentificationMethodCodeSequence]
    assert codes == sorted(codes) and len(codes) == 10 and "113101" not in codes
    assert everything.PatientID == key.pseudonym("H-552")


def test_dates_move_together(small: Small, key: Key) -> None:
    item = Dataset()
    item.PerformedProcedureStepStartDate = "20200303"
    source = small(
        StudyDate="20200229",
        ContentDate="20200301",
        StudyTime="101112",
        AcquisitionDateTime="20200229101112.5+0100",
        ReferencedPerformedProcedureStepSequence=Sequence([item]),
    )
    source["SeriesDate"] = DataElement(0x00080021, "DA", "Zwyxelburg", already_converted=True)
    new, changes = deidentify_dataset(source, key)

    def day(text: str) -> datetime:
        return datetime.strptime(text[:8], "%Y%m%d")

    days = timedelta(key.days("H-552"))
    assert day(new.StudyDate) == datetime(2020, 2, 29) - days
    assert day(new.ContentDate) - day(new.StudyDate) == timedelta(1)
    assert new.StudyTime == "101112"
    assert new.AcquisitionDateTime == new.StudyDate + "101112.5+0100"
    nested = new.ReferencedPerformedProcedureStepSequence[0].PerformedProcedureStepStartDate
    assert day(nested) - day(new.StudyDate) == timedelta(3)
    assert new.SeriesDate == ""
    assert ("SeriesDate", "emptied (not a date)") in {(c.keyword, c.action) for c in changes}


def test_references_keep_pointing(small: Small, key: Key) -> None:
    image = small()
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    other = small(
        SOPInstanceUID="1.2.3.99", SourceImageSequence=Sequence([item]), FrameOfReferenceUID="1.2.3.7"
    )
    one, two = (deidentify_dataset(d, key)[0] for d in (image, other))
    assert two.SourceImageSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert two.SourceImageSequence[0].ReferencedSOPClassUID == image.SOPClassUID
    assert one.StudyInstanceUID == two.StudyInstanceUID and one.PatientID == two.PatientID
    standard = small(FrameOfReferenceUID="1.2.840.10008.1.4.1.1")
    assert deidentify_dataset(standard, key)[0].FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"


def test_reports_are_cleaned_item_by_item(small: Small, key: Key) -> None:
    finding = code("121071", "DCM", "Finding")
    items = [
        content("TEXT", finding, TextValue="mass in the liver, told to Dr. Meier"),
        content("CODE", finding, ConceptCodeSequence=Sequence([code("10200004", "SCT", "Liver")])),
        content(
            "CODE", finding, ConceptCodeSequence=Sequence([code("MEIER7", "99HOSP", "liver seen by Meier")])
        ),
        content("PNAME", code("121008", "DCM", "Person Observer Name"), PersonName="Meier^Otto"),
        content("NUM", code("121033", "DCM", "Subject Age")),
    ]
    source = small(ContentSequence=Sequence(items))
    plain = deidentify_dataset(source, key)[0].ContentSequence
    assert [i.ValueType for i in plain] == ["TEXT", "CODE", "CODE", "PNAME"]
    assert plain[0].TextValue == "ANONYMIZED"
    assert plain[1].ConceptCodeSequence[0] == items[1].ConceptCodeSequence[0]
    assert plain[2].ConceptCodeSequence[0].CodeValue == "ANONYMIZED"
    assert plain[2].ConceptCodeSequence[0].CodeMeaning == "liver seen by"
    assert plain[3].PersonName == "ANONYMIZED"
    clean = deidentify_dataset(source, key, ["clean-structured-content", "retain-patient-characteristics"])[0]
    assert clean.ContentSequence[0].TextValue == "mass in the liver to"
    assert len(clean.ContentSequence) == 5


def test_only_safe_private_numbers_stay(small: Small, key: Key) -> None:
    source = small()
    block = source.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0D, "CS", "DIRECTIONAL")
    own = source.private_block(0x0021, "TUMBLE", create=True)
    own.add_new(0x01, "LO", "plain")
    own.add_new(0x02, "LO", "Zwyxelburg")
    assert not any(e.tag.is_private for e in deidentify_dataset(source, key)[0])
    safe = deidentify_dataset(source, key, ["retain-safe-private"])[0]
    assert [e.value for e in safe if e.tag.is_private] == ["SIEMENS MR HEADER", 1000]
    declared = Dataset()
    declared.PrivateGroupReference, declared.PrivateCreatorReference = 0x0021, "TUMBLE"
    declared.BlockIdentifyingInformationStatus = "SAFE"
    source.PrivateDataElementCharacteristicsSequence = Sequence([declared])
    safe = deidentify_dataset(source, key, ["retain-safe-private"])[0]
    assert [e.value for e in safe if e.tag.group == 0x21] == ["TUMBLE", "plain", "ANONYMIZED"]


def test_the_net_finds_what_the_table_does_not_name(small: Small, key: Key) -> None:
    source = small(
        SoftwareVersions=["5.0", "patched by ZWYXELBURG"],
        ImageType=["ORIGINAL", "PRIMARY", "ANNA"],
        ScanOptions="PLANNA",
        SeriesNumber="4711999",
        AccessionNumber="4711999",
    )
    new, changes = deidentify_dataset(source, key)
    assert list(new.SoftwareVersions) == ["5.0", "ANONYMIZED"]
    assert list(new.ImageType) == ["ORIGINAL", "PRIMARY", "ANONYMIZED"]
    # Anna is short: it counts as a word of its own only.
    assert new.ScanOptions == "PLANNA"
    assert new.SeriesNumber is None
    assert sum(c.count for c in changes if "identifier" in c.action) == 3


def test_the_same_patient_and_the_same_key_agree(small: Small, key: Key) -> None:
    one = deidentify_dataset(small(), Key(bytes(range(32))))[0]
    assert one == deidentify_dataset(small(), key)[0]
    other = deidentify_dataset(small(PatientID="H-553"), key)[0]
    assert other.PatientID != one.PatientID
    nameless = small()
    del nameless.PatientID
    new = deidentify_dataset(nameless, key)[0]
    assert "PatientID" not in new and new.PatientName.family_name.startswith("P-")


def test_documents_are_withheld(small: Small, key: Key) -> None:
    with pytest.raises(WithheldError, match="encapsulated document"):
        deidentify_dataset(small(EncapsulatedDocument=b"%PDF"), key)
    with pytest.raises(WithheldError, match="encapsulated document"):
        deidentify_dataset(small(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1"), key)


def test_options_are_checked() -> None:
    assert choose().dates == "retain-modified-dates"
    for wrong in ("retain-everything", "clean-recognizable-visual-features"):
        with pytest.raises(InputError, match=wrong):
            choose([wrong])
    with pytest.raises(InputError, match="exclude each other"):
        choose(["retain-full-dates", "remove-dates"])


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Zwÿxelbürg"),
        ("ISO_IR 192", "山田^太郎"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_in_other_character_sets(small: Small, key: Key, charset: str | list[str], name: str) -> None:
    source = small(
        SpecificCharacterSet=charset, PatientName=name, Manufacturer=f"of {name.split('^')[0][-10:]}"
    )
    done = process(source, key, choose(), (), Allowed(), "file")
    assert done.dataset.Manufacturer == "ANONYMIZED"
    assert encode(done, "file")
    done.dataset.Manufacturer = source.Manufacturer
    with pytest.raises(WithheldError, match="identifying value"):
        encode(done, "file")


def test_names_in_compressed_pixels_are_found(small: Small, key: Key) -> None:
    # Nothing that could be cleared: the name stands where samples should.
    frame = b"\xff\xd8\xff\xda\x00\x02Zwyxelburg\xff\xd9"
    source = small(PixelData=encapsulate([frame]))
    source.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    source["PixelData"].is_undefined_length = True
    done = process(source, key, choose(), (), Allowed(), "file")
    with pytest.raises(WithheldError, match="inside the pixel data"):
        encode(done, "file")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "charset", [b"ISO_IR\x00100", b"hex", b"rot13\\\0", b"ISO 2022 IR 999", b"\xff\xfe", b"idna"], ids=repr
)
def test_a_damaged_character_set_is_replaced(charset: bytes) -> None:
    source = Dataset()
    for tag, vr, value in (
        (0x00080005, "CS", charset),
        (0x0008103E, "LO", "Größe head".encode("latin-1")),
        (0x00100010, "PN", "Größe^Eva".encode("latin-1")),
    ):
        source[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    source.SOPClassUID = source.SOPInstanceUID = "1.2.3"
    new, changes = deidentify_dataset(source, Key(bytes(32)), ["clean-descriptors"])
    assert new.SpecificCharacterSet == "ISO_IR 192"
    assert new.SeriesDescription == "head"
    assert ("SpecificCharacterSet", "replaced (not a character set)") in {
        (c.keyword, c.action) for c in changes
    }


def test_defined_character_sets_stay() -> None:
    source = Dataset()
    source.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    assert list(deidentify_dataset(source, Key(bytes(32)))[0].SpecificCharacterSet) == ["", "ISO 2022 IR 87"]
