"""Every document of a dossier, from one finished run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.regulatory.made_up import made_up_run, row

from overread.errors import InputError
from overread.files import sha256_file
from overread.ledger.figures import figure_id
from overread.regulatory.dossier.chapters import CHAPTERS
from overread.regulatory.dossier.facts.read import facts
from overread.regulatory.dossier.tested import read_tests, result_of
from overread.regulatory.dossier.write import dossier_command
from overread.stats.intervals import rate_ci

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = made_up_run(
        tmp_path_factory.mktemp("dossier") / "chest", exploratory=["The test patients were opened 2 times."]
    )
    dossier_command(folder, out=None, kind="html", tests=None)
    return folder / "dossier"


def test_every_chapter_is_there_and_listed_by_hash(dossier: Path) -> None:
    listed = json.loads((dossier / "index.json").read_text())["files"]
    assert {f"{c.key}.html" for c in CHAPTERS} <= set(listed)
    assert all(sha256_file(dossier / name) == digest for name, digest in listed.items())
    assert "sbom.cdx.json" in listed


def test_exploratory_stands_on_every_page(dossier: Path) -> None:
    for page in dossier.glob("*.html"):
        assert "Exploratory: The test patients were opened 2 times." in page.read_text(), page.name


def test_every_measure_told_of_names_its_figure(tmp_path: Path) -> None:
    many = [
        row(m, rate_ci([1] * 90 + [0] * 10))
        for m in (
            "auroc",
            "sensitivity",
            "specificity",
            "ppv",
            "npv",
            "accuracy",
            "balanced_accuracy",
            "answered",
        )
    ] + [row("set_coverage", rate_ci([1] * 9 + [0]), label) for label in ("a", "b", "c", "d")]
    other = row("auroc", rate_ci([1] * 95 + [0] * 5))
    folder = made_up_run(tmp_path / "chest", test=many, beside=[other], unanswered="left_out")
    dossier_command(folder, out=None, kind="html", tests=None)
    card = (folder / "dossier" / "13-model-card.html").read_text()
    assert all(figure_id("test", r) in card for r in many)
    page = (folder / "dossier" / "03-performance.html").read_text()
    told = re.search(r"Refused cases counted as ([^<]*)", page)
    assert told and told[1].startswith("left out: Area under the ROC curve 0.900 (95% interval")
    assert "; wrong: Area under the ROC curve 0.950 (95% interval" in told[1]


def test_what_is_missing_names_its_author(dossier: Path) -> None:
    page = (dossier / "12-data-card.html").read_text()
    assert "To be written by the data manager" in page
    assert "Topic sources of statements.yaml" in page


def test_requirements_name_tests_that_exist_and_hazards_controls_that_exist() -> None:
    told = facts("risk")
    ids = {r["id"] for r in told["requirements"]}
    for r in told["requirements"]:
        for test in r["tests"]:
            assert (ROOT / test).exists(), f"{r['id']} names {test}"
    used = {c for h in told["hazards"] for c in h["controls"]}
    assert used == ids


def test_the_european_outline_points_at_chapters_that_exist() -> None:
    keys = {c.key for c in CHAPTERS} | {"", "09-change-plan", "index"}
    told = facts("europe")
    assert {r["where"] for part in ("mdr", "ai_act") for r in told[part]} <= keys


def test_results_of_the_tests_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "results.xml"
    path.write_text(
        '<testsuites><testsuite><testcase classname="tests.stats.roc.test_area" name="a"/>'
        '<testcase classname="tests.stats.test_power" name="b"><failure/></testcase>'
        '<testcase classname="tests.web.test_api" name="c"><skipped/></testcase></testsuite></testsuites>'
    )
    found = read_tests(path)
    assert result_of(["tests/stats"], found) == "1 passed, 1 failed"
    assert result_of(["tests/web/test_api.py"], found) == "1 skipped"
    assert result_of(["tests/none.py"], found) == "none of them in the results"
    assert "--tests" in result_of(["tests/stats"], None)


def test_results_that_are_no_junit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.xml"
    path.write_text('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(InputError, match="entities"):
        read_tests(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="html, pdf, docx"):
        dossier_command(tmp_path, out=None, kind="odt", tests=None)
