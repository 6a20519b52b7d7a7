"""HAM10000: 10,015 dermatoscopic images of 7,470 pigmented skin lesions.

Tschandl et al., Scientific Data 2018;5:180161. Published on Harvard Dataverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.progress import track

from overread.cohort.adapters.listing import PICTURES, by_stem, check_listed, size_of, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.skin import HAM, LIMITS, NAMES, binary_mask, of_code, one_hot, years
from overread.cohort.adapters.source import existing, files_in, listed, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

TABLES = ("HAM10000_metadata.csv", "HAM10000_metadata.tab", "HAM10000_metadata")
TEST = "ISIC2018_Task3_Test_GroundTruth.csv"
TEST_IMAGES = ("ISIC2018_Task3_Test_Images", "ISIC2018_Task3_Test_Input")
MASKS = "HAM10000_segmentations_lesion_tschandl"
NOTE = "patients are not published: patient is the lesion (lesion_id), so that its images stay together"


@dataclass(frozen=True)
class Entry:
    """What a table says of one image."""

    part: str
    lesion: str
    label: str
    attributes: dict[str, str]


def import_ham10000(folder: Path, out: Path) -> None:
    """Take over the images with their diagnosis, all images of a lesion as one patient's.

    The official test images (ISIC 2018, task 3) are the test part where they and their truth are there. Lesion
    masks become label maps of 0 and 1 where their folder is there.

    Raises
    ------
    InputError
        A missing table, image or mask, an unknown class, a mask of more than two values, or ``out`` holds something
        else.
    """
    table = existing(folder, TABLES, "the metadata")
    entries = _entries(table, "")
    images = by_stem(p for place in _parts(folder) for p in files_in(place, PICTURES))
    check_listed(entries, images, table, folder)
    if (folder / TEST).is_file():
        entries = {k: Entry("train", e.lesion, e.label, e.attributes) for k, e in entries.items()}
        test = _entries(folder / TEST, "test")
        pictures = by_stem(files_in(existing(folder, TEST_IMAGES, "the test images"), PICTURES))
        check_listed(test, pictures, folder / TEST, folder)
        if both := test.keys() & entries.keys():
            raise InputError(f"{folder / TEST}: {min(both)} is in {table.name}, too; download both again")
        entries |= test
        images |= pictures
    masks = _masks(folder / MASKS, entries)
    splits, note = official_splits(
        ((e.lesion, e.part) for e in entries.values()), {e.lesion: e.label for e in entries.values()}
    )
    task = task_of(
        "classification",
        2,
        [NAMES[code] for code in HAM],
        name="HAM10000",
        licence="CC BY-NC 4.0",
        note=f"{note}; {NOTE}",
        made=made_by("ham10000", folder),
        modality=("DMS",),
        limits=LIMITS,
    )
    with building(out, task) as target:
        stored = take_all(target, {image: images[image] for image in entries})
        kept = {}
        for image, source in track(masks.items(), "Writing masks", len(masks)):
            kept[image] = target / "masks" / f"{image}.png"
            binary_mask(source, kept[image], size_of(images[image]))
        cases = [
            Case(
                image,
                e.lesion,
                {"image": stored[image]},
                e.label,
                kept.get(image),
                splits[e.lesion],
                e.attributes,
            )
            for image, e in entries.items()
        ]
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(HAM)} classes, {len(splits)} lesions, {len(kept)} masks")


def _parts(folder: Path) -> list[Path]:
    """The image folders. A copy on Kaggle has each twice, in upper and lower case: one of them is taken."""
    found: dict[str, Path] = {}
    for place in sorted(folder.iterdir()):
        if place.is_dir() and place.name.lower().startswith("ham10000_images"):
            found.setdefault(place.name.lower(), place)
    if not found:
        raise InputError(
            f"{folder}: has no HAM10000_images_part_1 and HAM10000_images_part_2; unpack the images there"
        )
    return list(found.values())


def _entries(table: Path, part: str) -> dict[str, Entry]:
    """By image; the test truth is published in the form of the metadata and as one-hot table."""
    if not table.is_file():
        raise InputError(f"{table}: is a folder, expected the table; move what it holds up")
    try:
        with table.open(encoding="utf-8-sig") as f:
            head = f.readline()
    except UnicodeDecodeError as error:
        raise InputError(f"{table}: not a table in UTF-8 ({error}); download it again") from error
    rows = rows_of(table, (), "\t" if "\t" in head else ",")
    described = "dx" in rows[0] or part != "test"
    needed = ("image_id", "lesion_id", "dx") if described else ("image", *(c.upper() for c in HAM))
    missing = [c for c in needed if c not in rows[0]]
    if missing:
        raise InputError(f"{table}: no column {missing[0]!r}; found {', '.join(rows[0])}")
    entries: dict[str, Entry] = {}
    for row in rows:
        image = row["image_id" if described else "image"]
        where = f"{table}: {image}"
        if image in entries:
            raise InputError(f"{where} stands in more than one row; download the table again")
        if not described:
            entries[image] = Entry(part, image, one_hot(row, HAM, where), {})
            continue
        attributes = {
            "age": years(row.get("age", "")),
            "sex": row.get("sex", ""),
            "site": row.get("dataset", ""),
            "localization": row.get("localization", ""),
            "dx_type": row.get("dx_type", ""),
        }
        entries[image] = Entry(part, row["lesion_id"] or image, of_code(row["dx"], HAM, where), attributes)
    return entries


def _masks(folder: Path, entries: dict[str, Entry]) -> dict[str, Path]:
    """The lesion mask of every image of the metadata, or none at all; there are none of the test images."""
    if not folder.is_dir():
        return {}
    found = {
        path.stem.removesuffix("_segmentation"): path for path in files_in(folder, (".png",), recursive=True)
    }
    missing = {k for k, e in entries.items() if e.part != "test"} - found.keys()
    if missing:
        raise InputError(
            f"{folder}: lacks the masks of {len(missing)} images: {listed(missing)}; unpack all of them, "
            "or move the folder elsewhere to go on without masks"
        )
    return {k: p for k, p in found.items() if k in entries}
