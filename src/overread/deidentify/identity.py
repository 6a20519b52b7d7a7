"""The identifying values of a data set, and the search for them in what is about to be written.

The table says what goes. This is the net below it: nothing that identified the source may stand anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from overread.deidentify.dates import written_forms
from overread.deidentify.options import FULL_DATES, Options
from overread.deidentify.text import vocabulary
from overread.deidentify.values import DATES, DUMMY_TEXT, values
from overread.deidentify.wordlist import words

IDENTIFIERS = words(
    """
    AccessionNumber AdmissionID CountryOfResidence DeviceSerialNumber
    FillerOrderNumberImagingServiceRequest GantryID InstitutionAddress InstitutionName
    InstitutionalDepartmentName InsurancePlanIdentification IssuerOfPatientID MedicalRecordLocator
    OtherPatientIDs PatientAddress PatientID PatientInsurancePlanCodeSequence
    PatientTelecomInformation PatientTelephoneNumbers PerformedProcedureStepID PersonAddress
    PersonTelephoneNumbers PlacerOrderNumberImagingServiceRequest ReferringPhysicianAddress
    ReferringPhysicianTelephoneNumbers RegionOfResidence RequestedProcedureID
    ResponsibleOrganization ScheduledProcedureStepID ServiceEpisodeID StationName StudyID
    ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialSiteName ContainerIdentifier
    SpecimenIdentifier PlateID DetectorID CassetteID GeneratorID
    """
)
_PARTS = frozenset({"InstitutionName", "InstitutionAddress", "PatientAddress", "PersonAddress"})
"""Values of many words, each of which goes from cleaned text."""
NOT_A_NAME = words(
    """
    anon anonymous anonymize anonymized anonymised deidentified unknown unnamed none null nil test
    patient phantom name removed volunteer subject male female doctor prof mister miss missus dicom
    overread
    """
)
LONG = 5
"""Letters from which a name is found inside other words; shorter ones are found as words of their own."""
LONG_NUMBER = 6
CHANCE = 7
"""Bytes from which a value does not turn up in pixels by chance."""
_WRITING = re.compile(rb"[\x20-\x7e]{8,}")
_ESCAPE = re.compile(rb"\x1b\$?[()\-]?[@-J]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_TOKEN = re.compile(r"[^\W_]+")


def is_name(name: str) -> bool:
    """Whether a PN value names a person, rather than nobody (``Anonymous``, ``Unknown^Patient``)."""
    return any(t.casefold() not in NOT_A_NAME for t in _TOKEN.findall(name))


def elements(dataset: Dataset) -> Iterator[DataElement]:
    """Every element at any depth that can be read."""
    for tag in sorted(dataset.keys()):
        try:
            element = dataset[tag]
        except Exception:
            # What cannot be parsed is not kept either (see `walk`).
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                yield from elements(item)
        else:
            yield element


@dataclass
class Identity:
    """What identifies one data set.

    ``strong`` values are looked for everywhere, inside other words too; ``weak`` ones (short names and numbers,
    and names that are words of imaging) only as words of their own in free text. ``words`` are all single
    words and numbers, for the cleaning of free text.
    """

    strong: set[str] = field(default_factory=set)
    weak: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    encodings: tuple[str, ...] = ("utf-8",)

    def add_name(self, name: str) -> None:
        """A person's name: its family, given and middle names in every script (PS3.5 6.2.1)."""
        for group in name.split("="):
            parts = group.split("^")[:3]
            self.words.update(t.casefold() for t in _TOKEN.findall(group))
            for part in parts:
                for word in _WORD.findall(part):
                    self._add_word(word)
            joined = [p.strip() for p in parts if p.strip()]
            if len(joined) > 1 and not all(j.casefold() in NOT_A_NAME for j in joined):
                # Names of two letters are found by standing together.
                self.strong.update(s.join(joined[:2]) for s in ("^", " ", ", ", ",", "_", "-"))
                self.strong.update(s.join(joined[1::-1]) for s in (" ", ", ", ",", "_", "-"))

    def _add_word(self, word: str) -> None:
        low = word.casefold()
        if low in NOT_A_NAME or len(word) < (3 if word.isascii() else 2):
            return
        # Casefolding writes ss for the sharp s, which is seldom how the name is written.
        weak = (len(word) < LONG and word.isascii()) or low in vocabulary()
        (self.weak if weak else self.strong).update((low, word.lower()))

    def add_identifier(self, value: str) -> None:
        """An ID, an address, a telephone number: the value as it stands."""
        text = value.strip(" \0^=")
        low = text.casefold()
        self.words.update(t.casefold() for t in _TOKEN.findall(text))
        if low in NOT_A_NAME or low == DUMMY_TEXT.casefold() or len(set(low)) < 2:
            return
        if _WORD.fullmatch(text):
            self._add_word(text)
        elif text.isdigit():
            if len(text) >= 4:
                (self.strong if len(text) >= LONG_NUMBER else self.weak).add(text)
        elif len(text) >= 4:
            (self.strong if len(text) >= LONG else self.weak).update((low, text.lower()))

    def add_date(self, value: str) -> None:
        """A DA or DT value: its day in every usual way of writing."""
        forms = written_forms(value)
        if forms and forms[0] not in ("19000101", "00010101"):
            self.dates.update(forms)

    @cached_property
    def _strong_text(self) -> re.Pattern[str] | None:
        return _pattern([re.escape(v) for v in _longest(self.strong)] + [_date(d) for d in self.dates])

    @cached_property
    def _weak_text(self) -> re.Pattern[str] | None:
        return _pattern([_apart(v) for v in _longest(self.weak)])

    @cached_property
    def _weak_codes(self) -> re.Pattern[str] | None:
        return _pattern([_apart(v) for v in _longest(self.weak - vocabulary())])

    def found(self, text: str, code: bool = False) -> bool:
        """Whether an identifying value stands in ``text``; ``code`` where the text is a defined term (VR CS)."""
        patterns = (self._strong_text, self._weak_codes if code else self._weak_text)
        return any(p.search(text) for p in patterns if p)

    def found_number(self, text: str) -> bool:
        """Whether a DS or IS value is an identifier as a whole."""
        whole = text.strip(" \0+").split(".")[0]
        return whole in self.strong or whole in self.dates

    def in_bytes(self, data: bytes, passed: Iterable[str] = (), shortest: int = 3) -> bool:
        """Whether a strong value or a date stands in ``data``, in any character set of the source.

        ``passed`` are the dates, times, numbers and UIDs of the result, which may hold an identifier by chance.
        Values of less than ``shortest`` bytes are not looked for.
        """
        low, chance = data.lower(), tuple(passed)
        for value in self.strong | self.dates:
            found = [f for f in _encoded(value, self.encodings) if len(f) >= shortest and f in low]
            if not found:
                continue
            if (value.isdigit() or value in self.dates) and any(value in p for p in chance):
                continue
            # Digits count where no digit stands before them, and for an ID none after.
            alone = rb"(?<!\d)%s" if value in self.dates else rb"(?<!\d)%s(?!\d)"
            if not value.isdigit() or any(re.search(alone % re.escape(f), low) for f in found):
                return True
        return False

    def in_pixels(self, data: bytes, compressed: bool) -> bool:
        """Whether an identifying value stands in pixel data: of 7 bytes and more, which no pixels make up by chance.

        In compressed streams shorter names are looked for as well, as words of their own within text: chance writes
        neither eight letters in a row nor a name between them.
        """
        if self.in_bytes(data, (), CHANCE):
            return True
        return compressed and any(self.found(run.decode("ascii")) for run in _WRITING.findall(data))


