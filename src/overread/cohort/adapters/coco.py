"""Boxes, and masks if asked for, in the format of COCO: instances_*.json and folders of pictures.

Lin et al., ECCV 2014. A box there is x, y, width, height in pixels from the picture's outer edge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from rich.progress import track

from overread.cohort.adapters.coco_shapes import shape_mask
from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.detection import box_within, picture_size
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import case_name, files_in, json_of, listed, number
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.cohort.splits.parts import SPLITS
from overread.errors import InputError

KINDS = ("detection", "segmentation")


@dataclass(frozen=True)
class Picture:
    """One image of a COCO file: where it lies, whose it is, and its annotations."""

    part: str
    path: Path
    patient: str
    size: tuple[int, int]
    things: tuple[Mapping[str, Any], ...]
    where: str


def import_coco(folder: Path, out: Path, task: str | None = None) -> None:
    """Take over the pictures and boxes of COCO files below ``out``.

    The part (train, val, test) is told by the name of the JSON file or of its folder. An image's ``patient_id``
    is its patient where it has one; else every picture is its own. With ``task`` ``"segmentation"``, polygons
    and run lengths become label maps, one value per category.

    Raises
    ------
    InputError
        No COCO file, categories that differ between files, an annotation of an unknown image or category, a
        missing picture or one of another size than stated, a box without extent or off its picture, too few pictures.
    """
    kind = task or KINDS[0]
    if kind not in KINDS:
        raise InputError(f"--task is {kind!r}, expected one of {', '.join(KINDS)}")
    categories, pictures, left = _read(folder)
    used = {t["category_id"] for p in pictures.values() for t in p.things}
    labels = {k: name for k, name in categories.items() if k in used}
    if not labels:
        raise InputError(f"{folder}: no annotation of {len(pictures)} pictures; expected boxes")
    strata = {
        p.patient: ", ".join(sorted({labels[t["category_id"]] for t in p.things})) for p in pictures.values()
    }
    splits, note = official_splits([(p.patient, p.part) for p in pictures.values()], strata)
    made = made_by("coco", folder, task=task)
    stated: dict[str, Any] = {"source": {"import": made}}
    cases, cut, over, lost = [], 0, 0, 0
    with building(out, stated) as target:
        (target / "masks").mkdir()
        for case, p in track(pictures.items(), "Taking over images", len(pictures)):
            boxes, clipped = _boxes(p, labels)
            kept = target / "images" / f"{case}{p.path.suffix.lower()}"
            take_over(p.path, kept)
            mask = None
            if kind == "segmentation":
                mask = target / "masks" / f"{case}.png"
                covered, without = _draw(p, list(labels), mask)
                over, lost = over + covered, lost + without
            more = {"official_split": p.part} if p.part else {}
            file = write_boxes(target, case, boxes)
            split = splits[p.patient]
            cases.append(Case(case, p.patient, {"image": kept}, None, mask, split, more, boxes=file))
            cut += clipped
        notes = [note, *left]
        if all(p.patient == case for case, p in pictures.items()):
            notes.insert(0, "each picture counts as its own patient")
        notes += [
            f"categories without annotation: {listed(set(categories.values()) - set(labels.values()))}"
        ] * (len(labels) < len(categories))
        notes += [f"{cut} boxes were cut at the rim of their picture"] * bool(cut)
        notes += [f"{over} pixels in more than one category took the later one in the file"] * bool(over)
        notes += [f"{lost} outlines cover no pixel (outside of the picture, or thinner than a pixel)"] * bool(
            lost
        )
        names = list(labels.values()) if kind == "detection" else ["background", *labels.values()]
        name, licence = folder.resolve().name, "unknown"
        stated.update(task_of(kind, 2, names, name=name, licence=licence, note="; ".join(notes), made=made))
        Cohort(target, tuple(cases)).write()
    print_summary(
        out, cases, f"{'boxes' if kind == 'detection' else 'masks'} of {', '.join(labels.values())}"
    )


def _read(folder: Path) -> tuple[dict[int, str], dict[str, Picture], list[str]]:
    """Categories by number, pictures by case, and what was left out, of all COCO files."""
    categories: dict[int, str] = {}
    pictures: dict[str, Picture] = {}
    left: list[str] = []
    for path in _files(folder):
        content = json_of(path)
        if not isinstance(content.get("annotations"), list):
            left.append(f"{path.name} has no annotations and was left out")
            continue
        found = {
            int(number(c["id"], f"{path}: category id")): str(c["name"]).strip()
            for c in _objects(path, content, "categories", ("id", "name"))
        }
        if categories and found != categories:
            odd = {*found.items()} ^ {*categories.items()}
            raise InputError(
                f"{path}: has other categories than the files before it ({listed({v for _, v in odd})}); "
                "expected the same numbers and names"
            )
        if len(set(found.values())) < len(found):
            raise InputError(f"{path}: a category name stands twice in {', '.join(found.values())}")
        categories = found
        things: dict[Any, list[Mapping[str, Any]]] = {}
        for thing in _objects(path, content, "annotations", ("image_id", "category_id", "bbox")):
            if thing["category_id"] not in categories:
                raise InputError(
                    f"{path}: an annotation is of category {thing['category_id']!r}, which it does not list"
                )
            things.setdefault(thing["image_id"], []).append(thing)
        images = _objects(path, content, "images", ("id", "file_name", "width", "height"))
        unknown = things.keys() - {i["id"] for i in images}
        if unknown:
            raise InputError(
                f"{path}: annotations are of image {listed([str(k) for k in unknown])}, which it does not list"
            )
        part = _part(folder, path)
        for image in images:
            case = case_name(re.sub(r"\.\w+$", "", str(image["file_name"])))
            if case in pictures:
                raise InputError(
                    f"{path}: image {image['file_name']!r} is in {pictures[case].where} too; keep it in one file"
                )
            size = (
                int(number(image["width"], f"{path}: width")),
                int(number(image["height"], f"{path}: height")),
            )
            file = _picture(folder, path, str(image["file_name"]), part)
            patient = str(image.get("patient_id") or case)
            pictures[case] = Picture(part, file, patient, size, tuple(things.get(image["id"], ())), str(path))
    if not pictures:
        raise InputError(
            f"{folder}: its JSON files list no annotated image; expected COCO's instances_*.json"
        )
    parts = {p.part for p in pictures.values()}
    if len(parts) > 1 and "" in parts:
        odd_file = next(p.where for p in pictures.values() if not p.part)
        raise InputError(f"{odd_file}: its name tells neither train, val nor test, as others do; rename it")
    return categories, pictures, left


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    inside = folder / "annotations"
    for found in (
        sorted(inside.glob("instances_*.json")) if inside.is_dir() else [],
        files_in(inside, (".json",)) if inside.is_dir() else [],
        sorted(folder.glob("*/_annotations.coco.json")),
        files_in(folder, (".json",)),
    ):
        if found:
            return found
    raise InputError(
        f"{folder}: has no annotations/instances_*.json, no */_annotations.coco.json and no other .json; "
        "expected a data set in COCO's format"
    )


def _objects(
    path: Path, content: Mapping[str, Any], key: str, needs: Sequence[str]
) -> list[Mapping[str, Any]]:
    items = content.get(key)
    if not isinstance(items, list):
        raise InputError(f"{path}: has no list {key!r}; expected COCO's format")
    for k, item in enumerate(items):
        lacks = [n for n in needs if not isinstance(item, dict) or n not in item]
        if lacks:
            raise InputError(f"{path}: {key}[{k}] has no {lacks[0]!r}; expected COCO's format")
    return items


def _part(folder: Path, path: Path) -> str:
    """The official part that the name of a JSON file, or of its folder, tells."""
    for text in (path.stem.lower(), path.parent.name.lower() if path.parent != folder else ""):
        parts = [part for part in SPLITS if part in text]
        if len(parts) == 1:
            return parts[0]
    return ""


def _picture(folder: Path, path: Path, name: str, part: str) -> Path:
    """Where the picture ``name`` of a JSON file lies."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"{path}: file_name is {name!r}, expected a path below the data set's folder")
    end = path.stem.removeprefix("instances_")
    below = ("", "images", end, f"images/{end}", part, f"images/{part}", "JPEGImages")
    tried = dict.fromkeys([path.parent / name, *(folder / b / name for b in below)])
    found = next((p for p in tried if p.is_file()), None)
    if found is None:
        raise InputError(
            f"{path}: lists {name!r}, which is neither in {folder} nor in its folders images, {end}; "
            "download the pictures too"
        )
    return found


