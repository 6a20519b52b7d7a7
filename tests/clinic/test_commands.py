"""The administrator's commands, each as it is typed: what it prints, how it ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.clinic.site import Archive, free_port, write_segmenter, write_series
from typer.testing import CliRunner

from overread.cli import app
from overread.clinic import operate_command
from overread.clinic.people import Users
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.errors import InputError, OverreadError
from overread.files import only_mine

STUDY, OTHER = "1.2.3", "1.2.4"
Typed = Callable[..., str]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Type a command in a folder with a clinic.yaml, a package and two studies; what it prints."""
    monkeypatch.chdir(tmp_path)
    write_segmenter(Path("lesions.overread"))
    write_series(Path("head"), StudyDescription="Head")
    write_series(Path("knee"), study=OTHER, series="1.2.4.1", StudyDescription="Knee")
    config = {
        "aet": "OVERREAD",
        "port": free_port(),
        "folder": "state",
        "disk": {"refuse_gib": 0, "warn_gib": 0},
        "routes": [
            {"name": "lesions", "package": "lesions.overread", "match": {"StudyDescription": "(?i)head"}}
        ],
        "destinations": [{"name": "PACS", "aet": "PACS", "host": "127.0.0.1", "port": free_port()}],
    }
    Path("clinic.yaml").write_text(yaml.safe_dump(config))

    def run(*words: str, fails: type[BaseException] | None = None) -> str:
        result = CliRunner().invoke(app, words)
        if fails is None:
            assert result.exit_code == 0, (result.output, result.exception)
            return result.output
        assert isinstance(result.exception, fails), result.exception
        return f"{result.output}{result.exception}"

    return run


def a_node() -> State:
    """What a node that has run leaves behind: an image, a run that failed, a study that could not be read."""
    with only_mine():
        spool = Path("state/spool") / STUDY
        spool.mkdir(parents=True)
        (spool / "1.dcm").write_bytes(b"image")
        state = State(Path("state/clinic.db"))
    for study in (STUDY, OTHER):
        state.arrived(study, 1, "CT", {})
    state.add_run(
        key="run1",
        study_uid=STUDY,
        created="2026-01-02T03:04:05+00:00",
        state=StudyState.QUEUED,
        sops_sha256="0",
        instances=1,
        package_name="p",
        package_version="1",
        package_sha256="0",
        route="lesions",
    )
    state.set_run("run1", StudyState.FAILED, error="took longer than 5 s")
    state.set_study(STUDY, StudyState.FAILED)
    state.set_study(OTHER, StudyState.FAILED, error="no object could be read")
    return state


def test_doctor_before_the_first_start_makes_nothing(typed: Typed, tmp_path: Path) -> None:
    """Whoever asks may be another user than the node's, which could not write to what was made."""
    before = sorted(tmp_path.rglob("*"))
    told = typed("doctor", "clinic.yaml", "--sample", "head", fails=OverreadError)
    assert sorted(tmp_path.rglob("*")) == before
    assert "ok    folder" in told and "the first start makes it" in told
    assert "ok    package lesions: block finder 1.2 loads" in told
    assert "ok    sample: 6 objects go to lesions" in told
    assert "FAIL  destination PACS" in told and "does it accept the title OVERREAD?" in told
    assert told.endswith("1 of the checks failed")


def test_doctor_where_all_is_well(typed: Typed, tmp_path: Path) -> None:
    port = yaml.safe_load(Path("clinic.yaml").read_text())["destinations"][0]["port"]
    archive = Archive(tmp_path / "pacs", port)
    archive.start()
    try:
        a_node()
        told = typed("doctor", "clinic.yaml")
    finally:
        archive.stop()
    assert "SQLite answers; 2 studies" in told and "answers C-ECHO" in told and "FAIL" not in told


@pytest.mark.parametrize("folder", ["head", "knee"])
def test_route_says_what_and_why_once(typed: Typed, folder: str) -> None:
    told = typed("route", "clinic.yaml", folder, "--explain").splitlines()
    if folder == "head":
        assert told[-2:] == ["route   lesions: takes it: fits", "lesions: lesions.overread to PACS"]
    else:
        assert "no series with images has StudyDescription like '(?i)head'" in told[-2]
        assert sum("no route takes this study" in line for line in told) == 1
        assert typed("route", "clinic.yaml", folder) == "no route takes this study\n"


def test_route_of_a_study_that_is_not_here(typed: Typed) -> None:
    assert "neither a study in" in typed("route", "clinic.yaml", "1.2.99", fails=InputError)


