"""predict answers one image, several, a folder of them or a cohort's table, and a bad file does not stop the others."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.runtime.models import manifest, mean_classifier, threshold_segmenter

from overread.errors import InputError, OverreadError
from overread.pipeline.stages.predict import predict_command
from overread.runtime.package import write_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "p.overread", manifest(), mean_classifier(2)).path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for n in range(3):
        Pillow.fromarray(np.full((16, 16), 90 * n, np.uint8)).save(tmp_path / "images" / f"c{n}.png")
    return tmp_path / "images"


def _rows(out: Path) -> dict[str, str]:
    with (out / "answers.csv").open(newline="") as f:
        return {r["case"]: r["outcome"] for r in csv.DictReader(f)}


def test_a_folder_files_and_a_table(package: Path, folder: Path, tmp_path: Path) -> None:
    predict_command(package, [folder], out=tmp_path / "a")
    predict_command(package, sorted(folder.iterdir()), out=tmp_path / "b")
    table = ["case,patient,image", *(f"case{n},p,images/c{n}.png" for n in range(3))]
    (tmp_path / "cohort.csv").write_text("\n".join(table) + "\n")
    predict_command(package, [tmp_path], out=tmp_path / "c")
    assert list(_rows(tmp_path / "a")) == list(_rows(tmp_path / "b")) == ["c0", "c1", "c2"]
    assert list(_rows(tmp_path / "c")) == ["case0", "case1", "case2"]
    one, other = (json.loads((tmp_path / f).read_text()) for f in ("a/c1.json", "c/case1.json"))
    assert one == other and one["answer"] is not None


def test_one_answer_is_as_before(
    package: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predict_command(package, [folder / "c1.png"], json_file=tmp_path / "one.json")
    assert json.loads((tmp_path / "one.json").read_text())["answer"] is not None
    predict_command(package, [folder / "c1.png"], out=tmp_path / "out")
    assert (tmp_path / "out" / "c1.json").read_text() == (tmp_path / "one.json").read_text()
    assert "research use only" in capsys.readouterr().out


def test_a_bad_file_is_said_and_the_others_are_answered(package: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "c1.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    with pytest.raises(OverreadError, match="1 of 3 images could not be read; the others were answered"):
        predict_command(package, [folder], out=tmp_path / "out")
    assert _rows(tmp_path / "out")["c1"] == "not read"
    assert (tmp_path / "out" / "c2.json").is_file() and not (tmp_path / "out" / "c1.json").exists()


def test_what_cannot_be_meant(package: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--mask and --json are for one image, found 3"):
        predict_command(package, [folder], json_file=tmp_path / "x.json")
    (folder / "c1.jpg").write_bytes((folder / "c1.png").read_bytes())
    with pytest.raises(InputError, match="answered under the same name, c1"):
        predict_command(package, [folder])
    two = [{"name": "a"}, {"name": "b"}]
    spec = {
        "dimensions": 2,
        "color": "as_is",
        "size": [8, 8],
        "intensity": [{"method": "fixed"}, {"method": "fixed"}],
    }
    both = write_package(
        tmp_path / "q.overread", manifest(channels=two, preprocess=spec), mean_classifier(2)
    ).path
    with pytest.raises(InputError, match="wants 2 files an image"):
        predict_command(both, [folder])


def test_segmentations_are_written(folder: Path, tmp_path: Path) -> None:
    made = manifest(
        task="segmentation",
        labels=["background", "bright"],
        positive=None,
        preprocess={
            "dimensions": 2,
            "color": "gray",
            "spacing": [1.0, 1.0],
            "intensity": [{"method": "fixed"}],
        },
        windows={"size": [8, 8], "overlap": 0.5},
    )
    path = write_package(tmp_path / "s.overread", made, threshold_segmenter(1, 2, 0.5)).path
    predict_command(path, [folder], out=tmp_path / "out")
    assert np.asarray(Pillow.open(tmp_path / "out" / "c2.png")).shape == (16, 16)
