"""A test image that `overread predict` answers was looked at, wherever its copy lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.sealed_road import Road

from overread.pipeline.glances import EVENT, glances, note_glances
from overread.pipeline.looks import Looks
from overread.pipeline.stages.predict import predict_command
from overread.pipeline.workspace import Workspace


@pytest.fixture
def road(sealed_road: Road, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed_road.folder, tmp_path / "discs"))


def images(road: Path, split: str) -> list[Path]:
    return [c.images["image"] for c in Workspace.open(road).cohort().split(split)]


def test_a_copy_of_a_test_image_is_a_look_and_others_are_none(
    road: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = next((road / "package").glob("*.overread"))
    copy = tmp_path / "elsewhere" / "a.png"
    copy.parent.mkdir()
    shutil.copy(images(road, "test")[0], copy)
    predict_command(package, [images(road, "train")[0]])
    space = Workspace.open(road)
    assert not space.ledger.events(EVENT) and not glances(space)
    predict_command(package, [copy])
    (row,) = space.ledger.events(EVENT)
    assert row.data["cases"] == 1 and copy.name not in row.payload
    assert "counts this as a look" in " ".join(capsys.readouterr().out.split())
    predict_command(package, [copy])
    assert glances(space) == 1


def test_a_package_of_elsewhere_looks_at_the_images_of_a_protocol(road: Path, tmp_path: Path) -> None:
    package = Path(shutil.copy(next((road / "package").glob("*.overread")), tmp_path / "p.overread"))
    assert note_glances(package, "0" * 64, images(road, "test")[:3]) == 3
    assert glances(Workspace.open(road)) == 3


def test_a_look_before_the_test_makes_its_numbers_exploratory() -> None:
    assert Looks(1).exploratory({}) == []
    said = ["1 test patient was answered by overread predict before the test."]
    assert Looks(1, glanced=1).exploratory({}) == said
