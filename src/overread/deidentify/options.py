"""The options of PS3.15 annex E by name, and the attributes that each keeps or cleans (columns of table E.1-1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from overread.deidentify.wordlist import words
from overread.errors import InputError


@dataclass(frozen=True)
class Option:
    """An option: its code and meaning in PS3.16 CID 7050, and keywords of attributes kept and cleaned."""

    code: str
    meaning: str
    keep: frozenset[str] = frozenset()
    clean: frozenset[str] = frozenset()


_DEVICE = words("""
    BeamHoldTransitionDateTime CalibrationDate CalibrationDateTime CalibrationTime CassetteID
    DateOfInstallation DateOfLastCalibration DateOfLastDetectorCalibration DateOfManufacture
    DateTimeOfLastCalibration DetectorID DeviceDescription DeviceLabel DeviceSerialNumber DeviceUID
    GantryID GeneratorID LensMake LensModel LensSerialNumber LensSpecification
    ManufacturerDeviceClassUID ManufacturerDeviceIdentifier ModifyingDeviceID ModifyingSystem
    PerformedStationGeographicLocationCodeSequence PerformedStationName
    PerformedStationNameCodeSequence PlateID ScheduledProcedureStepLocation
    ScheduledStationGeographicLocationCodeSequence ScheduledStationName
    ScheduledStationNameCodeSequence ScheduledStudyLocation SourceManufacturer SourceSerialNumber
    StationName TimeOfLastCalibration TimeOfLastDetectorCalibration TransducerIdentificationSequence
    TreatmentMachineName UDISequence UniqueDeviceIdentifier XRayDetectorID XRayDetectorLabel
    XRaySourceID
""")
_INSTITUTION = words("""
    ClinicalTrialCoordinatingCenterName ClinicalTrialProtocolEthicsCommitteeName ClinicalTrialSiteID
    ClinicalTrialSiteName InstitutionAddress InstitutionCodeSequence InstitutionName
    InstitutionalDepartmentName InstitutionalDepartmentTypeCodeSequence SourceOfPreviousValues
""")
_PATIENT = words("""
    EthnicGroup PatientAge PatientSex PatientSexNeutered PatientSize PatientWeight PregnancyStatus
    SelectorASValue SmokingStatus
""")
_DESCRIPTORS = words("""
    AcquisitionComments AcquisitionDeviceProcessingDescription AcquisitionFieldOfViewLabel
    AcquisitionProtocolDescription AdditionalPatientHistory AdmittingDiagnosesCodeSequence
    AdmittingDiagnosesDescription Allergies AnnotationGroupDescription AnnotationGroupLabel
    BeamDescription BolusDescription ClinicalTrialSeriesDescription
    ClinicalTrialTimePointDescription CommentsOnRadiationDose CommentsOnThePerformedProcedureStep
    CompensatorDescription ConceptualVolumeCombinationDescription ConceptualVolumeDescription
    ContainerDescription ContrastBolusAgent ContributionDescription DecompositionDescription
    DerivationDescription DeviceSettingDescription DischargeDiagnosisDescription
    DisplacementReferenceLabel DoseReferenceDescription EntityDescription EntityLabel
    EntityLongLabel EntityName EquipmentFrameOfReferenceDescription FilterLookupTableDescription
    FixationDeviceDescription FractionGroupDescription FractionationNotes FrameComments
    IdentifyingComments ImageComments ImagingServiceRequestComments Impressions InterlockDescription
    InterlockOriginDescription InterpretationDiagnosisDescription InterpretationText LabelText
    LongDeviceDescription MakerNote MedicalAlerts MultienergyAcquisitionDescription Occupation
    PatientComments PatientSetupPhotoDescription PatientState
    PatientTreatmentPreparationMethodDescription
    PatientTreatmentPreparationProcedureParameterDescription PerformedProcedureStepDescription
    PositionAcquisitionTemplateDescription PositionAcquisitionTemplateName PrescriptionDescription
    PrescriptionNotes PrescriptionNotesSequence PriorTreatmentDoseDescription ProtocolName
    PyramidDescription PyramidLabel ROIDescription ROIGenerationDescription ROIName
    ROIObservationDescription ROIObservationLabel RTPhysicianIntentNarrative RTPlanDescription
    RTPlanLabel RTPlanName RTPrescriptionLabel RTToleranceSetLabel RTTreatmentApproachLabel
    RadiationDoseIdentificationLabel RadiationDoseInVivoMeasurementLabel
    RadiationGenerationModeDescription RadiationGenerationModeLabel ReasonForOmissionDescription
    ReasonForRequestedProcedureCodeSequence ReasonForStudy ReasonForSuperseding
    ReasonForTheAttributeModification ReasonForTheImagingServiceRequest
    ReasonForTheRequestedProcedure ReasonForVisit ReasonForVisitCodeSequence
    RequestAttributesSequence RequestedContrastAgent RequestedProcedureComments
    RequestedProcedureDescription RequestedSeriesDescription
    RespiratoryMotionCompensationTechniqueDescription ResultsComments
    ScheduledProcedureStepDescription SelectorLOValue SelectorLTValue SelectorSHValue
    SelectorSTValue SelectorUTValue SeriesDescription ServiceEpisodeDescription
    SetupTechniqueDescription ShieldingDeviceDescription SpecimenDetailedDescription
    SpecimenShortDescription StructureSetDescription StructureSetLabel StructureSetName
    StudyComments StudyDescription TreatmentPositionGroupLabel TreatmentSite TreatmentSites
    TreatmentTechniqueNotes TreatmentToleranceViolationDescription UserContentLabel
    UserContentLongLabel VisitComments WaveformFilterDescription
