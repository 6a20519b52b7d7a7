"""De-identifying many files: into a folder of new names, with a report and, if asked for, a map."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.deidentify.allowed import Allowed
from overread.deidentify.dataset import process
from overread.deidentify.done import Done
from overread.deidentify.errors import WithheldError
from overread.deidentify.finished import encode
from overread.deidentify.keys import Key, load_key
from overread.deidentify.mapping import Map, add_to_map, open_map
from overread.deidentify.options import Options, choose
from overread.deidentify.regions import Region, boxes_for, load_regions
from overread.deidentify.report import Report, begin, finish, heading
from overread.deidentify.sources import DICOMDIR, Source, find_sources
from overread.errors import InputError
from overread.files import atomic_path
from overread.imaging.dicom.files import reading

DAMAGED = "damaged, or not DICOM"
OTHER_CONTENT = "another file with the same SOP Instance UID and other content"


@dataclass(frozen=True)
class Result:
    """Counts of files, and what was withheld as (name, why). ``changes`` counts (tag, keyword, action)."""

    written: int
    repeated: int
    others: int
    withheld: tuple[tuple[str, str], ...]
    changes: Counter[tuple[int, str, str]]
    undeclared: dict[str, dict[str, int]]
    """Images written of kinds that often have text burned in, and do not declare that they have none: by SOP Class, how
    many files, in how many text was found, and how many could not be looked at."""


def deidentify(
    paths: Sequence[Path] | Path,
    out: Path,
    *,
    key: Key | Path,
    options: Iterable[str] | Options = (),
    regions: Path | Sequence[Region] = (),
    map: Path | None = None,
    passphrase: str | None = None,
    allow_burned_in: bool = False,
    allow_video: bool = False,
    withhold_undeclared: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """De-identify every DICOM file of ``paths`` into ``out/PATIENT/STUDY/SERIES/INSTANCE.dcm``.

    A file that cannot be read, or must not be written, is withheld, and the others go on. Run again with the same
    key, options and regions, a broken run is completed.

    Parameters
    ----------
    paths
        Files, folders, or zips of DICOM files. Nothing is written there.
    out
        A new or empty folder, or one that was made with the same key, options and regions.
    key
        `Key`, or a key file; where the file does not exist a key is made.
    options
        Names of `OPTIONS`.
    regions
        Burned-in regions to be blanked, or the YAML file that declares them (see `load_regions`).
    map
        File that is to hold what became of whom; not inside ``out``. Encrypted where there is a ``passphrase``.
    allow_burned_in
        Let pass files that declare burned-in text without a region.
    allow_video
        Let pass video, whose pictures and user data are not looked at.
    withhold_undeclared
        Withhold images of kinds that often have text burned in (ultrasound, secondary capture, photographs, endoscopy)
        unless they declare that they have none, or a region is declared for them.
    progress
        Called with how many files are done and how many there are.

    Raises
    ------
    InputError
        No DICOM file, an unknown option, ``out`` not empty and made otherwise, or a file where it must not be.
        Nothing is written then.
    """
    inputs = [paths] if isinstance(paths, str | Path) else list(paths)
    chosen, out = choose(options), Path(out)
    declared = load_regions(regions) if isinstance(regions, str | Path) else tuple(regions)
    if "clean-pixel-data" in chosen and not declared:
        raise InputError("option clean-pixel-data needs declared regions; give them with --regions FILE")
    _check_places(inputs, out, [p for p in (map, key) if isinstance(p, str | Path)])
    found = find_sources(inputs)
    secret = key if isinstance(key, Key) else load_key(key)
    kept = None if map is None else open_map(Path(map), secret.fingerprint, passphrase=passphrase)
    allowed = Allowed(allow_burned_in, allow_video, not withhold_undeclared)
    head = heading(secret, chosen, declared, allowed)
    begin(out, head)
    if map is not None and kept is not None:
        # Another run that begins at this moment sees whose map it is before either has written a file.
        add_to_map(Path(map), kept, passphrase=passphrase)
    report = Report(head, len(declared))
    for index, source in enumerate(found.sources, 1):
        progress(index - 1, len(found.sources))
        entry: dict[str, Any] = {"index": index, "new": None}
        try:
            done, repeated, place = _one(source, out, secret, chosen, declared, allowed)
        except (WithheldError, InputError) as error:
            reason = error.reason if isinstance(error, WithheldError) else DAMAGED
            if reason == DICOMDIR:
                report.others += 1
                continue
            report.withhold(index, source.name, reason, str(error))
        else:
            report.add(done.changes, repeated)
            report.note_undeclared(done.undeclared)
            entry["new"] = str(place.relative_to(out))
            if kept is not None:
                _remember(kept, done, secret)
        if kept is not None:
            kept.files[source.name] = entry
    report.others += found.others
    finish(out, report)
    if map is not None and kept is not None:
        add_to_map(Path(map), kept, passphrase=passphrase)
    progress(len(found.sources), len(found.sources))
    return Result(
        report.written,
        report.repeated,
        report.others,
        tuple(report.messages),
        report.changes,
        {kind: dict(counts) for kind, counts in report.undeclared.items()},
    )


def _one(
    source: Source, out: Path, key: Key, options: Options, regions: Sequence[Region], allowed: Allowed
) -> tuple[Done, bool, Path]:
    """De-identify and write one file; whether it was there already, and where it is."""
    with reading(source.name), warnings.catch_warnings():
        # pydicom's warnings quote values of the source.
        warnings.simplefilter("ignore")
        done, data = _process(source, key, options, regions, allowed)
    new = done.dataset
    names = [_folder_name(new.get(k)) for k in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    path = out.joinpath(done.name, *names[:2], f"{names[2]}.dcm")
    if path.exists():
        if path.read_bytes() != data:
            raise WithheldError(source.name, OTHER_CONTENT)
        return done, True, path
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return done, False, path


def _process(
    source: Source, key: Key, options: Options, regions: Sequence[Region], allowed: Allowed
) -> tuple[Done, bytes]:
    dataset = source.open()
    meta = getattr(dataset, "file_meta", None)
    if "DirectoryRecordSequence" in dataset or (meta or {}).get("MediaStorageSOPClassUID") == DICOMDIR:
        raise WithheldError(source.name, DICOMDIR)
    done = process(dataset, key, options, boxes_for(regions, dataset), allowed, source.name)
    return done, encode(done, source.name)


def _folder_name(uid: object) -> str:
    """A UID as the name of a folder or file: only what a UID may hold, whatever the source had (retained UIDs)."""
    text = "".join(c for c in str(uid or "") if c.isdigit() or c == ".").strip(".")
    return text[:64] or "unknown"


def _remember(kept: Map, done: Done, key: Key) -> None:
    entry = kept.patients.setdefault(
        done.patient, {"new": done.name, "days_back": key.days(done.patient), "names": []}
    )
    if done.person and done.person not in entry["names"]:
        entry["names"].append(done.person)
    kept.uids.update(done.uids)


def _check_places(paths: Sequence[Path], out: Path, outside: Sequence[Path]) -> None:
    """Nothing is written into the input, and what leads back to patients is not given away with the output."""
    target = out.resolve()
    for path in paths:
        folder = Path(path).resolve()
        if target == folder or (folder.is_dir() and folder in target.parents) or target in folder.parents:
            raise InputError(
                f"{out}: the output may not lie in the input {path}, nor the input in it; name another"
            )
    for secret in (Path(p).resolve() for p in outside):
        if target == secret or target in secret.parents:
            raise InputError(f"{secret}: key and map may not lie in {out}, which is meant to be given away")
        for folder in (Path(p).resolve() for p in paths):
            if folder in secret.parents:
                raise InputError(
                    f"{secret}: key and map may not lie in the input {folder}; name another place"
                )
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
