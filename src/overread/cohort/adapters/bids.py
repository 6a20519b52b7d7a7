"""Anatomical images of a BIDS data set, with masks of its derivatives or a column of participants.tsv as truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from overread.cohort.adapters.bids_files import (
    NIFTI,
    Named,
    day_of,
    images_in,
    participants,
    session_facts,
    sidecar,
)
from overread.cohort.adapters.common import names_of_values, take_over
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import case_name, existing, json_of, listed, rows_of
from overread.cohort.adapters.volumes import labels_on_grid
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.read import read

TRUTHS = ("mask", "dseg", "roi")
Sessions = dict[tuple[str, str], dict[str, Named]]


def import_bids(
    folder: Path, out: Path, channels: str | None = None, masks: str | None = None, label: str | None = None
) -> None:
    """Take over the images of every ``anat`` folder below ``out``: one case per session, which is the visit.

    Parameters
    ----------
    channels
        Kinds of images, separated by commas, named as files end: ``T1w,FLAIR`` or ``acq-hi_T1w``. Without it
        those that every session has.
    masks
        How the names of the masks in ``derivatives`` end, such as ``label-lesion_mask``; needed where there are
        several kinds.
    label
        A column of participants.tsv (or of the sessions' tables) that holds the class; masks are not looked for
        then. Cases without a class are left out.

    Attributes come from participants.tsv, the sessions' tables and the images' JSON. Of several runs the
    first is taken; functional, diffusion and other images are counted and left out.

    Raises
    ------
    InputError
        No dataset_description.json or no anatomical image, no truth, a session without an image or mask, a
        participant whom participants.tsv does not know, an image of four axes, a mask on another grid, mask values
        without a name, a link without content, too few participants.
    """
    described = json_of(existing(folder, ["dataset_description.json"], "which every BIDS data set has"))
    sessions, runs, others = _sessions(folder)
    kinds = _kinds(folder, sessions, channels)
    people = _people(folder, sessions)
    truths = {} if label else _truths(folder, sessions, masks)
    facts = {s: people.get(s[0], {}) | session_facts(folder, *s) for s in sessions}
    left = [f"{n} images of {k} were left out" for k, n in sorted(others.items())]
    left += [f"{runs} further runs were left out"] * bool(runs)
    unused = {k for files in sessions.values() for k in files} - set(kinds)
    left += [f"images not taken: {listed(unused, 5)}"] * bool(unused)
    if label:
        sessions = _labelled(folder, sessions, facts, label, left)
    strata = {s[0]: facts[s].get(label, "") for s in sessions} if label else {}
    splits, note = official_splits([(subject, "") for subject, _ in sessions], strata)
    made = made_by("bids", folder, channels=channels, masks=masks, label=label)
    task: dict[str, Any] = {"source": {"import": made}}
    cases, values = [], set[int]()
    with building(out, task) as target:
        for session, files in track(sessions.items(), "Taking over images", len(sessions)):
            subject, visit = session
            case = case_name(f"{subject}_ses-{visit}" if visit else subject)
            images = {}
            for k in kinds:
                name = k.replace("-", "_") if len(kinds) > 1 else "image"
                images[name] = target / "images" / f"{case}_{k}{_suffix(files[k].path)}"
                take_over(files[k].path, images[name])
            first = files[kinds[0]]
            image = read(first.path)
            if len(image.array) != 1:
                raise InputError(
                    f"{first.path}: has four axes, expected one volume; choose other images by --channels"
                )
            mask = None
            if truths:
                source = truths[session]
                labels, _ = labels_on_grid(source.path, [(first.path, image)])
                values |= set(np.unique(labels).tolist())
                mask = target / "masks" / f"{case}{_suffix(source.path)}"
                take_over(source.path, mask)
            more = sidecar(folder, first) | {k: v for k, v in facts[session].items() if v}
            truth = more.pop(label) if label else None
            cases.append(
                Case(
                    case, subject, images, truth, mask, splits[subject], more, visit=visit, date=day_of(first)
                )
            )
        names = sorted({str(c.label) for c in cases}) if label else _names(folder, truths, values)
        stated = task_of(
            "classification" if label else "segmentation",
            3,
            names,
            name=str(described.get("Name") or folder.resolve().name),
            licence=str(described.get("License") or "unknown"),
            note="; ".join([note, *left]),
            made=made,
            modality=["MR"],
        )
        task.update(stated)
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{', '.join(kinds)}; {', '.join(names)}")


def _suffix(path: Path) -> str:
    return next(s for s in NIFTI if path.name.endswith(s))


def _sessions(folder: Path) -> tuple[Sessions, int, Counter[str]]:
    """Images by kind of every session, the number of further runs, and images that are not anatomical by folder."""
    sessions: Sessions = {}
    runs, others = 0, Counter[str]()
    for subject in sorted(p for p in folder.glob("sub-*") if p.is_dir()):
        for image in images_in(subject):
            if image.path.parent.name != "anat":
                others[image.path.parent.name] += 1
                continue
            if image.session[0] != subject.name:
                raise InputError(
                    f"{image.path}: is of {image.session[0]} and lies in {subject.name}; put it right"
                )
            files = sessions.setdefault(image.session, {})
            runs += image.kind in files
            files.setdefault(image.kind, image)
    if not sessions:
        raise InputError(
            f"{folder}: has no sub-*/anat/*.nii.gz (or sub-*/ses-*/anat); found images of "
            f"{listed(others) or 'nothing'}, expected anatomical ones"
        )
    return sessions, runs, others


def _kinds(folder: Path, sessions: Sessions, channels: str | None) -> list[str]:
    everywhere = list(dict.fromkeys(k for files in sessions.values() for k in files))
    if channels is None:
        kinds = [k for k in everywhere if all(k in files for files in sessions.values())]
        if not kinds:
            raise InputError(
                f"{folder}: no kind of image is in every session ({listed(everywhere, 5)}); choose some by --channels, "
                "and take out the sessions that lack them"
            )
        return kinds
    kinds = list(dict.fromkeys(k.strip() for k in channels.split(",") if k.strip()))
    for k in kinds or [channels]:
        lacking = ["_ses-".join(filter(None, s)) for s, files in sessions.items() if k not in files]
        if len(lacking) == len(sessions):
            raise InputError(f"{folder}: --channels names {k!r}; found {listed(everywhere, 9)}")
        if lacking:
            raise InputError(f"{folder}: no {k} image of {listed(lacking)}; add it or take the session out")
    return kinds


def _people(folder: Path, sessions: Sessions) -> dict[str, dict[str, str]]:
    people = participants(folder)
    unknown = {subject for subject, _ in sessions} - people.keys()
    if people and unknown:
        raise InputError(f"{folder / 'participants.tsv'}: has no row for {listed(unknown)}; add it")
    return people


def _truths(folder: Path, sessions: Sessions, masks: str | None) -> dict[tuple[str, str], Named]:
    """The mask of every session."""
    below = folder / "derivatives"
    found = [m for m in images_in(below) if m.suffix in TRUTHS] if below.is_dir() else []
    ending = (masks or "").removesuffix(".gz").removesuffix(".nii").lstrip("_")
    kinds = sorted({m.kind for m in found if m.kind == ending or m.kind.endswith(f"_{ending}") or not ending})
    if len(kinds) != 1:
        columns = list(next(iter(participants(folder).values()), {}))
        have = listed({m.kind for m in found}, 6) or "none"
        raise InputError(
            f"{below}: {'several kinds of masks' if kinds else 'no such masks'} (found {have}); choose one kind by "
            f"--masks, or a column of participants.tsv by --label (it has {', '.join(columns) or 'none'})"
        )
    truths: dict[tuple[str, str], Named] = {}
    for mask in (m for m in found if m.kind == kinds[0]):
        if mask.session in truths and "run" not in mask.entities:
            raise InputError(
                f"{mask.path}: {truths[mask.session].path} is of the same session; keep one of them"
            )
        truths.setdefault(mask.session, mask)
    lacking = ["_ses-".join(filter(None, s)) for s in sessions if s not in truths]
    if lacking:
        raise InputError(f"{below}: no {kinds[0]} of {listed(lacking)}; add it or take the session out")
    return truths


def _labelled(
    folder: Path,
    sessions: Sessions,
    facts: Mapping[tuple[str, str], Mapping[str, str]],
    label: str,
    left: list[str],
) -> Sessions:
    """The sessions that have a class."""
    columns = dict.fromkeys(k for f in facts.values() for k in f)
    if label not in columns:
        raise InputError(
            f"{folder / 'participants.tsv'}: has no column {label!r}; found {', '.join(columns) or 'no table'}"
        )
    known = {s: files for s, files in sessions.items() if facts[s].get(label)}
    if len(known) < len(sessions):
        left.append(f"{len(sessions) - len(known)} sessions without {label} were left out")
    return known


def _names(folder: Path, truths: Mapping[Any, Named], values: set[int]) -> Sequence[str]:
    """Class names of the masks: of a table beside a dseg, else of the entity label or desc of a mask."""
    below = folder / "derivatives"
    mask = next(iter(truths.values()))
    if mask.suffix == "dseg":
        near = mask.path.with_name(mask.path.name.split(".")[0] + ".tsv")
        tables = [near, *sorted(below.glob("*/*dseg.tsv")), *sorted(below.glob("*dseg.tsv"))]
        table = next((t for t in tables if t.is_file()), None)
        if table is None:
            return names_of_values(values, below)
        rows = {r["index"]: r["name"] for r in rows_of(table, ("index", "name"), "\t")}
        given = [rows.get(str(k)) for k in range(1, max(values) + 1)]
        if None in given:
            raise InputError(
                f"{table}: has no row for {given.index(None) + 1}; expected 1, 2 ... without gaps"
            )
        return names_of_values(values, below, [str(g) for g in given])
    name = mask.entities.get("label") or mask.entities.get("desc") or mask.suffix
    return names_of_values(values, below, [name])
