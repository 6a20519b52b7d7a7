"""What becomes of the attributes that table E.1-1 of PS3.15 does not name: one decision for each, with its reason.

The table lists what the standard's authors found identifying. Many other attributes hold text that a person typed, or
the number of a device. Every attribute of the dictionary is decided here, and what no rule names is cleaned: a new
attribute of a coming edition is safe from the beginning. `docs/deidentified-attributes.md` is the list.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from typing import NamedTuple

from pydicom.datadict import DicomDictionary, dictionary_has_tag, dictionary_is_retired

from overread.deidentify.codes import KEYWORDS
from overread.deidentify.table import actions
from overread.deidentify.values import BYTES, DATES
from overread.deidentify.wordlist import words


class Fate(Enum):
    """What becomes of an attribute; how it is said in the list of the documentation."""

    TABLE = "as table E.1-1 says"
    KEPT = "kept"
    NUMBER = "kept (numbers; a value that is an identifier is emptied)"
    BYTES = "kept if no identifier is found in its bytes"
    CLEANED = "words of imaging stay, else a dummy"
    TYPED = "dummy; with clean-descriptors words of imaging stay"
    DEVICE = "dummy; kept with retain-device-identity"
    EMPTIED = "emptied"
    REMOVED = "removed"
    DATE = "as dates are (options)"
    UID = "new UID, unless of DICOM's own"
    AGE = "kept, over 89 becomes 090Y"
    ITEMS = "each item by its own attributes"
    OWN = "pseudonym"


class Decision(NamedTuple):
    """What becomes of an attribute, and why."""

    fate: Fate
    why: str


KEPT = words(
    """
    AcquisitionDeviceProcessingCode AcquisitionMode AlgorithmName AlgorithmSource AlgorithmVersion
    ApplicationManufacturer ApplicationName ApplicationVersion ASLBolusCutoffTechnique
    AttenuationCorrectionMethod AttributeOccurrencePrivateCreator CardiacFramingType
    CodingSchemeRegistry CollimatorGridName ContrastBolusRoute ConvolutionKernel CSSFontName
    DetectorLinesOfResponseUsed DetectorManufacturerModelName DetectorManufacturerName DetectorMode
    DigitalImageFormatAcquired DimensionIndexPrivateCreator DoseModeName EXIFVersion FilterType
    FontName FunctionalGroupPrivateCreator GridAbsorbingMaterial GridSpacingMaterial ImagedNucleus
    ImageFilter InterventionDrugName IOLManufacturer ListOfMIMETypes LuminanceResponseDescription
    Manufacturer ManufacturerModelName ManufacturerModelVersion ManufacturerRelatedModelGroup
    MIMETypeOfEncapsulatedDocument ModalityLUTType MultiCoilConfiguration MultiCoilElementName
    OutputPower PhosphorType PlateType PrivateCreatorReference ProcessingFunction PulseSequenceName
    PVCRejection Radiopharmaceutical RadiopharmaceuticalRoute ReceiveCoilManufacturerName
    ReceiveCoilName ReconstructionMethod ReportingPriority RequestedProcedurePriority RescaleType
    ScatterCorrectionMethod SecondaryCaptureDeviceManufacturer
    SecondaryCaptureDeviceManufacturerModelName SecondaryCaptureDeviceSoftwareVersions
    SegmentAlgorithmName SelectorAttributeKeyword SelectorAttributePrivateCreator
    SelectorSequencePointerPrivateCreator SequenceName SoftwareVersions SourceIsotopeName TimeSource
    TransducerData TransmitCoilManufacturerName TransmitCoilName TriggerSourceOrType TypeOfFilters
    VideoImageFormatAcquired
    """
)
"""Text of a fixed set or of the maker's own, which the device or its software writes: makes, models, methods."""
LINKS = words(
    """
    CodingSchemeName DimensionDescriptionLabel FiducialIdentifier OpticalPathIdentifier
    PositionReferenceIndicator ReferencedOpticalPathIdentifier StackID
    TargetPositionReferenceIndicator
    """
)
"""Short terms that tie items of one object together or name a plane: their words and numbers of imaging stay."""
DEVICE = words(
    """
    AccessoryCode AfterloaderChannelID ApplicatorID AuthorizationEquipmentCertificationNumber
    BatteryLevel BeamCurrentModulationID BlockTrayID BolusID BrachyAccessoryDeviceID
    BrachyAccessoryDeviceName ChannelShieldID ChannelShieldName CompensatorID CompensatorTrayID
    DeviceAlternateIdentifierFormat DeviceID DisplaySubsystemName FixationDeviceLabel FluenceModeID
    GeneralAccessoryID GridID ImplantPartNumber LateralSpreadingDeviceID MaterialID NTPSourceAddress
    PatientSupportAccessoryCode PatientSupportID PrinterName ProductLotIdentifier
    ProductPackageIdentifier RadiationMachineName RangeModulatorID RangeShifterID
    RespiratorySignalSourceID ScanSpotTuneID SetupDeviceLabel ShieldingDeviceLabel SnoutID
    SourceApplicatorID SourceApplicatorManufacturer SourceApplicatorName SourceModelID
    SubstanceAdministrationDeviceID TrayAccessoryCode WedgeID
    """
)
"""Numbers and names of one device or its parts."""
GONE = words(
    """
    BreedRegistrationNumber HL7InstanceIdentifier PatientBirthDateInAlternativeCalendar
    PatientDeathDateInAlternativeCalendar PrivateDataElementDescription PrivateDataElementKeyword
    PrivateDataElementName StrainSource StrainStockNumber
    """
)
"""What no object needs, and what says who somebody is: dates that are no DA, registers, names of private elements."""
TYPED_CODES = words("ContentLabel FileSetID FileSetDescriptorFileID ReferencedFileID VisitStatusID")
"""Attributes of representation CS without defined terms: somebody types them."""
TYPED = re.compile(
    "(Label|LabelVector|Labels|Name|Names|ID|IDs|Identifier|Title|Number|Author|Owner|Creator|Issuer)$"
)
NO_MEDICINE = frozenset({0x0014, 0x4010})
"""Groups of non-destructive testing (DICONDE) and of security (DICOS)."""
_WORDS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})