def _boxes(p: Picture, labels: Mapping[int, str]) -> tuple[list[dict[str, Any]], int]:
    size = picture_size(p.path)
    if size != p.size:
        raise InputError(
            f"{p.where}: states {p.size[0]} x {p.size[1]} pixels for {p.path}, which has {size[0]} x {size[1]}; "
            "expected the picture that was annotated"
        )
    boxes, cut = [], 0
    for thing in p.things:
        where = f"{p.where}: annotation {thing.get('id', '')} of {p.path.name}"
        given = thing["bbox"]
        if not isinstance(given, list) or len(given) != 4:
            raise InputError(f"{where}: bbox is {given!r}, expected x, y, width, height")
        x, y, w, h = (number(v, f"{where}: bbox") for v in given)
        more: dict[str, Any] = {"iscrowd": True} if thing.get("iscrowd") else {}
        if "score" in thing:
            more["score"] = number(thing["score"], f"{where}: score")
        made, clipped = box_within(labels[thing["category_id"]], (x, y, x + w, y + h), size, where, **more)
        boxes.append(made)
        cut += clipped
    return boxes, cut


def _draw(p: Picture, categories: list[int], path: Path) -> tuple[int, int]:
    """Write the label map of a picture; how many pixels are of several categories, how many outlines hold none."""
    columns, rows = p.size
    labels = np.zeros((rows, columns), np.uint8 if len(categories) < 256 else np.uint16)
    over = lost = 0
    for thing in p.things:
        where = f"{p.where}: annotation {thing.get('id', '')} of {p.path.name}"
        value = categories.index(thing["category_id"]) + 1
        inside = shape_mask(thing.get("segmentation"), columns, rows, where)
        over += int(np.count_nonzero(inside & (labels > 0) & (labels != value)))
        labels[inside] = value
        lost += not inside.any()
    Pillow.fromarray(labels).save(path)
    return over, lost
