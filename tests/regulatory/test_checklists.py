"""Checklists filled from a finished run."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from tests.regulatory.made_up import made_up_run

from overread.errors import InputError
from overread.files import write_json
from overread.ledger.figures import figures_of
from overread.ledger.ledger import Ledger
from overread.regulatory.checklists.command import checklist_command
from overread.regulatory.checklists.document import data_of, document_of
from overread.regulatory.checklists.fill import counts, fill
from overread.regulatory.checklists.lists import FILES, checklist
from overread.regulatory.documents.html import html_of
from overread.regulatory.finished import Finished, read_finished
from overread.regulatory.statements import Statement
from overread.regulatory.topics import TOPICS

# How many items the publications have; sub-items counted where they are numbered apart.
ITEMS = {"CLAIM": 44, "STARD": 34, "STARD-AI": 48, "TRIPOD+AI": 52, "DECIDE-AI": 27, "GMLP": 10}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_run(tmp_path_factory.mktemp("finished") / "chest")


@pytest.fixture(scope="module")
def run(folder: Path) -> Finished:
    return read_finished(folder)


def test_every_list_has_the_items_of_its_publication() -> None:
    assert {name: len(checklist(name).items) for name in FILES} == ITEMS
    for name in FILES:
        ids = [item.id for item in checklist(name).items]
        assert len(set(ids)) == len(ids)


def test_claim_is_answered_by_evidence_alone_for_three_items_in_five(run: Finished) -> None:
    found = counts(fill(checklist("CLAIM"), run))
    assert found["filled"] == found["by evidence alone"]
    assert found["by evidence alone"] / found["items"] >= 0.6


@pytest.mark.parametrize("name", FILES)
def test_every_answer_names_evidence_that_is_there(name: str, run: Finished) -> None:
    figures = {f.id for f in figures_of(run.report)}
    rows = {f"ledger row {e.seq}, {e.hash[:12]}" for e in run.events}
    sections = {f.split("/")[0] for f in figures} | {"flow"}
    for filled in fill(checklist(name), run):
        assert not filled.said or filled.on, f"{name} {filled.item.id} stands on nothing"
        for ref in filled.on:
            if ref.trace.startswith("ledger row"):
                assert ref.trace in rows
            elif "/" in ref.trace and ref.trace.split("/")[0] in sections - {"table_one"}:
                assert ref.trace in figures, f"{name} {filled.item.id}: {ref.trace}"


@pytest.mark.parametrize("name", FILES)
def test_what_is_missing_says_who_must_write_it(name: str, run: Finished) -> None:
    for filled in fill(checklist(name), run):
        assert (filled.state == "filled") == (not filled.missing)
        assert all(what and who for _, what, who in filled.missing)


def test_a_person_answers_what_evidence_cannot(folder: Path) -> None:
    said = Statement(text="Nobody paid.", by="A. Lead", on=date(2026, 11, 20))
    run = read_finished(folder, {"funding": said})
    (item,) = [f for f in fill(checklist("CLAIM"), run) if f.item.topic == "Funding"]
    assert (item.state, item.automatic) == ("filled", False)
    assert item.said == ["Nobody paid."]
    assert "A. Lead, 2026-11-20" in str(item.on[0])


def test_goals_that_a_program_proposed_are_no_aims_of_a_person(tmp_path: Path, run: Finished) -> None:
    proposed = [dict(run.report["endpoints"][0]) | {"proposed": True}]
    other = read_finished(made_up_run(tmp_path / "other", endpoints=proposed))
    (item,) = [f for f in fill(checklist("CLAIM"), other) if f.item.topic == "Aims"]
    assert item.state == "partly"
    assert "a person must choose" in item.missing[0][1]


def test_exploratory_numbers_are_branded_in_every_export(tmp_path: Path) -> None:
    run = read_finished(
        made_up_run(tmp_path / "again", exploratory=["The test patients were opened 2 times."])
    )
    wanted = checklist("CLAIM")
    filled = fill(wanted, run)
    assert "Exploratory: The test patients were opened 2 times." in html_of(document_of(wanted, filled, run))
    assert data_of(wanted, filled, run)["exploratory"]


def test_a_report_that_was_edited_fills_nothing(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "edited")
    report = json.loads((folder / "report.json").read_text())
    report["test"][0]["estimate"] = 0.999
    write_json(folder / "report.json", report)
    with pytest.raises(InputError, match=r"report\.json: was changed"):
        read_finished(folder)


def test_without_a_ledger_or_report_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="overread test"):
        read_finished(tmp_path)
    folder = made_up_run(tmp_path / "lost")
    (folder / "ledger.db").unlink()
    with pytest.raises(InputError, match="no such ledger"):
        read_finished(folder)


def test_another_package_in_its_place_is_refused(tmp_path: Path) -> None:
    folder, other = made_up_run(tmp_path / "one"), made_up_run(tmp_path / "two")
    from tests.regulatory.made_up import made_up_package

    made_up_package(folder / "package" / "chest-1.0.overread", gain=2.0)
    del other
    with pytest.raises(InputError, match="is not the package"):
        read_finished(folder)


def test_questions_are_written_once_and_answers_are_kept(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "asked")
    checklist_command("CLAIM", folder, out=None, ask=True)
    text = (folder / "statements.yaml").read_text()
    assert re.search(r"^# who paid, and their part in the work \(sponsor\)$", text, re.M)
    answered = text.replace(
        "funding:\n  text: ''\n  by: ''\n  on: null", "funding:\n  text: Nobody.\n  by: A\n  on: 2026-11-20"
    )
    (folder / "statements.yaml").write_text(answered)
    checklist_command("STARD-AI", folder, out=None, ask=True)
    after = (folder / "statements.yaml").read_text()
    assert after.startswith(answered.rstrip())
    assert after.count("funding:") == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("colour: {text: red, by: A, on: 2026-01-01}", "'colour' is no topic"),
        ("funding: {text: nobody}", "say who answers"),
        ("- funding", "expected topics"),
    ],
)
def test_statements_without_topic_name_or_day_are_refused(text: str, fault: str, tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "faulty")
    (folder / "statements.yaml").write_text(text)
    with pytest.raises(InputError, match=fault):
        checklist_command("CLAIM", folder, out=None, ask=False)


def test_unknown_lists_are_named_with_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CLAIM, STARD"):
        checklist_command("CONSORT", tmp_path, out=None, ask=False)


def test_no_topic_is_idle() -> None:
    used = {n for name in FILES for item in checklist(name).items for n in item.needs}
    assert used <= set(TOPICS)


def test_a_verified_chain_is_all_that_is_read(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "chain")
    Ledger.open(folder / "ledger.db").append("later", {"files": {}}, actor="tester")
    assert read_finished(folder).events[-1].kind == "later"