@cache
def decide(tag: int) -> Decision:
    """What becomes of the standard attribute ``tag``, an option about it apart."""
    vr, _, _, _, keyword = DicomDictionary[tag]
    if tag >> 16 < 8:
        return Decision(Fate.REMOVED, "commands and file meta information, which are made anew")
    if tag in (0x00100010, 0x00100020):
        return Decision(Fate.OWN, "the patient")
    if tag in actions():
        return Decision(Fate.TABLE, actions()[tag])
    if keyword == "SpecificCharacterSet":
        return Decision(Fate.KEPT, "needed to read the text; one that DICOM does not define becomes Unicode")
    if vr == "SQ":
        return Decision(Fate.ITEMS, "holds no value of its own")
    if vr == "UI":
        return Decision(Fate.UID, "names this object, or a class")
    if vr in DATES:
        return Decision(Fate.DATE, "a date or time")
    if vr == "UR" and keyword not in ("CodingSchemeURL", "URNCodeValue"):
        return Decision(Fate.REMOVED, "addresses of servers and files")
    if vr in ("PN", "AE"):
        return Decision(Fate.EMPTIED, "a person, or a node of the network")
    if vr == "AS":
        return Decision(Fate.AGE, "an age")
    if vr == "UN":
        return Decision(Fate.REMOVED, "of unknown kind")
    if vr == "CS":
        return _code(tag, keyword)
    if vr in _WORDS or vr == "UR":
        return _text(tag, keyword)
    if vr in BYTES or "OW" in vr:
        return Decision(Fate.BYTES, "bytes")
    return Decision(Fate.NUMBER, "numbers")


def _code(tag: int, keyword: str) -> Decision:
    if keyword in TYPED_CODES:
        return Decision(Fate.TYPED, "no defined terms: somebody types it")
    return Decision(Fate.KEPT, "defined terms in capital letters; what is written otherwise is cleaned")


def _text(tag: int, keyword: str) -> Decision:
    if dictionary_is_retired(tag):
        return Decision(Fate.REMOVED, "retired text")
    if keyword in KEYWORDS or keyword in ("CodingSchemeURL", "URNCodeValue"):
        return Decision(Fate.KEPT, "codes: by their own rule, see the text about codes")
    if tag >> 16 in NO_MEDICINE:
        return Decision(Fate.REMOVED, "not of medicine")
    if keyword in GONE:
        return Decision(Fate.REMOVED, "says who somebody is, and no object needs it")
    if keyword in KEPT:
        return Decision(Fate.KEPT, "written by the device: make, model, version, method")
    if keyword in DEVICE:
        return Decision(Fate.DEVICE, "of one device or part of it")
    if keyword not in LINKS and TYPED.search(keyword):
        return Decision(Fate.TYPED, "a name, label or number that somebody chose")
    return Decision(Fate.CLEANED, "text")


def decided() -> dict[int, Decision]:
    """The decision about every attribute of the dictionary that has a tag of its own."""
    return {tag: decide(tag) for tag in sorted(DicomDictionary) if dictionary_has_tag(tag)}