""")

PROFILE = ("113100", "Basic Application Confidentiality Profile")
FULL_DATES, MODIFIED_DATES, NO_DATES = "retain-full-dates", "retain-modified-dates", "remove-dates"
DATES = (MODIFIED_DATES, FULL_DATES, NO_DATES)
OPTIONS: dict[str, Option] = {
    "clean-pixel-data": Option("113101", "Clean Pixel Data Option"),
    "clean-graphics": Option("113103", "Clean Graphics Option"),
    "clean-structured-content": Option(
        "113104",
        "Clean Structured Content Option",
        clean=words("AcquisitionContextSequence ContentSequence SpecimenPreparationSequence"),
    ),
    "clean-descriptors": Option("113105", "Clean Descriptors Option", clean=_DESCRIPTORS),
    FULL_DATES: Option("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    MODIFIED_DATES: Option("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "retain-patient-characteristics": Option(
        "113108",
        "Retain Patient Characteristics Option",
        keep=_PATIENT,
        clean=words("Allergies PatientState PreMedication SpecialNeeds"),
    ),
    "retain-device-identity": Option("113109", "Retain Device Identity Option", keep=_DEVICE),
    "retain-uids": Option("113110", "Retain UIDs Option"),
    "retain-safe-private": Option("113111", "Retain Safe Private Option"),
    "retain-institution-identity": Option("113112", "Retain Institution Identity Option", keep=_INSTITUTION),
}
NOT_OFFERED = "clean-recognizable-visual-features"


@dataclass(frozen=True)
class Options:
    """Options chosen by name. Without a choice about dates they are moved (retain-modified-dates)."""

    names: frozenset[str]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    @property
    def keep(self) -> frozenset[str]:
        """Keywords of attributes that an option keeps."""
        return _union(self.names, "keep")

    @property
    def clean(self) -> frozenset[str]:
        """Keywords of attributes whose text an option keeps after cleaning."""
        return _union(self.names, "clean")

    @property
    def dates(self) -> str:
        """What happens to dates: one of `DATES`."""
        return next(name for name in DATES if name in self.names)

    def codes(self, pixels_cleaned: bool) -> tuple[tuple[str, str], ...]:
        """Code and meaning of the profile and of each option, for DeidentificationMethodCodeSequence."""
        names = (self.names - {"clean-pixel-data", NO_DATES}) | (
            {"clean-pixel-data"} if pixels_cleaned else set()
        )
        return (PROFILE, *sorted((OPTIONS[n].code, OPTIONS[n].meaning) for n in names))


def choose(names: Iterable[str] | Options = ()) -> Options:
    """The options named.

    Raises
    ------
    InputError
        An unknown name, one that is not offered, or more than one about dates.
    """
    if isinstance(names, Options):
        return names
    chosen = frozenset([names] if isinstance(names, str) else names)
    for name in sorted(chosen):
        if name == NOT_OFFERED:
            raise InputError(f"option {name} is not offered: faces in head CT and MR need a tool made for it")
        if name not in OPTIONS and name != NO_DATES:
            raise InputError(f"{name!r} is not an option; there are {', '.join([*OPTIONS, NO_DATES])}")
    dates = sorted(chosen.intersection(DATES))
    if len(dates) > 1:
        raise InputError(f"options {' and '.join(dates)} exclude each other; choose one")
    return Options(chosen if dates else chosen | {MODIFIED_DATES})


@cache
def _union(names: Collection[str], column: str) -> frozenset[str]:
    return frozenset().union(*(getattr(OPTIONS[n], column) for n in names if n in OPTIONS))
