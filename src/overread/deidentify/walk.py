"""One data set through the table: every element at every depth is kept, cleaned, replaced, emptied or removed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from overread.deidentify.codes import KEYWORDS, PATIENT, cleaned, concept, is_code
from overread.deidentify.dates import is_time, shift_date, shift_moment
from overread.deidentify.decided import Fate, decide
from overread.deidentify.identity import Identity
from overread.deidentify.keys import Key
from overread.deidentify.options import FULL_DATES, MODIFIED_DATES, Options
from overread.deidentify.private import Declared, creators, declared_safe, is_safe
from overread.deidentify.table import actions, is_graphics, resolve
from overread.deidentify.text import clean
from overread.deidentify.values import (
    BYTES,
    DATES,
    TEXT,
    dummy,
    emptied,
    has_value,
    values,
    with_values,
)
from overread.imaging.dicom.charset import is_defined


class Mode(Enum):
    """What becomes of text that the table does not name: it depends on the sequence that it stands in."""

    KEEP = "keep"
    CLEAN = "clean"
    DUMMY = "dummy"
    ERASE = "erase"
    """As DUMMY, and codes go too: they stand for a person."""


PERSONS = frozenset(
    {"OperatorIdentificationSequence", "PersonIdentificationCodeSequence", "VerifyingObserverSequence"}
)
NO_LONGITUDE = frozenset({"PatientBirthDate", "PatientBirthTime", "GPSTimeStamp"})
"""Dates and times that the options about dates do not cover."""
STANDARD_UID = re.compile(r"1\.2\.840\.10008(\.\d+)+")
CLASS_UIDS = frozenset({"CodingSchemeUID", "ContextUID", "MappingResourceUID"})
MOST_YEARS = 89


@dataclass
class Walk:
    """The way through one data set. ``changes`` counts (tag, keyword, action); ``uids`` notes what became what."""

    key: Key
    options: Options
    identity: Identity
    patient: str
    changes: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    uids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keep, self.clean_too = self.options.keep, self.options.clean
        self.table = actions()
        self.days = self.key.days(self.patient)

    def dataset(self, source: Dataset, mode: Mode = Mode.KEEP) -> Dataset:
        """The de-identified copy of ``source``."""
        result = Dataset()
        declared: Declared = {}
        if "retain-safe-private" in self.options:
            declared = declared_safe(source)
        if is_code(source):
            source = self._code(source, mode)
        for tag in sorted(source.keys()):
            try:
                element = source[tag]
            except Exception:
                # Nothing that cannot be parsed can be judged, so it does not stay.
                self.note(tag, "", "removed (unreadable)")
                continue
            new, action = self._element(source, element, mode, declared)
            if action:
                self.note(tag, element.keyword, action)
            if new is not None:
                result[tag] = new
        for creator in creators(source, result):
            result[creator.tag] = creator
        return result

    def note(self, tag: BaseTag, keyword: str, action: str) -> None:
        """Count what was done to an attribute."""
        if tag.is_private:
            # One line for each private group: there may be thousands, and their numbers say little.
            tag = BaseTag(tag.group << 16)
            keyword = "private"
        self.changes[(int(tag), keyword, action)] += 1

    def _element(
        self, source: Dataset, element: DataElement, mode: Mode, declared: Declared
    ) -> tuple[DataElement | None, str]:
        tag, keyword, vr = element.tag, element.keyword, element.VR
        if tag.is_private:
            safe = "retain-safe-private" in self.options and is_safe(source, element, declared)
            return self._by_nature(element, mode) if safe else (None, "removed")
        if is_graphics(tag):
            return self._graphics(source, element)
        if tag.element == 0 or tag.group < 8 or not dictionary_has_tag(tag):
            return None, "" if tag.element == 0 else "removed"
        if keyword == "SpecificCharacterSet":
            return self._charset(element)
        if tag in (0x00100010, 0x00100020):
            return self._pseudonym(source, element)
        if vr in DATES and keyword not in NO_LONGITUDE and (kept := self._date(element)) is not None:
            return kept
        if keyword in ("TimezoneOffsetFromUTC",) and self.options.dates in (FULL_DATES, MODIFIED_DATES):
            valid = all(re.fullmatch(r"[+-]\d{4} *", v) for v in values(element))
            return (element, "") if valid else (None, "removed")
        if keyword in self.keep:
            return self._kept(element)
        if keyword in self.clean_too:
            if vr == "SQ":
                return self._sequence(element, Mode.CLEAN, "cleaned")
            if vr in TEXT:
                return self._cleaned(element, self.table.get(tag, "X"))
        code = self.table.get(tag)
        if code is None:
            return self._by_nature(element, mode)
        if code == "U" or (code == "X/Z/U*" and vr == "SQ"):
            return self._by_nature(element, mode)
        return self._ruled(element, resolve(code, has_value(element), vr == "SQ"), mode)

    def _ruled(self, element: DataElement, action: str, mode: Mode) -> tuple[DataElement | None, str]:
        if action == "X":
            return None, "removed"
        if action == "Z":
            return emptied(element), "emptied" if has_value(element) else ""
        if element.VR == "SQ":
            within = Mode.ERASE if element.keyword in PERSONS or mode is Mode.ERASE else Mode.DUMMY
            return self._sequence(element, within, "content replaced")
        if element.VR == "UI":
            return self._by_nature(element, mode)
        if mode is Mode.CLEAN and element.VR in TEXT - {"PN", "AE"}:
            return self._cleaned(element, "D")
        return dummy(element), "replaced"

    def _by_nature(self, element: DataElement, mode: Mode) -> tuple[DataElement | None, str]:
        """An element that the table does not name, by its value representation."""
        keyword, vr = element.keyword, element.VR
        if vr == "SQ":
            return self._sequence(element, mode, "")
        if vr == "UI":
            return self._uid(element)
        if vr in DATES:
            return self._date(element) or (None, "removed")
        if vr == "UN" or (vr == "UR" and keyword not in ("CodingSchemeURL", "URNCodeValue")):
            return None, "removed"
        if vr in ("PN", "AE"):
            return emptied(element), "emptied" if has_value(element) else ""
        if vr == "AS":
            return self._kept(element)
        if (
            keyword == "GraphicData"
            and mode in (Mode.DUMMY, Mode.ERASE)
            and "clean-graphics" not in self.options
        ):
            size = element.VM
            return DataElement(element.tag, vr, [0.0] * size if size > 1 else 0.0), "replaced"
        if vr in BYTES and not element.tag.is_private and dictionary_VR(element.tag) in TEXT | DATES:
            # Text that is declared to be bytes is read by whoever asks for it, but not by the rules of text.
            return None, "removed"
        if vr not in TEXT or element.tag.is_private:
            return element, ""
        return self._text(element, mode)

    def _text(self, element: DataElement, mode: Mode) -> tuple[DataElement | None, str]:
        """Text that the table does not name, as `decided` says; within sequences that are replaced, a dummy."""
        fate = decide(element.tag).fate
        if fate is Fate.REMOVED:
            return None, "removed"
        if element.keyword in KEYWORDS or not has_value(element):
            return element, ""
        if mode is Mode.ERASE or (mode is Mode.DUMMY and element.VR != "CS"):
            return dummy(element), "replaced"
        if fate is Fate.TYPED and mode is Mode.KEEP and "clean-descriptors" not in self.options:
            return dummy(element), "replaced"
        if fate is Fate.DEVICE and mode is Mode.KEEP:
            kept = "retain-device-identity" in self.options
            return (element, "") if kept else (dummy(element), "replaced")
        if element.VR == "CS" and fate is Fate.KEPT:
            # Defined terms are in capital letters (PS3.5 section 6.2): what is not may be anything.
            return (
                (element, "")
                if all(v.isascii() and v == v.upper() for v in values(element))
                else (self._cleaned(element, "D"))
            )
        return (element, "") if fate is Fate.KEPT and mode is Mode.KEEP else self._cleaned(element, "D")

    def _sequence(self, element: DataElement, mode: Mode, action: str) -> tuple[DataElement, str]:
        items = []
        for item in element.value or ():
            if element.keyword == "ContentSequence" and self._about_patient(item):
                self.note(element.tag, element.keyword, "item removed")
                continue
            items.append(self.dataset(item, mode))
        return DataElement(element.tag, "SQ", Sequence(items)), action

    def _about_patient(self, item: Dataset) -> bool:
        """Whether a content item of a report states a characteristic of the patient that is not to be kept."""
        return "retain-patient-characteristics" not in self.options and concept(item) in PATIENT

    def _code(self, source: Dataset, mode: Mode) -> Dataset:
        new, action = cleaned(source, mode is Mode.ERASE, mode is Mode.DUMMY, self.identity.words)
        if action:
            self.note(BaseTag(0x00080104), "CodeMeaning", action)
        return new

    def _pseudonym(self, source: Dataset, element: DataElement) -> tuple[DataElement, str]:
        own = str(source.get("PatientID") or "").strip()
        name = self.key.pseudonym(own or self.patient)
        return DataElement(element.tag, element.VR, name), "pseudonym"

    def _charset(self, element: DataElement) -> tuple[DataElement, str]:
        """Character sets that DICOM defines stay; otherwise text is written anew in Unicode (PS3.3 C.12.1.1.2)."""
        if all(is_defined(v) for v in values(element)):
            return element, ""
        return with_values(element, ["ISO_IR 192"]), "replaced (not a character set)"

    def _date(self, element: DataElement) -> tuple[DataElement, str] | None:
        """A date or time under the options; None where the table decides, because dates are to go."""
        if self.options.dates not in (FULL_DATES, MODIFIED_DATES):
            if element.tag in self.table:
                return None
            return emptied(element), "emptied" if has_value(element) else ""
        days = self.days if self.options.dates == MODIFIED_DATES else 0
        old = values(element)
        if not old:
            return element, ""
        new: list[str] = []
        for value in old:
            if element.VR == "TM":
                moved = value if is_time(value) else None
            else:
                moved = (shift_date if element.VR == "DA" else shift_moment)(value, days)
            if moved is None:
                return emptied(element), "emptied (not a date)"
            new.append(moved)
        if element.VR == "TM" or not days:
            return element, ""
        return with_values(element, new), "date moved"

    def _kept(self, element: DataElement) -> tuple[DataElement | None, str]:
        """An element that an option keeps: as it is, but ages over 89 become 90 (45 CFR 164.514(b)(2)(i)(C))."""
        if element.VR == "SQ":
            return self._sequence(element, Mode.KEEP, "")
        if element.VR == "UI" and "retain-uids" not in self.options and element.keyword != "DeviceUID":
            return self._uid(element)
        if element.VR != "AS":
            return element, ""
        ages = [v.strip() for v in values(element)]
        if not all(re.fullmatch(r"\d{1,3}[DWMY]", a) for a in ages):
            return emptied(element), "emptied" if ages else ""
        new = ["090Y" if a[-1] == "Y" and int(a[:-1]) > MOST_YEARS else a for a in ages]
        return (element, "") if new == ages else (with_values(element, new), "replaced")

    def _uid(self, element: DataElement) -> tuple[DataElement, str]:
        keyword = element.keyword
        if (
            "retain-uids" in self.options
            or keyword in CLASS_UIDS
            or re.search("SOPClass|TransferSyntax", keyword)
        ):
            return element, ""
        old = values(element)
        new = [v if STANDARD_UID.fullmatch(v) else self.uid(v) for v in old]
        return (element, "") if new == old else (with_values(element, new), "UID replaced")

    def uid(self, old: str) -> str:
        """The new UID for ``old``."""
        old = old.strip(" \0")
        if not old:
            return ""
        new = self.key.uid(old)
        self.uids[old] = new
        return new

    def _cleaned(self, element: DataElement, code: str) -> tuple[DataElement | None, str]:
        """Text reduced to words of imaging; where nothing is left, what the table's code permits."""
        old = values(element)
        new = [clean(v, self.identity.words) for v in old]
        if new == [v.strip() for v in old]:
            return element, ""
        if any(new):
            return with_values(element, new), "cleaned"
        action = resolve(code, True, False)
        if action == "X":
            return None, "removed"
        return (emptied(element), "emptied") if action == "Z" else (dummy(element), "replaced")

    def _graphics(self, source: Dataset, element: DataElement) -> tuple[DataElement | None, str]:
        """Curves go. Overlays go too, but for regions of interest where clean-graphics is chosen."""
        group, number = element.tag.group, element.tag.element
        is_region = str(source.get((group, 0x0040), DataElement(0x60000040, "CS", "")).value or "") == "R"
        if "clean-graphics" not in self.options or group < 0x6000 or not is_region:
            return None, "removed"
        if number in (0x0022, 0x1500, 0x4000):
            return self._cleaned(element, "X")
        return element, ""
