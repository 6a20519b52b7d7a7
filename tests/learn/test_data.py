"""Cases are prepared as in the clinic, by their truth and their task, once, and never all in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from tests.learn.toys import DETECTION, MULTILABEL, SEGMENTATION, plan

from overread.cohort.case import Case, CaseError
from overread.errors import InputError, OverreadError
from overread.learn import data
from overread.learn.data import cases_at_once, load_examples
from overread.learn.example import Example
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Plan
from overread.learn.prefetch import Prefetched
from overread.learn.store.store import Store

Load = Callable[[Sequence[Case], Plan], Sequence[Example]]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A picture of 24 rows and 32 columns with every kind of truth."""
    rng = np.random.default_rng(0)
    Picture.fromarray(rng.integers(0, 255, (24, 32), np.uint8)).save(tmp_path / "image.png")
    mask = np.zeros((24, 32), np.uint8)
    mask[4:8, 6:16] = 1
    Picture.fromarray(mask).save(tmp_path / "mask.png")
    (tmp_path / "boxes.json").write_text(json.dumps([{"label": "bar", "box": [6, 4, 16, 8]}]))
    return Case(
        "a",
        "p",
        {"image": tmp_path / "image.png"},
        label="bright",
        mask=tmp_path / "mask.png",
        boxes=tmp_path / "boxes.json",
        findings={"bright": 1, "dark": None},
    )


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load_examples` with a store of its own."""
    return lambda cases, p: load_examples(cases, p, store=Store(tmp_path / "cache"))


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cases that were prepared."""
    names: list[str] = []
    prepare = data.prepare_case
    monkeypatch.setattr(data, "prepare_case", lambda case, p: names.append(case.case) or prepare(case, p))
    return names


@pytest.mark.parametrize("read", ["store", "files"])
def test_each_truth_becomes_its_tasks_target(case: Case, load: Load, read: str) -> None:
    [classes] = load([case], plan(read=read))
    assert classes.image.shape == (1, 12, 12) and classes.target["label"] == 1
    [findings] = load([case], plan(read=read, **MULTILABEL))
    np.testing.assert_array_equal(findings.target["labels"], [1, np.nan])
    [mask] = load([case], plan(read=read, **SEGMENTATION))
    assert mask.image.shape == (1, 24, 32) and mask.target["mask"][...].sum() == 40
    [boxes] = load([case], plan(read=read, **DETECTION))
    np.testing.assert_allclose(boxes.target["low"], [[4, 6]])
    np.testing.assert_allclose(boxes.target["high"], [[8, 16]])
    assert boxes.target["labels"].tolist() == [1]


@pytest.mark.parametrize("changes", [{}, MULTILABEL, SEGMENTATION, DETECTION])
def test_batches_from_the_store_are_those_from_the_files(case: Case, load: Load, changes: dict) -> None:
    """An 8-bit picture on its own grid is kept to the bit; where it is read between voxels, places are counted from the
    corner of what is cut from the store, and round otherwise in the last digits of 255."""
    whole = plan(**changes).preprocess.model_copy(update={"size": None})
    p = plan(**changes).model_copy(update={"preprocess": whole, "steps_per_epoch": 3})
    stored, fresh = (load([case], p.model_copy(update={"read": r})) for r in ("store", "files"))
    for (image, targets), (other, same) in zip(
        PatchBatches(p, stored).epoch(0), PatchBatches(p, fresh).epoch(0), strict=True
    ):
        assert torch.allclose(image, other, rtol=0, atol=2e-4)
        assert all(torch.equal(targets[k].nan_to_num(), same[k].nan_to_num()) for k in same)


@pytest.mark.parametrize("read", ["store", "files"])
def test_every_case_is_told(case: Case, tmp_path: Path, read: str) -> None:
    told: list[int] = []
    cases = [case, replace(case, case="b"), replace(case, case="c", label="dark")]
    load_examples(cases, plan(read=read), lambda: told.append(1), store=Store(tmp_path / "cache"))
    assert len(told) == 3


def test_a_case_is_prepared_once_and_again_when_anything_of_it_changes(
    case: Case, load: Load, prepared: list[str]
) -> None:
    p = plan(**SEGMENTATION)
    load([case], p)
    # Neither the name, nor what the task does not learn from, nor a touched file.
    (path,) = case.images.values()
    path.touch()
    load([replace(case, case="renamed", label="dark")], p)
    assert prepared == ["a"]
    assert case.mask is not None
    content = np.array(Picture.open(case.mask))
    content[0, 0] = 1
    Picture.fromarray(content).save(case.mask)
    [changed] = load([case], p)
    assert prepared == ["a", "a"] and changed.target["mask"][...].sum() == 41
    load([case], p.model_copy(update={"labels": ["background", "other"]}))
    load([case], p.model_copy(update={"patch": [8, 8], "seed": 9}))
    assert len(prepared) == 3
    load([case], p.model_copy(update={"preprocess": p.preprocess.model_copy(update={"size": [8, 8]})}))
    assert len(prepared) == 4


def test_what_was_prepared_before_a_fault_is_kept(
    case: Case, load: Load, prepared: list[str], tmp_path: Path
) -> None:
    good = [replace(case, case=f"c{i}", label="bright" if i else "dark") for i in range(2)]
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    broken = replace(case, case="bad", images={"image": tmp_path / "broken.png"})
    with pytest.raises(InputError, match=r"case bad: .*broken\.png"):
        load([*good, broken], plan())
    before = len(prepared)
    load(good, plan())
    assert prepared[before:] == []


def test_a_truth_that_is_missing_is_named(case: Case, load: Load) -> None:
    with pytest.raises(InputError, match=r"a: .*mask"):
        load([replace(case, mask=None)], plan(**SEGMENTATION))


def test_an_image_that_went_is_named(case: Case, load: Load) -> None:
    (path,) = case.images.values()
    path.unlink()
    with pytest.raises(InputError, match=r"case a: .*image\.png: no such file"):
        load([case], plan())


def test_a_volume_in_metres_is_one_line_with_its_case(tmp_path: Path, load: Load) -> None:
    """At 1 mm it would have 10^12 voxels: told before memory is asked for (cf. MONAI#2316, nnUNet#2304)."""
    nibabel = pytest.importorskip("nibabel")
    cases = []
    for i in range(3):
        images = {}
        for name in ("image", "mask"):
            made = nibabel.Nifti1Image(np.ones((16, 16, 8), np.uint8), np.diag([1.0, 1, 2, 1]))
            made.header.set_xyzt_units("meter" if i == 1 else "mm")
            images[name] = tmp_path / f"{name}{i}.nii"
            made.to_filename(images[name])
        cases.append(Case(f"c{i}", f"p{i}", {"image": images["image"]}, mask=images["mask"]))
    spec = {
        "dimensions": 3,
        "spacing": [1.0, 1.0, 2.0],
        "orientation": "RAS",
        "intensity": [{"method": "fixed"}],
    }
    with pytest.raises(OverreadError, match=r"^case c1: .*image1\.nii: .*voxels") as caught:
        load(cases, plan(**(SEGMENTATION | {"dimensions": 3, "preprocess": spec, "patch": [8, 8, 8]})))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (MemoryError("9 TiB"), "not enough memory"),
        (IndexError("odd"), "IndexError: odd"),
        (CaseError("a.code", "of another make"), "of another make"),
    ],
)
def test_whatever_preparing_raises_names_case_and_file(
    case: Case, load: Load, monkeypatch: pytest.MonkeyPatch, fault: Exception, words: str
) -> None:
    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr(data, "prepare", broken)
    with pytest.raises(OverreadError, match=rf"case a: .*image\.png: .*{words}"):
        load([case], plan())


def test_so_many_cases_at_once_as_memory_holds() -> None:
    assert cases_at_once(8, 0, 1e9) == 1
    assert cases_at_once(8, 1 << 10, 1 << 40) == 16
    assert cases_at_once(8, 1 << 30, 3 * 6 << 30) == 3
    assert cases_at_once(8, 1 << 40, 1 << 30) == 1


def test_memory_holds_neither_all_cases_nor_one_whole_volume_more_than_needed(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    nibabel = pytest.importorskip("nibabel")
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    cases, rng = [], np.random.default_rng(0)
    for i in range(12):
        voxels = rng.integers(0, 2000, (96, 96, 96)).astype(np.int16)
        for name, array in (("i", voxels), ("m", (voxels > 1900).astype(np.uint8))):
            nibabel.Nifti1Image(array, np.eye(4)).to_filename(tmp_path / f"{name}{i}.nii")
        images = {"image": tmp_path / f"i{i}.nii"}
        cases.append(Case(f"c{i}", f"p{i}", images, mask=tmp_path / f"m{i}.nii"))
    changes = {
        "dimensions": 3,
        "preprocess": {"dimensions": 3, "intensity": [{"method": "fixed", "std": 500.0}]},
        "patch": [16, 16, 16],
        "batch": 2,
        "steps_per_epoch": 12,
    }
    p = plan(**(SEGMENTATION | changes))
    case_bytes = 96**3 * 5
    tracemalloc.start()
    examples = load(cases, p)
    prepared = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    base = tracemalloc.get_traced_memory()[0]
    with Prefetched(PatchBatches(p, examples).draws(0)) as stream:
        assert sum(len(image) for image, _ in stream) == 24
    trained = tracemalloc.get_traced_memory()[1] - base
    tracemalloc.stop()
    # Two cases are in the making at once, each by what `data.WORK` says.
    assert prepared < 2 * data.WORK * case_bytes
    assert trained < case_bytes / 2
