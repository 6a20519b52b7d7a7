"""Data sets in COCO's format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.cohort.layouts import (
    Damage,
    added,
    both,
    boxes_of,
    bytes_of,
    edited,
    fault,
    goes_on,
    gone,
    picture,
    refused,
    task_of,
)

from overread.cohort.adapters.coco import import_coco
from overread.cohort.adapters.coco_shapes import run_lengths, shape_mask
from overread.cohort.cohort import Cohort
from overread.errors import InputError

Change = Callable[[dict[str, Any]], Any]
SQUARE = [4.0, 2.0, 12.0, 2.0, 12.0, 10.0, 4.0, 10.0]


def _layout(root: Path, parts: dict[str, int], change: Change | None = None) -> Path:
    n = 0
    (root / "annotations").mkdir(parents=True)
    for part, count in parts.items():
        images, things = [], []
        for _ in range(count):
            name = f"{n:012d}.jpg"
            picture(root / part / name, n)
            images.append({"id": n, "file_name": name, "width": 32, "height": 24})
            box = {
                "id": 10 * n,
                "image_id": n,
                "category_id": 3,
                "bbox": [4, 2, 8, 8],
                "segmentation": [SQUARE],
            }
            things.append(box | {"iscrowd": 0})
            counts = [24 * 20, 24 * 4, 24 * 8]
            crowd = {"size": [24, 32], "counts": counts}
            things.append(
                box
                | {
                    "id": 10 * n + 1,
                    "category_id": 7,
                    "bbox": [20, 0, 4, 24],
                    "segmentation": crowd,
                    "iscrowd": 1,
                }
            )
            n += 1
        content = {
            "images": images,
            "annotations": things,
            "categories": [{"id": 3, "name": "cell"}, {"id": 7, "name": "clump"}, {"id": 9, "name": "never"}],
        }
        if change:
            change(content)
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))
    return root


def test_boxes_and_parts(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", {"train2017": 8, "val2017": 3})
    (root / "annotations" / "instances_test2017.json").write_text('{"images": [], "categories": []}')
    import_coco(root, tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["labels"] == ["cell", "clump"]
    note = task["source"]["note"]
    assert (
        "categories without annotation: never" in note
        and "instances_test2017.json has no annotations" in note
    )
    cohort = goes_on(tmp_path / "out")
    assert {c.case for c in cohort.split("test")} == {f"{n:012d}" for n in (8, 9, 10)}
    assert len(cohort.split("val")) == 1
    assert boxes_of(cohort.cases[0]) == [
        {"label": "cell", "box": [4, 2, 12, 10]},
        {"label": "clump", "box": [20, 0, 24, 24], "iscrowd": True},
    ]


def test_masks_of_polygons_and_runs(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", {"train": 4, "val": 2, "test": 2})
    import_coco(root, tmp_path / "out", task="segmentation")
    assert task_of(tmp_path / "out")["labels"] == ["background", "cell", "clump"]
    cohort = goes_on(tmp_path / "out")
    mask = cohort.cases[0].mask
    assert mask is not None
    wanted = np.zeros((24, 32), np.uint8)
    wanted[2:10, 4:12] = 1
    wanted[:, 20:24] = 2
    np.testing.assert_array_equal(np.asarray(Pillow.open(mask)), wanted)


def test_a_patient_in_two_parts_stays_together(tmp_path: Path) -> None:
    def whose(content: dict[str, Any]) -> None:
        for image in content["images"]:
            image["patient_id"] = "twice" if image["id"] in (2, 9) else f"p{image['id']}"

    import_coco(_layout(tmp_path / "set", {"train": 8, "val": 3}, whose), tmp_path / "out")
    both = [c for c in Cohort.read(tmp_path / "out") if c.patient == "twice"]
    assert [c.split for c in both] == ["test", "test"]
    assert [c.attributes["official_split"] for c in both] == ["train", "val"]
    assert (
        "1 patients in two official parts were kept together" in task_of(tmp_path / "out")["source"]["note"]
    )


def _set(key: str, value: Any, items: str = "annotations") -> Change:
    return lambda content: content[items][0].__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("category_id", 5), "of category 5, which it does not list"),
        (_set("image_id", 77), "annotations are of image 77"),
        (_set("bbox", [4, 2, 0, 8]), r"annotation 0 of .*\.jpg: box .* has no extent"),
        (_set("bbox", [40, 2, 3, 8]), "lies off the picture of 32 x 24"),
        (_set("bbox", [4, 2]), r"bbox is \[4, 2\]"),
        (_set("width", 33, "images"), "states 33 x 24 pixels"),
        (_set("file_name", "gone.jpg", "images"), "lists 'gone.jpg', which is neither"),
        (_set("file_name", "../x.jpg", "images"), "expected a path below"),
        (lambda c: c["images"][0].pop("height"), r"images\[0\] has no 'height'"),
        (lambda c: c.pop("categories"), "has no list 'categories'"),
        (_set("name", "clump", "categories"), "stands twice"),
    ],
)
def test_faults_are_named(tmp_path: Path, change: Change, said: str) -> None:
    refused(import_coco, _layout(tmp_path / "set", {"train": 8}, change), said)


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("task", both(), "--task is 'boxes'", task="boxes"),
        fault("no folder", gone("."), "no such folder"),
        fault(
            "categories",
            edited("annotations/instances_val.json", "clump", "lump", -1),
            r"instances_val\.json: has other categories .*clump, lump",
        ),
        fault(
            "no JSON",
            added("annotations/instances_val.json", bytes_of, b"{"),
            r"instances_val\.json: is not JSON",
        ),
        fault("nothing", gone("*"), "has no annotations/instances"),
    ],
)
def test_other_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _layout(tmp_path / "set", {"train": 4, "val": 2})
    damage(folder)
    refused(import_coco, folder, said, **options)


def test_shapes_as_pycocotools_has_them() -> None:
    mask_of = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((37, 53)) < rng.uniform(0.05, 0.95)
        packed = mask_of.encode(np.asfortranarray(mask.astype(np.uint8)))
        segmentation = {"size": packed["size"], "counts": packed["counts"].decode()}
        np.testing.assert_array_equal(shape_mask(segmentation, 53, 37, "here"), mask)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
        points = (
            np.array([26, 18]) + rng.uniform(8, 16, (12, 1)) * np.c_[np.cos(angles), np.sin(angles)]
        ).ravel()
        theirs = mask_of.decode(mask_of.merge(mask_of.frPyObjects([points.tolist()], 37, 53))) > 0
        ours = shape_mask([points.tolist()], 53, 37, "here")
        # Theirs draws the outline on a grid five times finer, ours asks each pixel's centre.
        assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.97


@pytest.mark.parametrize(
    "segmentation", [None, [[1, 2, 3]], [[1, 2]], {"size": [2, 2], "counts": [9]}, {"size": [1, 1]}]
)
def test_bad_shapes(segmentation: Any) -> None:
    with pytest.raises(InputError, match="here: "):
        shape_mask(segmentation, 2, 2, "here")
    with pytest.raises(InputError, match="end in the middle"):
        run_lengths("o", "here")


def test_an_empty_outline_is_refused(tmp_path: Path) -> None:
    root = _layout(tmp_path / "set", {"train": 4, "val": 2}, _set("segmentation", []))
    refused(import_coco, root, "annotation 0 of .*: its segmentation is empty", task="segmentation")
    import_coco(root, tmp_path / "boxes")
    assert task_of(tmp_path / "boxes")["task"] == "detection"


@pytest.mark.parametrize(
    "outline",
    [
        [[100, 100, 120, 100, 120, 120]],
        [[4.1, 2.1, 4.2, 2.1, 4.2, 2.2]],
        [[-9, -9, -1, -9, -1, -1]],
        {"size": [24, 32], "counts": [24 * 32]},
    ],
    ids=["outside", "thin", "before", "no run"],
)
def test_outlines_without_a_pixel_are_counted(tmp_path: Path, outline: Any) -> None:
    root = _layout(tmp_path / "set", {"train": 4, "val": 2}, _set("segmentation", outline))
    import_coco(root, tmp_path / "out", "segmentation")
    # `_set` changes the first annotation of each of the two files.
    assert "2 outlines cover no pixel" in task_of(tmp_path / "out")["source"]["note"]