def gather(dataset: Dataset, options: Options) -> Identity:
    """The identifying values of a source: names, IDs, addresses, serial numbers and dates at any depth."""
    identity = Identity(encodings=_encodings(dataset))
    retained = options.keep
    for element in elements(dataset):
        keyword = element.keyword
        if keyword in retained:
            continue
        if element.VR == "PN":
            for name in values(element):
                identity.add_name(name)
        elif keyword in IDENTIFIERS and element.VR in ("LO", "SH", "ST", "LT", "UT", "UC"):
            for value in values(element):
                identity.add_identifier(value)
                if keyword in _PARTS:
                    for line in re.split(r"[\r\n;,]+", value):
                        identity.add_identifier(line)
        elif element.VR in DATES - {"TM"} and (options.dates != FULL_DATES or keyword == "PatientBirthDate"):
            for value in values(element):
                identity.add_date(value)
    return identity


def _encodings(dataset: Dataset) -> tuple[str, ...]:
    named: list[str] = ["utf-8", "latin-1"]
    for element in elements(dataset):
        if element.keyword == "SpecificCharacterSet" and element.value:
            try:
                named += convert_encodings(element.value)
            except Exception:
                # An unknown character set: text is then written as the defaults above would.
                continue
    return tuple(dict.fromkeys(named))


def _encoded(value: str, encodings: Iterable[str]) -> set[bytes]:
    forms = set()
    for form in {value, value.upper(), value.title()}:
        for encoding in encodings:
            try:
                # Without the escape sequences of ISO 2022, which may stand elsewhere in a longer text.
                forms.add(_ESCAPE.sub(b"", form.encode(encoding)).lower())
            except (UnicodeError, LookupError):
                continue
    return {f for f in forms if len(f) >= 3}


def _pattern(alternatives: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def _longest(found: set[str]) -> list[str]:
    return sorted(found, key=lambda v: (-len(v), v))


def _date(form: str) -> str:
    return r"(?<!\d)" + re.escape(form)


def _apart(value: str) -> str:
    edge = r"\d" if value.isdigit() else r"[^\W\d_]"
    return rf"(?<!{edge}){re.escape(value)}(?!{edge})"
