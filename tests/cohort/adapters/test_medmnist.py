"""MedMNIST files as cohorts, good ones and bad ones."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.cohort.layouts import goes_on, task_of

from overread.cohort.adapters.medmnist import import_medmnist
from overread.cohort.adapters.medmnist_sets import SETS
from overread.cohort.checks.run import check_cohort
from overread.cohort.cohort import Cohort
from overread.errors import InputError
from overread.imaging.read import read


def _arrays(shape: tuple[int, ...] = (28, 28), classes: int = 2, n: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {}
    for split in ("train", "val", "test"):
        made[f"{split}_images"] = rng.integers(0, 255, (n, *shape), np.uint8)
        made[f"{split}_labels"] = (np.arange(n) % classes).astype(np.uint8)[:, None]
    return made


def _save(path: Path, **changes: Any) -> Path:
    np.savez(path, **{k: v for k, v in (_arrays() | changes).items() if v is not None})
    return path


@pytest.mark.parametrize("name", ["breastmnist.npz", "breastmnist_224.npz", "BreastMNIST.npz"])
def test_known_set_by_name(tmp_path: Path, name: str) -> None:
    import_medmnist(_save(tmp_path / name), tmp_path / "out")
    task = json.loads((tmp_path / "out" / "task.json").read_text())
    assert task["labels"] == ["malignant", "normal, benign"] and task["positive"] == "malignant"
    assert task["modality"] == ["US"] and task["dimensions"] == 2 and task["task"] == "classification"
    assert "no patient identities" in task["source"]["note"]
    cohort = Cohort.read(tmp_path / "out", need="label", labels=task["labels"])
    assert cohort.cases[0].case == "train-00000" and len(cohort) == 18
    wanted = np.load(tmp_path / name)
    for i, case in enumerate(cohort.split("val")):
        np.testing.assert_array_equal(np.asarray(Pillow.open(case.images["image"])), wanted["val_images"][i])
        assert case.label == task["labels"][int(wanted["val_labels"][i, 0])]


def test_unknown_set_is_named_by_number(tmp_path: Path) -> None:
    arrays = _arrays((28, 28, 3), classes=3)
    np.savez(tmp_path / "own.npz", **arrays)
    import_medmnist(tmp_path / "own.npz", tmp_path / "out")
    task = json.loads((tmp_path / "out" / "task.json").read_text())
    assert task["labels"] == ["class0", "class1", "class2"] and task["positive"] is None
    assert task["source"]["licence"] == "unknown"
    picture = Pillow.open(tmp_path / "out" / "images" / "test-00002.png")
    np.testing.assert_array_equal(np.asarray(picture), arrays["test_images"][2])


def test_volumes_as_nifti(tmp_path: Path) -> None:
    arrays = _arrays((9, 10, 11), classes=3)
    np.savez(tmp_path / "fracturemnist3d.npz", **arrays)
    import_medmnist(tmp_path / "fracturemnist3d.npz", tmp_path / "out")
    task = task_of(tmp_path / "out")
    assert task["dimensions"] == 3 and "as stored, 1 mm" in task["source"]["note"]
    cohort = goes_on(tmp_path / "out")
    assert [c.label for c in cohort.cases[:3]] == task["labels"]
    image = read(cohort.split("test")[4].images["image"])
    np.testing.assert_array_equal(image.array[0], arrays["test_images"][4])


def test_several_labels_per_image(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    wanted = {f"{s}_labels": rng.integers(0, 2, (6, 14)).astype(np.uint8) for s in ("train", "val", "test")}
    import_medmnist(_save(tmp_path / "chestmnist.npz", **wanted), tmp_path / "out")
    cohort = goes_on(tmp_path / "out")
    assert cohort.findings == SETS["chestmnist"].labels and cohort.findings[13] == "hernia"
    assert [list(c.findings.values()) for c in cohort.split("val")] == wanted["val_labels"].tolist()
    own = _save(tmp_path / "own.npz", **{k: v[:, :3] for k, v in wanted.items()})
    import_medmnist(own, tmp_path / "other")
    assert Cohort.read(tmp_path / "other", need="labels").findings == ("class0", "class1", "class2")
    with pytest.raises(InputError, match="train_labels has 1 labels per image, expected 14"):
        import_medmnist(_save(tmp_path / "chestmnist.npz"), tmp_path / "out")
    twos = {k: 2 * v for k, v in wanted.items()}
    with pytest.raises(InputError, match="holds 2, expected 0 to 1"):
        import_medmnist(_save(tmp_path / "chestmnist.npz", **twos), tmp_path / "out")


def test_table_of_sets_is_sound() -> None:
    for known in SETS.values():
        assert len(set(known.labels)) == len(known.labels) >= 2 and known.modality
        assert (known.positive in known.labels) == (len(known.labels) == 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"val_labels": None}, "no array 'val_labels'"),
        ({"train_images": np.zeros((6, 28, 28), np.float32)}, "train_images is float32"),
        ({"train_images": np.zeros((6, 28, 28, 28, 3), np.uint8)}, "of volumes"),
        ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, "images of different kinds"),
        ({"test_labels": np.zeros((6, 14), np.uint8)}, "14 labels per image, expected 1"),
        ({"test_labels": np.full((6, 1), 2, np.uint8)}, "test_labels holds 2, expected 0 to 1"),
        ({"test_labels": np.zeros((5, 1), np.uint8)}, "6 images and 5 labels"),
        ({"test_labels": np.full((6, 1), 0.5)}, "expected whole numbers"),
        (
            {"val_images": np.zeros((0, 28, 28), np.uint8), "val_labels": np.zeros((0, 1), np.uint8)},
            "is empty",
        ),
    ],
)
def test_bad_arrays(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    file = _save(tmp_path / "pneumoniamnist.npz", **changes)
    with pytest.raises(InputError, match=said):
        import_medmnist(file, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_not_an_npz(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "pneumoniamnist.npz"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"pneumoniamnist\.npz: cannot be read as \.npz"):
        import_medmnist(file, tmp_path / "out")
    with pytest.raises(InputError, match="no such file"):
        import_medmnist(tmp_path / "gone.npz", tmp_path / "out")


def test_truncated_npz(tmp_path: Path) -> None:
    whole = _save(tmp_path / "whole.npz").read_bytes()
    file = tmp_path / "cut.npz"
    for length in (100, len(whole) // 2, len(whole) - 30):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.npz: cannot be read"):
            import_medmnist(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_its_test_part_the_validation_part_is_the_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, n in (("train", 40), ("val", 6)):
        arrays |= {
            f"{part}_images": rng.integers(0, 255, (n, 8, 8), np.uint8),
            f"{part}_labels": np.arange(n)[:, None] % 2,
        }
    np.savez(tmp_path / "pneumoniamnist.npz", **arrays)
    import_medmnist(tmp_path / "pneumoniamnist.npz", tmp_path / "out")
    cohort = Cohort.read(tmp_path / "out")
    assert [len(cohort.split(s)) for s in ("train", "val", "test")] == [35, 5, 6]
    first = np.asarray(Pillow.open(next(iter(cohort.split("test")[0].images.values()))))
    np.testing.assert_array_equal(first, arrays["val_images"][0])
    assert "has no test part" in " ".join(capsys.readouterr().out.split())


def test_the_real_pneumoniamnist(data_dir: Path, tmp_path: Path) -> None:
    file = data_dir / "pneumoniamnist28" / "pneumoniamnist.npz"
    if not file.is_file():
        pytest.skip(f"no {file}")
    import_medmnist(file, tmp_path / "out")
    task = json.loads((tmp_path / "out" / "task.json").read_text())
    assert task["limits"]["age_years"] == [1, 5] and task["modality"] == ["CR", "DX"]
    with (tmp_path / "out" / "cohort.csv").open() as f:
        assert Counter(r["split"] for r in csv.DictReader(f)) == {"train": 4708, "val": 524, "test": 624}
    cohort = Cohort.read(tmp_path / "out", need="label", labels=task["labels"])
    report = check_cohort(cohort, truth="label", labels=task["labels"])
    leaks = [f for f in report.findings if f.code == "leakage.pixels"]
    assert [f.severity for f in leaks] == ["warning"] and not report.blocking
    assert leaks[0].message.startswith("8 images are shared by train and val (identical pixels)")
    assert report.summary["classes"]["test"] == {"normal": 234, "pneumonia": 390}
