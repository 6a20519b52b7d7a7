"""From the instances of a study to the one image that a package reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from overread.clinic.results.source import read_headers
from overread.errors import InputError
from overread.imaging.dicom.files import open_dataset
from overread.imaging.dicom.patients import Patient, PatientDiffersError, check_one_patient, patient_of
from overread.imaging.dicom.series import read_series
from overread.imaging.dicom.values import text
from overread.imaging.grid.bounds import GridTooLargeError
from overread.imaging.grid.geometry import resample_to, same_grid, stack
from overread.imaging.image import Image
from overread.runtime.manifest import Channel, Manifest

LINEAR = 1
VALUE_CHARACTERS = 256
"""So much of a value is held against a pattern."""


# What says whose an instance is, and how that is written.
IDENTITY = ("PatientID", "IssuerOfPatientID", "PatientName", "SpecificCharacterSet")


class UnusableError(InputError):
    """The study cannot be read for this package; ``code`` is short and stable, for the SR."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Series:
    """One series with the header of its first file; ``patients``: one data set for each patient that it names."""

    uid: str
    files: tuple[Path, ...]
    header: Dataset
    patients: tuple[Dataset, ...] = ()

    @property
    def has_pixels(self) -> bool:
        """Whether it holds images; reports, presentation states and plans do not."""
        return "Rows" in self.header

    def __str__(self) -> str:
        words = (text(self.header, k) for k in ("Modality", "SeriesDescription"))
        return f"{' '.join(w for w in words if w)} ({len(self.files)} instances, series {self.uid})"


@dataclass(frozen=True)
class Assembled:
    """The image, its files (first channel first), and those of the first channel in slice order."""

    image: Image
    files: tuple[Path, ...]
    first: tuple[Path, ...]


def list_series(files: Sequence[Path]) -> list[Series]:
    """The series of a study, sorted by UID. Raises InputError on a file that is not DICOM."""
    groups: dict[str, list[Path]] = {}
    patients: dict[str, dict[Patient, Dataset]] = {}
    for path in files:
        tags = ["SeriesInstanceUID", *IDENTITY]
        part = open_dataset(path, str(path), stop_before_pixels=True, specific_tags=tags)
        uid = text(part, "SeriesInstanceUID")
        groups.setdefault(uid, []).append(path)
        patients.setdefault(uid, {}).setdefault(patient_of(part), part)
    return [
        Series(uid, tuple(paths), read_headers(paths[:1])[0], tuple(patients[uid].values()))
        for uid, paths in sorted(groups.items())
    ]


def matches(header: Dataset, patterns: Mapping[str, str]) -> bool:
    """Whether each regular expression is found in the value of its keyword; an absent value is empty text."""
    return all(re.search(p, text(header, keyword)[:VALUE_CHARACTERS]) for keyword, p in patterns.items())


def choose_series(channel: Channel, series: Sequence[Series]) -> Series:
    """The one series for a channel. Raises UnusableError where there is none, or more than one."""
    found = [
        s
        for s in series
        if s.has_pixels
        and (not channel.modality or text(s.header, "Modality") in channel.modality)
        and matches(s.header, channel.match)
    ]
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(channel.modality) or "any modality"
    wanted += "".join(f", {keyword} like {pattern!r}" for keyword, pattern in channel.match.items())
    if not found:
        there = "; ".join(map(str, series)) or "nothing"
        raise UnusableError(
            "CHANNEL_MISSING", f"channel {channel.name}: no series fits ({wanted}); the study holds {there}"
        )
    there = "; ".join(map(str, found))
    unclear = f"channel {channel.name}: {len(found)} series fit ({wanted}), expected one: {there}"
    raise UnusableError("CHANNEL_UNCLEAR", unclear)


def choose_prior(channel: Channel, priors: Sequence[Sequence[Series]]) -> Series:
    """The one series for a channel of the latest prior that has one. Raises UnusableError where none has."""
    for study in priors:
        try:
            return choose_series(channel, study)
        except UnusableError:
            continue
    raise UnusableError(
        "PRIOR_MISSING",
        f"channel {channel.name}: none of {len(priors)} earlier studies has one series that fits; see priors of the "
        "route",
    )