def test_dead_letters(typed: Typed) -> None:
    assert "start it once with overread serve" in typed("dead-letters", "clinic.yaml", fails=InputError)
    state = a_node()
    told = typed("dead-letters", "clinic.yaml").splitlines()
    assert told == [
        f"run run1 of study {STUDY}: took longer than 5 s",
        f"study {OTHER}: no object could be read",
        "overread replay takes a run, a study or a request up again",
    ]
    state.delivery("run1", "PACS")
    state.set_delivery("run1", "PACS", DeliveryState.REFUSED, error="status 0x0122")
    state.set_run("run1", StudyState.FAILED, error="the results were refused by PACS: status 0x0122")
    assert typed("dead-letters", "clinic.yaml").splitlines()[:-1] == [
        "run run1 to PACS: status 0x0122",
        f"study {OTHER}: no object could be read",
    ]
    state.remove(STUDY)
    state.remove(OTHER)
    assert typed("dead-letters", "clinic.yaml") == "nothing waits for a person\n"
    assert typed("replay", "clinic.yaml", "--all") == "nothing to replay\n"


def test_replay_asks_the_node_and_says_what_it_answered(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = a_node()
    monkeypatch.setattr(operate_command, "WAIT_SECONDS", 0.0)
    told = typed("replay", "clinic.yaml", "--all")
    assert told.count("asked for; the node takes it up when it runs") == 2
    assert [(r.kind, r.subject) for r in state.asked()] == [("retry", "run1"), ("rerun", OTHER)]
    assert "knows no such run" in typed("replay", "clinic.yaml", "run2", fails=InputError)
    assert "--all" in typed("replay", "clinic.yaml", fails=InputError)


def test_backup_and_restore_keep_patients_from_others(typed: Typed, tmp_path: Path) -> None:
    """Whatever the umask of who runs them, as the node's own folder."""
    a_node()
    before = os.umask(0o022)
    try:
        assert typed("backup", "clinic.yaml", "--out", "copy") == "2 files are in copy\n"
        Path("state").rename("gone")
        assert typed("restore", "clinic.yaml", "--from", "copy").startswith("2 files are in ")
    finally:
        os.umask(before)
    for top in (Path("copy"), Path("state")):
        modes = {p: p.stat().st_mode & 0o777 for p in (top, *top.rglob("*"))}
        assert {m for p, m in modes.items() if p.is_dir()} == {0o700}
        assert {m for p, m in modes.items() if p.is_file()} == {0o600}
    assert len(typed("dead-letters", "clinic.yaml").splitlines()) == 3


def test_users(typed: Typed, tmp_path: Path) -> None:
    a_node()
    told = typed("users", "add", "clinic.yaml", "ann", "--role", "operator", "--role", "quality")
    users = Users(tmp_path / "state" / "clinic.db")
    assert users.check("ann", told.split("password ")[1].split()[0]) is not None
    assert typed("users", "list", "clinic.yaml") == "ann  operator, quality  password to be changed\n"
    typed("users", "add", "clinic.yaml", "bob")
    assert "bob is locked out" in typed("users", "lock", "clinic.yaml", "bob")
    assert "bob  reader  locked out" in typed("users", "list", "clinic.yaml")
    assert "let in again" in typed("users", "lock", "clinic.yaml", "bob", "--undo")
    assert "shown this once" in typed("users", "reset", "clinic.yaml", "bob")
    for words in (("lock", "carl"), ("reset", "carl")):
        assert "there is none of this name" in typed(
            "users", words[0], "clinic.yaml", words[1], fails=InputError
        )
    assert "expected one of reader" in typed(
        "users", "add", "clinic.yaml", "carl", "--role", "x", fails=InputError
    )


def test_a_worker_needs_a_shared_database(typed: Typed) -> None:
    assert "workers beside the node need a PostgreSQL" in typed("work", "clinic.yaml", fails=InputError)


def test_papers_and_schema_are_printed(typed: Typed) -> None:
    assert typed("conformance", "clinic.yaml").startswith("# DICOM conformance statement: OVERREAD")
    assert typed("mds2", "clinic.yaml").startswith("# Security disclosure: OVERREAD")
    assert json.loads(typed("sbom"))["bomFormat"] == "CycloneDX"
    schema: Any = json.loads(typed("clinic-schema"))
    assert {"aet", "routes", "destinations"} <= set(schema["required"])
