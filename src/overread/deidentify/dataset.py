"""De-identifying one data set, and the bytes of the file that it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from overread.deidentify.allowed import Allowed
from overread.deidentify.comments import clear_comments
from overread.deidentify.done import Change, Done
from overread.deidentify.errors import WithheldError
from overread.deidentify.finished import search, written
from overread.deidentify.identity import gather, is_name
from overread.deidentify.keys import Key
from overread.deidentify.options import FULL_DATES, MODIFIED_DATES, Options, choose
from overread.deidentify.pixels import BURNED_IN, blank, clear_overlay_bits, cut_to_size, is_burned_in
from overread.deidentify.regions import Box
from overread.deidentify.sweep import sweep
from overread.deidentify.table import EDITION
from overread.deidentify.undeclared import READ, UNDECLARED, is_undeclared, look
from overread.deidentify.values import PIXELS, put, shallow
from overread.deidentify.video import IS_VIDEO, cannot_be_judged, is_video
from overread.deidentify.walk import Walk
from overread.imaging.dicom.files import reading, transfer_syntax

IMPLEMENTATION_UID = UID("2.25.302043790172249692526321623266752743501")
"""Of the software that writes the file, not of the file (PS3.7 D.3.3.2)."""


def deidentify_dataset(
    dataset: Dataset,
    key: Key | bytes,
    options: Iterable[str] | Options = (),
    *,
    boxes: Sequence[Box] = (),
    allow_burned_in: bool = False,
    allow_video: bool = False,
    withhold_undeclared: bool = False,
    name: str = "data set",
) -> tuple[Dataset, tuple[Change, ...]]:
    """The de-identified copy of ``dataset``, and what was changed (PS3.15 annex E).

    Parameters
    ----------
    dataset
        Stays as it is.
    key
        `Key`, or its 32 bytes.
    options
        Names of `OPTIONS`; dates are moved unless another option about dates is named.
    boxes
        Regions of burned-in text to be blanked.
    allow_burned_in
        Let pass what declares burned-in text and has no ``boxes``.
    allow_video
        Let pass video, whose pictures and user data are not looked at.
    withhold_undeclared
        Withhold images of kinds that often have text burned in unless they declare that they have none.

    Raises
    ------
    WithheldError
        An encapsulated document, a recording of voices, a printed page, a video; burned-in text; pixels that cannot be
        blanked, or compressed pixels that cannot be taken apart; or an identifying value that is found in the bytes of
        the result, as of a finished file.
    InputError
        An unknown option, or a key of another length; a data set too damaged to be walked through.
    """
    secret = key if isinstance(key, Key) else Key(key)
    chosen = choose(options)
    with reading(name, "a data set to be de-identified"):
        allowed = Allowed(allow_burned_in, allow_video, not withhold_undeclared)
        done = process(dataset, secret, chosen, boxes, allowed, name)
        search(done, written(done.dataset, name), name)
    return done.dataset, done.changes


def process(
    source: Dataset, key: Key, options: Options, boxes: Sequence[Box], allow: Allowed, name: str
) -> Done:
    """As `deidentify_dataset`, with all that a run over many files needs."""
    if reason := cannot_be_judged(source):
        raise WithheldError(name, reason)
    if not allow.video and _is_video(source, name):
        raise WithheldError(name, IS_VIDEO)
    if is_burned_in(source) and not boxes and not allow.burned_in:
        raise WithheldError(name, BURNED_IN)
    if not allow.undeclared and not boxes and is_undeclared(source):
        raise WithheldError(name, UNDECLARED)
    identity = gather(source, options)
    patient = patient_of(source)
    seen = look(source) if not boxes and is_undeclared(source) and not _is_video(source, name) else None
    if seen is not None and seen.lines and any(identity.found(line.text) for line in seen.lines):
        raise WithheldError(name, READ)
    walk = Walk(key, options, identity, patient)
    working, steps = _with_clean_pixels(source, boxes, name)
    result = walk.dataset(working)
    sweep(result, identity, walk.note)
    walk.changes.update(Counter(steps))
    _declare(result, options, bool(boxes), source)
    if getattr(working, "file_meta", None) is not None or working.original_encoding[0] is not None:
        result.file_meta = _file_meta(result, transfer_syntax(working, name))
    changes = tuple(Change(t, k, a, n) for (t, k, a), n in sorted(walk.changes.items()))
    person = str(source.get("PatientName") or "").strip()
    return Done(result, changes, patient, person, key.pseudonym(patient), walk.uids, identity, seen)


def patient_of(dataset: Dataset) -> str:
    """What a patient is known by: PatientID, else name and birth date, else the study, or what there is of it.

    A birth date alone, or a name such as Anonymous, would make one patient of many.
    """
    own = str(dataset.get("PatientID") or "").strip()
    if own:
        return own
    name = str(dataset.get("PatientName") or "")
    if is_name(name):
        return f"{name}|{dataset.get('PatientBirthDate') or ''}"
    for level in ("Study", "Series", "SOP"):
        uid = dataset.get(f"{level}InstanceUID")
        if uid:
            return f"{level.lower()} {uid}"
    return f"study {dataset.get('StudyInstanceUID') or ''}"


def _with_clean_pixels(
    source: Dataset, boxes: Sequence[Box], name: str
) -> tuple[Dataset, list[tuple[int, str, str]]]:
    """The source, or a copy with other pixels; what was done to them."""
    overlays = any((group, 0x0102) in source for group in range(0x6000, 0x6020, 2))
    if not boxes and not overlays and not any(tag in source for tag in PIXELS):
        return source, []
    compressed = "PixelData" in source and transfer_syntax(source, name).is_encapsulated
    steps: list[tuple[int, str, str]] = []
    working = shallow(source)
    for tag in [t for t in working.keys() if t.group in (0x0028, 0x7FE0)]:  # noqa: SIM118
        # Decoding changes elements in place.
        working[tag] = copy(working[tag])
    working.file_meta = FileMetaDataset()
    working.file_meta.TransferSyntaxUID = transfer_syntax(source, name)
    if compressed and clear_comments(working, name):
        steps.append((0x7FE00010, "PixelData", "comments and leftovers removed from the compressed stream"))
    if not compressed and cut_to_size(working, name):
        steps.append((0x7FE00010, "PixelData", "cut to the size that the header declares"))
    if overlays and clear_overlay_bits(working, name):
        steps.append((0x7FE00010, "PixelData", "overlay bits cleared"))
    if boxes:
        blank(working, boxes, name)
        steps.append((0x7FE00010, "PixelData", "regions blanked"))
    before, after = transfer_syntax(source, name), transfer_syntax(working, name)
    if before != after:
        steps.append((0x00020010, "TransferSyntaxUID", "decoded to Explicit VR Little Endian"))
    return working, steps


def _declare(result: Dataset, options: Options, blanked: bool, source: Dataset) -> None:
    """Say in the data set what was done to it (PS3.15 E.2, PS3.3 C.7.1.1 and C.12.1)."""
    items = []
    for code, meaning in options.codes(blanked):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        items.append(item)
    put(result, "PatientIdentityRemoved", "YES")
    put(result, "DeidentificationMethod", f"overread, PS3.15 {EDITION} annex E")
    put(result, "DeidentificationMethodCodeSequence", Items(items))
    dates = {FULL_DATES: "UNMODIFIED", MODIFIED_DATES: "MODIFIED"}.get(options.dates, "REMOVED")
    put(result, "LongitudinalTemporalInformationModified", dates)
    if blanked:
        put(result, "BurnedInAnnotation", "NO")
    for keyword in ("PatientName", "PatientID"):
        # Type 2: a data set without them gets none, its patient is in the folder's name.
        if keyword not in source:
            result.pop(keyword, None)


def _file_meta(result: Dataset, syntax: UID) -> FileMetaDataset:
    """File meta information made anew: nothing of the source's AE titles and private information remains."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = result.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = result.get("SOPInstanceUID", "")
    # A deflated file could not be searched by anyone who receives it.
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax == DeflatedExplicitVRLittleEndian else syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "OVERREAD"
    return meta


def _is_video(source: Dataset, name: str) -> bool:
    return is_video(source, transfer_syntax(source, name) if "PixelData" in source else "")
