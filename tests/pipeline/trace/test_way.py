"""Every figure of a finished run leads back to rows, files, code, environment, seeds and people."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from overread.errors import OverreadError
from overread.files import sha256_file
from overread.imaging.image_files import image_files
from overread.ledger.figures import find
from overread.pipeline.trace import images
from overread.pipeline.trace.command import trace_command
from overread.pipeline.trace.way import Way


@pytest.fixture(scope="module")
def way(small_road: Path) -> Way:
    return Way(small_road)


def test_every_figure_of_the_report_can_be_followed_to_its_end(way: Way) -> None:
    assert len(way.figures) > 100
    broken = {text for figure in way.figures for text in way.of(figure)["missing"]}
    assert not broken


def test_a_measure_leads_to_rows_pixels_package_stages_and_code(way: Way, small_road: Path) -> None:
    found = way.of(find(way.figures, "test/dice/lesion"))
    assert found["definition"]["key"] == "dice"
    assert found["recorded"].startswith("the same in row")
    tested = [c for c in way.cohort if c.split == "test"]
    assert found["rows"]["cases"] == [c.case for c in tested]
    assert found["rows"]["numbers"] == list(range(2, 2 + len(tested)))
    assert found["rows"]["sha256"] == sha256_file(small_road / "predictions.csv")
    for one in found["files"]:
        assert one["sha256"] == sha256_file(small_road / one["file"]), one
    assert {Path(f["file"]).parent.name for f in found["files"]} == {"images", "masks"}
    assert [s["stage"] for s in found["stages"]] == [
        "check",
        "plan",
        "train",
        "package",
        "lock",
        "opened",
        "test",
    ]
    for stage in found["stages"]:
        assert stage["actor"] and re.fullmatch("[0-9a-f]{64}", stage["hash"])
        if stage["stage"] != "opened":
            assert stage["environment"]["code_sha256"] and stage["environment"]["python"]
    assert found["seeds"] == {"training": way.space.protocol.seed}


def test_a_subgroup_leads_to_its_own_cases_alone(way: Way) -> None:
    figure = next(f for f in way.figures if f.id.startswith("subgroups/sex/"))
    group = figure.id.split("/")[2]
    tested = [c.case for c in way.cohort if c.split == "test" and c.attributes["sex"] == group]
    assert way.of(figure)["rows"]["cases"] == tested


def test_figures_of_training_and_tuning_lead_to_their_cases(way: Way) -> None:
    for figure, split in (("history/1/loss", "train"), ("cases/val/patients", "val")):
        rows = way.of(find(way.figures, figure))["rows"]
        assert rows["file"] == "cohort.csv"
        assert rows["cases"] == [c.case for c in way.cohort if c.split == split]


@pytest.fixture
def road(small_road: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_road, tmp_path / "road"))


def test_a_changed_report_table_or_image_is_named(road: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace_command(road, "test/dice/lesion", as_json=True)
    image = road / json.loads(capsys.readouterr().out)["files"][0]["file"]
    image.write_bytes(image.read_bytes() + b"\0")
    (road / "predictions.csv").write_text((road / "predictions.csv").read_text() + "\n")
    report = json.loads((road / "report.json").read_text())
    row = next(r for r in report["test"] if (r["metric"], r["label"]) == ("dice", "lesion"))
    row["estimate"] = 0.99
    (road / "report.json").write_text(json.dumps(report))
    with pytest.raises(OverreadError, match="4 steps of the way"):
        trace_command(road, "0.99")
    said = " ".join(capsys.readouterr().out.split())
    for text in (
        "does not hold this figure",
        "report.json: was changed",
        "predictions.csv: was changed",
        f"{image.name}: is changed",
    ):
        assert text in said


def test_each_image_is_read_once_however_many_figures_there_are(
    small_road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hashed: Counter[Path] = Counter()
    listed: Counter[Path] = Counter()

    def hash_of(path: Path) -> str:
        hashed[path] += 1
        return sha256_file(path)

    def files_of(path: Path) -> list[Path]:
        listed[path] += 1
        return image_files(path)

    monkeypatch.setattr(images, "sha256_file", hash_of)
    monkeypatch.setattr(images, "image_files", files_of)
    trace_command(small_road, None, every=True, as_json=True)
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert len(told) == len(Way(small_road).figures) > 100
    assert "Comparing images" in said.err
    recorded = json.loads((small_road / "files.json").read_text())
    assert {p.relative_to(small_road).as_posix() for p in hashed} == set(recorded)
    assert set(hashed.values()) == set(listed.values()) == {1}


def test_figures_are_written_one_by_one(small_road: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    out = io.StringIO()
    of = Way.of
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(Way, "of", lambda way, one: seen.append(out.getvalue().count("\n")) or of(way, one))
    trace_command(small_road, None, every=True)
    assert seen == list(range(len(seen))) and len(seen) > 100


def test_an_image_that_is_gone_is_named(road: Path) -> None:
    way = Way(road)
    figure = find(way.figures, "test/dice/lesion")
    image = next(iter(way.members(figure).cases[0].images.values()))
    image.unlink()
    (said,) = way.of(figure)["missing"]
    assert said.startswith(f"{image}: is gone; the check recorded")
