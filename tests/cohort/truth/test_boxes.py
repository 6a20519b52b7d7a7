"""Boxes files: what is written is read, faults are named by box, and check counts and places them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.spatial.transform import Rotation

from overread.cohort.case import Case
from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.run import check_cohort
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.truth import boxes as truth
from overread.cohort.truth.boxes import Box, outside, read_boxes
from overread.errors import InputError
from overread.imaging.boxes import Boxes, to_world
from overread.imaging.image import Image

ROWS = [(s, label) for s in ("train", "val", "test") for label in ("no", "yes") for _ in range(5)]


def _file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "b.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_boxes_are_read(tmp_path: Path) -> None:
    content = [
        {"label": "nodule", "box": [1, 2.5, 3, 4], "score": 0.7, "reader": "R1"},
        {"label": "mass", "box": [0, 0, 0, 1, 2, 3]},
    ]
    first, second = read_boxes(_file(tmp_path, content))
    assert first == Box("nodule", (1, 2.5, 3, 4), 0.7, {"reader": "R1"})
    assert second == Box("mass", (0, 0, 0, 1, 2, 3))
    assert read_boxes(_file(tmp_path, [])) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ({"boxes": []}, "holds dict, expected a list"),
        ([{"box": [0, 0, 1, 1]}], "box 1: has no label"),
        ([7], "box 1: has no label"),
        (
            [{"label": "a", "box": [0, 0, 1, 1]}, {"label": "a", "box": [0, 0, 1]}],
            r"box 2: box is \[0, 0, 1\]",
        ),
        ('[{"label": "a", "box": [0, 0, NaN, 1]}]', "box 1: box is"),
        ([{"label": "a", "box": [5, 0, 1, 1]}], "the smaller numbers first"),
        ([{"label": "a", "box": [1, 0, 1, 1]}], "and some extent"),
        ([{"label": "a", "box": [0, 0, 1, 1], "score": 3}], "score is 3, expected a number from 0 to 1"),
    ],
)
def test_faults_are_named(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_boxes(_file(tmp_path, content))
    assert "b.json" in str(caught.value)


def test_boxes_beyond_the_image() -> None:
    picture = Image(np.zeros((1, 20, 30)), np.eye(4))
    assert outside(
        (Box("a", (0, 0, 30, 20)), Box("a", (0, 0, 30.5, 20)), Box("a", (0, 0, 20, 30))), picture
    ) == [3]
    affine = np.diag([-2.0, 1, 3, 1])
    affine[:3, 3] = [10, -5, 0]
    volume = Image(np.zeros((1, 5, 6, 7)), affine)
    assert outside((Box("a", (1, -5.5, -1.5, 11, 0.5, 19.5)), Box("a", (1, -9, 0, 11, 0, 19))), volume) == [2]
    with pytest.raises(InputError, match="box 1 has 4 numbers, expected 6"):
        outside((Box("a", (0, 0, 1, 1)),), volume)


def _volume(tmp_path: Path, affine: NDArray[np.float64]) -> Path:
    nib.save(nib.Nifti1Image(np.zeros((20, 30, 40), np.int16), affine), tmp_path / "v.nii.gz")
    return tmp_path / "v.nii.gz"


def test_boxes_of_a_volume_lie_on_its_grid(tmp_path: Path) -> None:
    """Boxes in mm, on a grid whose first axis runs down the body and whose second runs to the left."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = -3, -1, 2, 1
    affine[:3, 3] = [100, -50, 10]
    boxes = _file(tmp_path, [{"label": "nodule", "box": [80, -40, -20, 90, -30, -5], "score": 0.25}])
    case = Case("a", "a", {"image": _volume(tmp_path, affine)}, boxes=boxes)
    image = load_case(case)
    found = truth.read(case, image, ["mass", "nodule"])
    assert isinstance(found, Boxes) and found.labels.tolist() == [1] and found.scores.tolist() == [0.25]
    np.testing.assert_allclose(found.low, [[5.5, 10.5, 5.5]])
    np.testing.assert_allclose(found.high, [[10.5, 20.5, 10.5]])
    np.testing.assert_allclose(to_world(found, image.affine), [[80, -40, -20, 90, -30, -5]])
    regions = truth.regions(found, image, ["mass", "nodule"])
    assert (
        regions.sizes_mm["nodule"] == pytest.approx([(10 * 10 * 15) ** (1 / 3)])
        and not regions.sizes_mm["mass"]
    )
    assert (
        regions.foreground is not None and regions.foreground[7, 15, 8] and not regions.foreground[4, 15, 8]
    )


