"""Folders in the layout of Pascal VOC."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.cohort.layouts import (
    Damage,
    added,
    boxes_of,
    fault,
    goes_on,
    gone,
    picture,
    refused,
    task_of,
    text,
)

from overread.cohort.adapters.voc import import_voc
from overread.cohort.cohort import Cohort
from overread.imaging.read import read

THING = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
    "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def _annotate(root: Path, name: str, *things: tuple[object, ...], size: tuple[int, int] = (32, 24)) -> None:
    text(
        root / "Annotations" / f"{name}.xml",
        f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>",
        *(THING.format(*t) for t in things),
        "</annotation>",
    )


def _layout(root: Path, cases: int = 9, parts: tuple[str, ...] = ("train", "val", "test")) -> Path:
    for i in range(cases):
        picture(root / "JPEGImages" / f"p{i}.jpg", i)
        things = [("cell", 0, 3, 2, 10, 12), ("platelet", 1, 5, 5, 6, 6)]
        _annotate(root, f"p{i}", *([] if i == 1 else things))
    for k, part in enumerate(parts):
        names = [f"p{i}" for i in range(cases) if i % len(parts) == k]
        text(root / "ImageSets" / "Main" / f"{part}.txt", *names)
    return root


def test_boxes_by_their_edges_and_official_parts(tmp_path: Path) -> None:
    import_voc(_layout(tmp_path / "set"), tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["task"] == "detection" and task["labels"] == ["cell", "platelet"]
    assert "official splits" in task["source"]["note"]
    cohort = goes_on(tmp_path / "out")
    assert {c.case: c.split for c in cohort} == {f"p{i}": ("train", "val", "test")[i % 3] for i in range(9)}
    by_name = {c.case: c for c in cohort}
    assert boxes_of(by_name["p0"]) == [
        {"label": "cell", "box": [2, 1, 10, 12]},
        {"label": "platelet", "box": [4, 4, 6, 6], "difficult": True},
    ]
    assert boxes_of(by_name["p1"]) == []
    source = tmp_path / "set" / "JPEGImages" / "p0.jpg"
    assert by_name["p0"].images["image"].samefile(source)


def test_trainval_is_dealt_and_a_secret_test_left_out(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", 20, ("trainval",))
    text(root / "ImageSets" / "Main" / "test.txt", "secret1", "secret2")
    text(root / "ImageSets" / "Main" / "cell_trainval.txt", "p0  1")
    picture(root / "JPEGImages" / "secret1.jpg")
    import_voc(root, tmp_path / "out")
    note = task_of(tmp_path / "out")["source"]["note"]
    assert "2 test pictures without annotations were left out" in note and "dealt 70/10/20" in note
    assert Counter(c.split for c in Cohort.read(tmp_path / "out")) == {"train": 14, "val": 2, "test": 4}


def test_zero_means_edges_and_the_rim_cuts(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set")
    _annotate(root, "p0", ("cell", 0, 0, 0, 33, 24))
    import_voc(root, tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out")
    assert boxes_of(cohort.cases[0])[0]["box"] == [0, 0, 32, 24]
    note = task_of(tmp_path / "out")["source"]["note"]
    assert "coordinates start at 0" in note and "1 boxes were cut" in note


def _object(*thing: object, size: tuple[int, int] = (32, 24)) -> Damage:
    return lambda root: _annotate(root, "p2", thing, size=size)


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("nothing", gone("*"), "set: has no Annotations .*found nothing"),
        fault(
            "no picture", gone("JPEGImages/p3.jpg"), r"train\.txt: lists 'p3', but there is no JPEGImages/p3"
        ),
        fault(
            "no annotation",
            gone("Annotations/p4.xml"),
            r"val\.txt: lists 'p4', but there is no Annotations/p4\.xml",
        ),
        fault("no extent", _object("cell", 0, 9, 9, 3, 12), r"p2\.xml: object 1: box .* has no extent"),
        fault("outside", _object("cell", 0, 60, 9, 70, 12), "lies off the picture of 32 x 24"),
        fault("no name", _object("", 0, 1, 1, 3, 12), "object 1 has no name"),
        fault("no number", _object("cell", 0, "x", 1, 3, 12), "bndbox/xmin is 'x', expected a number"),
        fault(
            "size",
            _object("cell", 0, 1, 1, 3, 12, size=(24, 32)),
            r"states 24 x 32 pixels, .*p2\.jpg has 32 x 24",
        ),
        fault("no XML", added("Annotations/p2.xml", text, "<annotation>"), r"p2\.xml: cannot be read as XML"),
        fault(
            "in two parts",
            added("ImageSets/Main/val.txt", text, "p0", "p1"),
            r"val\.txt: 'p0' is in train\.txt too",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _layout(tmp_path / "set")
    damage(folder)
    refused(import_voc, folder, said, **options)


def test_without_lists_every_picture_needs_its_partner(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", 9, ())
    import_voc(root, tmp_path / "out")
    assert "no ImageSets/Main" in task_of(tmp_path / "out")["source"]["note"]
    picture(root / "JPEGImages" / "alone.png")
    refused(import_voc, root, "alone only in one of")


def test_two_names_that_come_to_one_are_refused_and_the_source_stays(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", 9, ())
    for seed, name in enumerate(("a b", "a_b"), 20):
        picture(root / "JPEGImages" / f"{name}.jpg", seed)
        _annotate(root, name)
    before = {p: p.read_bytes() for p in (root / "JPEGImages").iterdir()}
    refused(import_voc, root, r"a_b\.jpg: another file .* taken over as a_b\.jpg")
    assert {p: p.read_bytes() for p in before} == before


def test_lists_with_a_byte_order_mark_and_crlf(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set")
    for path in (root / "ImageSets" / "Main").iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    import_voc(root, tmp_path / "out")
    assert "official splits" in task_of(tmp_path / "out")["source"]["note"]


def test_a_turned_picture_is_refused(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    root = _layout(tmp_path / "set")
    path = root / "JPEGImages" / "p0.jpg"
    with Pillow.open(path) as image:
        exif = image.getexif()
        exif[0x0112] = 3
        image.save(path, exif=exif)
    refused(import_voc, root, r"p0\.jpg: is turned by its EXIF orientation")


def test_the_real_blood_cells(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "bccd_blood_detection"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    import_voc(folder, tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    # The 72 published test pictures are not in the folder: the official val is the test.
    assert Counter(c.attributes["official_split"] for c in cohort) == {"train": 205, "val": 87}
    assert {c.case for c in cohort.split("test")} == {
        c.case for c in cohort if c.attributes["official_split"] == "val"
    }
    counts = Counter(b["label"] for c in cohort for b in boxes_of(c))
    assert counts == {"RBC": 3350, "WBC": 301, "Platelets": 292}
    for case in cohort.cases[:20]:
        rows, columns = read(case.images["image"]).spatial
        for b in boxes_of(case):
            x0, y0, x1, y1 = b["box"]
            assert 0 <= x0 < x1 <= columns and 0 <= y0 < y1 <= rows
