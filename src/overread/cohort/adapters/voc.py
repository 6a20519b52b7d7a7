"""Boxes in the layout of Pascal VOC: Annotations, ImageSets/Main, JPEGImages.

Everingham et al., International Journal of Computer Vision 2010;88:303-338. A box there names its first and last
pixel, counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.detection import box_within, picture_size
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import case_name, existing, files_in, listed, number
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.cohort.splits.parts import SPLITS
from overread.errors import InputError

IMAGES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class Annotation:
    """One XML file: the stated columns and rows (None where not stated) and (name, corners, difficult)."""

    size: tuple[int, int] | None
    objects: tuple[tuple[str, tuple[float, ...], bool], ...]


def import_voc(folder: Path, out: Path) -> None:
    """Take over the annotated pictures of a Pascal VOC folder below ``out``; a picture is a patient.

    Parts come from ``ImageSets/Main/train.txt``, ``val.txt`` and ``test.txt`` (``trainval.txt`` where there is
    no ``train.txt``); without that folder all annotated pictures are dealt. Listed pictures of a test part
    without annotations, and pictures that no part lists, are left out and counted in ``task.json``.

    Raises
    ------
    InputError
        A missing folder, picture or annotation, an unreadable XML file, a picture of another size than stated, a
        box without extent or off its picture, too few pictures.
    """
    annotations = existing(folder, ["Annotations"], "one XML file per picture")
    existing(folder, ["JPEGImages"], "the pictures")
    pictures = _pictures(folder / "JPEGImages")
    parts, left = _parts(folder, annotations, pictures)
    read = {name: _annotation(annotations / f"{name}.xml") for name in track(parts, "Reading annotations")}
    # A zero shows that the set counts from 0 and names edges; VOC itself starts at 1.
    zero = any(v == 0 for a in read.values() for _, corners, _ in a.objects for v in corners)
    labels = list(dict.fromkeys(sorted(name for a in read.values() for name, _, _ in a.objects)))
    if not labels:
        raise InputError(f"{annotations}: no object in {len(read)} files; expected boxes")
    strata = {n: ", ".join(sorted({o[0] for o in a.objects})) for n, a in read.items()}
    splits, note = official_splits(parts.items(), strata)
    made = made_by("voc", folder)
    task: dict[str, Any] = {"source": {"import": made}}
    cases, cut = [], 0
    with building(out, task) as target:
        for name, part in track(parts.items(), "Taking over images", len(parts)):
            picture = pictures[name]
            boxes, clipped = _boxes(annotations / f"{name}.xml", read[name], picture, zero)
            cut += clipped
            case = case_name(name)
            kept = target / "images" / f"{case}{picture.suffix.lower()}"
            take_over(picture, kept)
            more = {"official_split": part} if part else {}
            file = write_boxes(target, case, boxes)
            cases.append(Case(case, case, {"image": kept}, split=splits[name], attributes=more, boxes=file))
        notes = ["each picture counts as its own patient", note, *left]
        notes += ["coordinates start at 0 and were taken for edges"] * zero
        notes += [f"{cut} boxes were cut at the rim of their picture"] * bool(cut)
        stated = task_of(
            "detection",
            2,
            labels,
            name=folder.resolve().name,
            licence="unknown",
            note="; ".join(notes),
            made=made,
        )
        task.update(stated)
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"boxes of {', '.join(labels)}")


def _pictures(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files_in(folder, IMAGES):
        if path.stem in found:
            raise InputError(f"{path}: {found[path.stem].name} has the same name; keep one of them")
        found[path.stem] = path
    if not found:
        raise InputError(f"{folder}: holds no file ending in {', '.join(IMAGES)}; check the path")
    return found


def _parts(folder: Path, annotations: Path, pictures: Mapping[str, Path]) -> tuple[dict[str, str], list[str]]:
    """The official part of every picture to be taken, and what is left out, in words."""
    truths = {p.stem for p in files_in(annotations, (".xml",))}
    lists = folder / "ImageSets" / "Main"
    names = {part: lists / f"{part}.txt" for part in SPLITS}
    if not names["train"].is_file() and (lists / "trainval.txt").is_file():
        names = {"train": lists / "trainval.txt", "test": names["test"]}
    listing = {part: _listed(path) for part, path in names.items() if path.is_file()}
    if not listing:
        alone = truths ^ set(pictures)
        if alone:
            raise InputError(
                f"{folder}: {listed(alone)} only in one of Annotations and JPEGImages; "
                "add the partner or take it out"
            )
        return dict.fromkeys(sorted(truths), ""), ["no ImageSets/Main: all annotated pictures were taken"]
    left = []
    hidden = [n for n in listing.get("test", []) if n not in truths]
    if hidden:
        listing["test"] = [n for n in listing["test"] if n in truths]
        left.append(f"{len(hidden)} test pictures without annotations were left out")
    parts: dict[str, str] = {}
    for part in SPLITS:
        for name in listing.get(part, []):
            if name in parts:
                raise InputError(f"{names[part]}: {name!r} is in {parts[name]}.txt too; keep it in one part")
            if name not in truths or name not in pictures:
                where = f"Annotations/{name}.xml" if name not in truths else f"JPEGImages/{name}.*"
                raise InputError(f"{names[part]}: lists {name!r}, but there is no {where}; download it too")
            parts[name] = part
    unlisted = truths - set(parts)
    if unlisted:
        left.append(f"{len(unlisted)} pictures that no part lists were left out ({listed(unlisted)})")
    return parts, left


def _listed(path: Path) -> list[str]:
    """The names in a list; a class list has a second column, which is passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 ({error}); download it again") from error
    return list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))


def _annotation(path: Path) -> Annotation:
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as XML ({error}); download it again") from error
    size = [root.findtext(f"size/{k}") for k in ("width", "height")]
    # Some tools state 0 x 0 where they did not know.
    stated = tuple(int(number(v, f"{path}: size")) for v in size if v is not None)
    objects = []
    for k, thing in enumerate(root.iterfind("object"), 1):
        where = f"{path}: object {k}"
        name = (thing.findtext("name") or "").strip()
        if not name:
            raise InputError(f"{where} has no name; expected its class")
        corners = tuple(number(thing.findtext(f"bndbox/{c}"), f"{where}: bndbox/{c}") for c in CORNERS)
        objects.append((name, corners, (thing.findtext("difficult") or "0").strip() == "1"))
    known = len(stated) == 2 and all(stated)
    return Annotation((stated[0], stated[1]) if known else None, tuple(objects))


def _boxes(path: Path, read: Annotation, picture: Path, zero: bool) -> tuple[list[dict[str, Any]], int]:
    """Boxes by their edges, and how many were cut at the rim."""
    size = picture_size(picture)
    if read.size is not None and read.size != size:
        raise InputError(
            f"{path}: states {read.size[0]} x {read.size[1]} pixels, {picture} has {size[0]} x {size[1]}; "
            "expected the picture that was annotated"
        )
    boxes, cut = [], 0
    for k, (name, (x0, y0, x1, y1), difficult) in enumerate(read.objects, 1):
        edges = (x0, y0, x1, y1) if zero else (x0 - 1, y0 - 1, x1, y1)
        more = {"difficult": True} if difficult else {}
        made, clipped = box_within(name, edges, size, f"{path}: object {k}", **more)
        boxes.append(made)
        cut += clipped
    return boxes, cut