def test_boxes_of_an_oblique_volume_are_enclosed(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [20, -10, 30], degrees=True).as_matrix() * [1, 1, 2]
    middle = (affine @ [10, 15, 20, 1])[:3]
    content = [{"label": "a", "box": [*(middle - 3).tolist(), *(middle + 3).tolist()]} for _ in range(3)]
    case = Case("a", "a", {"image": _volume(tmp_path, affine)}, boxes=_file(tmp_path, content))
    image = load_case(case)
    found = truth.read(case, image, ["a"])
    assert isinstance(found, Boxes) and len(found) == 3
    world = to_world(found, image.affine)
    assert (world[:, :3] <= middle - 3).all() and (world[:, 3:] >= middle + 3).all()
    assert truth.look(case, image, ["a"]).outside == 0


def test_what_read_refuses(tmp_path: Path) -> None:
    Pillow.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "x.png")
    images = {"image": tmp_path / "x.png"}
    case = Case("a", "a", images, boxes=_file(tmp_path, [{"label": "cell", "box": [0, 0, 4, 4]}]))
    image = load_case(case)
    with pytest.raises(
        InputError, match=r"case a: .*b\.json: box 1 has label 'cell', expected one of nodule"
    ):
        truth.read(case, image, ["nodule"])
    assert truth.look(case, image, ["nodule"]).counts == {"cell": 1}
    _file(tmp_path, [{"label": "cell", "box": [0, 0, 0, 4, 4, 4]}])
    with pytest.raises(InputError, match=r"case a: .*b\.json: box 1 has 6 numbers, expected 4"):
        truth.read(case, image, ["cell"])
    _file(tmp_path, [])
    none = truth.read(case, image, ["cell"])
    assert isinstance(none, Boxes) and len(none) == 0 and none.axes == 2
    assert truth.presence(case, truth.look(case, image, ["cell"]), ["cell"]) == {"cell": False}


def test_equal_boxes_have_one_digest_in_any_order(tmp_path: Path) -> None:
    Pillow.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "x.png")
    one, other = {"label": "a", "box": [0, 0, 4, 4]}, {"label": "b", "box": [0, 0, 4, 4.5], "score": 1}
    digests = []
    for content in ([one, other], [other, one], [one], []):
        case = Case("a", "a", {"image": tmp_path / "x.png"}, boxes=_file(tmp_path, content))
        digests.append(truth.look(case, load_case(case), ["a", "b"]).digest)
    assert digests[0] == digests[1] and len(set(digests)) == 3 and all(digests)


def test_check_counts_boxes(pictures: Callable[..., Path]) -> None:
    files = [f"b{i}.json" for i in range(30)]
    folder = pictures(ROWS, boxes=files)
    for i, name in enumerate(files):
        (folder / name).write_text(json.dumps([{"label": "cell", "box": [0, 0, 4, 4]}] * (i % 3)))
    (folder / "b4.json").write_text('[{"label": "cell", "box": [0, 0, 4, 40]}]')
    (folder / "b5.json").write_text("no")
    (folder / "b6.json").write_text('[{"label": "virus", "box": [0, 0, 4, 4]}]')
    report = check_cohort(Cohort.read(folder, need="boxes"), truth="boxes", labels=["cell", "nucleus"])
    assert [(f.code, f.cases) for f in report.blocking] == [
        ("boxes.unreadable", ("c5",)),
        ("boxes.label_unknown", ("c6",)),
        ("boxes.label_empty", ()),
        ("boxes.label_empty", ()),
    ]
    assert "'nucleus' has no box in train" in report.blocking[2].message
    beyond = [f for f in report.warnings if f.code == "boxes.outside"]
    assert [f.cases for f in beyond] == [("c4",)] and "1 boxes reach beyond" in beyond[0].message
    (counts,) = (f.message for f in report.findings if f.code == "boxes.count")
    assert "test: cell 11 in 10 cases" in counts
    page = write_check_page(folder, Cohort.read(folder), report, name="cells").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 3


def test_identical_pictures_with_other_boxes_contradict(pictures: Callable[..., Path]) -> None:
    folder = pictures(ROWS, boxes=[f"b{i}.json" for i in range(30)])
    for i in range(30):
        box = {"label": "cell", "box": [0, 0, 4, 4 + (i == 1)]}
        (folder / f"b{i}.json").write_text(json.dumps([box]))
    for copy in (1, 2):
        (folder / f"c{copy}.png").write_bytes((folder / "c0.png").read_bytes())
    report = check_cohort(Cohort.read(folder), truth="boxes", labels=["cell"])
    (found,) = report.warnings
    assert found.code == "label.conflict" and found.pairs == (("c0", "c1"),)