def assemble(
    manifest: Manifest, series: Sequence[Series], priors: Sequence[Sequence[Series]] = ()
) -> Assembled:
    """Read one series per channel; further channels go onto the grid of the first.

    Channels that are ``prior`` are read from ``priors``: series of earlier studies, the latest study first.

    Raises
    ------
    UnusableError
        A prior that is needed and not there (``PRIOR_MISSING``),
        a study of more than one patient (``PATIENT_DIFFERS``), a channel without or with several candidate series
        (``CHANNEL_MISSING``, ``CHANNEL_UNCLEAR``), one series for two channels, channels of different frames of
        reference (``FRAME_DIFFERS``), a grid beyond all bounds (``GRID``), or a series that cannot be read
        (``UNREADABLE``).
    """
    try:
        every = [*series, *(s for study in priors for s in study)]
        notes = check_one_patient((p for s in every for p in s.patients), "the study")
    except PatientDiffersError as error:
        raise UnusableError(error.code, str(error)) from error
    chosen = [choose_prior(c, priors) if c.prior else choose_series(c, series) for c in manifest.channels]
    uids = [s.uid for s in chosen]
    if len(set(uids)) < len(uids):
        twice = next(uid for uid in uids if uids.count(uid) > 1)
        names = " and ".join(c.name for c, uid in zip(manifest.channels, uids, strict=True) if uid == twice)
        raise UnusableError("CHANNEL_UNCLEAR", f"channels {names}: one series fits both, {twice}")
    try:
        # Results refer to slices, so every slice is one instance as it was acquired.
        images = [read_series(list(s.files), exact=True) for s in chosen]
        first = images[0]
        if len(images) > 1:
            channels = [c.name for c in manifest.channels]
            onto = [_onto(first, i, c) for i, c in zip(images[1:], manifest.channels[1:], strict=True)]
            image = stack([first, *onto], channels)
        elif len(first.array) == 1:
            image = first.with_(channels=(manifest.channels[0].name,))
        else:
            image = first
    except UnusableError:
        raise
    except PatientDiffersError as error:
        raise UnusableError(error.code, str(error)) from error
    except GridTooLargeError as error:
        raise UnusableError("GRID", str(error)) from error
    except InputError as error:
        raise UnusableError("UNREADABLE", str(error)) from error
    image = image.with_(notes=(*image.notes, *(n for n in notes if n not in image.notes)))
    headers = read_headers(chosen[0].files)
    by_uid = {str(h.SOPInstanceUID): path for h, path in zip(headers, chosen[0].files, strict=True)}
    in_order = tuple(by_uid[uid] for uid in first.source["SOPInstanceUIDs"])
    ours = (s for s, c in zip(chosen, manifest.channels, strict=True) if not c.prior)
    files = tuple(dict.fromkeys((*in_order, *(path for s in ours for path in s.files))))
    return Assembled(image, files, in_order)


def _onto(first: Image, image: Image, channel: Channel) -> Image:
    name = channel.name
    frame, other = (str(i.source.get("FrameOfReferenceUID") or "") for i in (first, image))
    if channel.prior and (not frame or frame != other):
        image = _middle_on_middle(first, image, name)
    elif not frame or frame != other:
        raise UnusableError(
            "FRAME_DIFFERS",
            f"channel {name}: found frame of reference {other or 'none'}, expected {frame or 'one'} as in "
            "the first channel; images without a common frame of reference do not lie on one another",
        )
    if same_grid(first.spatial, first.affine, image.spatial, image.affine):
        return image
    moved = resample_to(image, first.spatial, first.affine, order=LINEAR)
    sizes = [" x ".join(map(str, i.spatial)) for i in (image, first)]
    return moved.with_(
        notes=(*moved.notes, f"resampled from {sizes[0]} to the first channel's grid of {sizes[1]}")
    )


def _middle_on_middle(first: Image, image: Image, name: str) -> Image:
    """A prior, which has a frame of reference of its own, moved so that the middles of both lie on one another."""
    middles = [
        i.affine @ np.array([*((np.array(i.spatial) - 1) / 2), *[0.0] * (3 - len(i.spatial)), 1.0])
        for i in (first, image)
    ]
    affine = image.affine.copy()
    affine[:3, 3] += (middles[0] - middles[1])[:3]
    words = f"channel {name}: an earlier study, laid on this one by its middle and not registered"
    return image.with_(affine=affine, notes=(*image.notes, words))
