"""Records, ledger and report belong together: what was changed afterwards is named, whichever of them it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml

import overread.pipeline.stages as stages
from overread.cohort.hashes import content_digest, content_of_test
from overread.errors import InputError, OverreadError
from overread.ledger.commands import verify_command
from overread.ledger.environment import code_digest, environment
from overread.ledger.ledger import Ledger
from overread.ledger.register import register, register_file
from overread.pipeline.workspace import Workspace


@pytest.fixture
def road(small_road: Path, tmp_path: Path) -> Path:
    """A copy of a finished protocol, to be tampered with."""
    return shutil.copytree(small_road, tmp_path / "lesions")


def edited(path: Path, **values: object) -> None:
    """Change keys of a record's result by hand."""
    content = json.loads(path.read_text())
    content["result"] |= values
    path.write_text(json.dumps(content))


def test_a_finished_protocol_verifies(road: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify_command(str(road))
    assert capsys.readouterr().out.startswith("ok: ")
    head = Workspace.open(road).ledger.head()
    verify_command(str(road), head=head[:12])
    with pytest.raises(OverreadError, match="not in the chain"):
        verify_command(str(road), head="0123456789abcdef")
    with pytest.raises(InputError, match="--head: found 'yesterday'"):
        verify_command(str(road), head="yesterday")


@pytest.mark.parametrize("stage", ["check", "plan", "train", "lock"])
def test_an_edited_record_is_no_evidence(road: Path, stage: str) -> None:
    edited(
        road / "record" / f"{stage}.json", package_sha256="0" * 64, openings_before=0, cohort_sha256="1" * 64
    )
    with pytest.raises(InputError, match=f"{stage}.json: was changed after the stage wrote it"):
        Workspace.open(road).record_of(stage)


def test_a_lowered_goal_and_an_edited_lock_open_nothing(road: Path) -> None:
    """The lock is what the ledger says, not what a file beside it says."""
    space = Workspace.open(road)
    text = (road / "protocol.yaml").read_text()
    (road / "protocol.yaml").write_text(text.replace("goal: 0.7", "goal: 0.1"))
    edited(road / "record" / "lock.json", protocol_sha256=Workspace.open(road).protocol.digest())
    rows = len(space.ledger.events())
    with pytest.raises(InputError, match=r"lock\.json: was changed"):
        stages.test_stage(road)
    assert len(space.ledger.events()) == rows


def test_a_record_of_yesterday_is_told_from_todays(road: Path) -> None:
    kept = (road / "record" / "lock.json").read_text()
    stages.lock_stage(road)
    (road / "record" / "lock.json").write_text(kept)
    with pytest.raises(InputError, match="is of an earlier run"):
        Workspace.open(road).record_of("lock")


def test_a_ledger_that_is_gone_is_not_made_anew(road: Path) -> None:
    (road / "ledger.db").unlink()
    for suffix in ("-wal", "-shm"):
        (road / f"ledger.db{suffix}").unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"no such file, though .*record/check\.json names a row"):
        stages.check_stage(road)
    assert not (road / "ledger.db").exists()


def test_no_stage_runs_on_a_broken_chain(road: Path) -> None:
    raw = sqlite3.connect(road / "ledger.db")
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute("UPDATE ledger_events SET actor = 'somebody' WHERE seq = 3")
    raw.commit()
    raw.close()
    with pytest.raises(InputError, match="row 3 was altered"):
        stages.check_stage(road)


@pytest.mark.parametrize(
    "name", ["report.html", "report.json", "check.json", "predictions.csv", "protocol.yaml"]
)
def test_a_file_that_was_changed_afterwards_is_named(road: Path, name: str) -> None:
    with (road / name).open("a") as f:
        f.write("\n")
    with pytest.raises(OverreadError, match=rf"{name}: was changed; row \d+ \(pipeline"):
        verify_command(str(road))
    (road / name).unlink()
    with pytest.raises(OverreadError, match=f"{name}: is missing"):
        verify_command(str(road))


def test_a_second_look_brands_every_verdict(road: Path) -> None:
    text = (road / "protocol.yaml").read_text()
    (road / "protocol.yaml").write_text(text.replace("goal: 0.7", "goal: 0.1"))
    stages.lock_stage(road)
    stages.test_stage(road)
    report = json.loads((road / "report.json").read_text())
    page = (road / "report.html").read_text()
    assert report["openings"] == 2 and len(report["exploratory"]) == 2
    assert any(change.endswith("endpoints.0.goal: 0.7, now 0.1") for change in report["protocol_changes"])
    assert (
        "Goals fixed before the test" not in page and "Goals (exploratory)" in page and "0.7, now 0.1" in page
    )
    assert "✓ met" not in page and "✗ not met" not in page and "exploratory" in page


def test_a_test_that_was_opened_in_another_folder_is_not_opened_for_the_first_time(
    road: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = Workspace.open(road).cohort().split("test")
    for _ in range(3):  # the copy's own opening, and two elsewhere
        register(content_of_test(cases, road), chain_head="0" * 64)
    stages.test_stage(road)
    report = json.loads((road / "report.json").read_text())
    assert (
        report["openings"] == 4 and "opened 4 times, 2 of them in other folders" in report["exploratory"][0]
    )
    assert "2 of them in other folders" in " ".join(capsys.readouterr().out.split())


def test_openings_that_cannot_be_listed_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OVERREAD_STATE", str(tmp_path / "file" / "state"))
    found = register("abc", chain_head="0" * 64)
    assert found.before == 0 and found.fault


def test_the_list_counts_content_and_not_names() -> None:
    one, two = content_digest({"a.png": "11", "b.png": "22"}), content_digest({"x/b": "22", "x/a": "11"})
    assert one == two != content_digest({"a.png": "11"})
    assert [register(one, chain_head="0" * 64).before for _ in range(3)] == [0, 1, 2]
    assert Ledger.open(register_file(), create=False).verify().ok


def test_events_tell_on_what_they_were_computed(road: Path) -> None:
    (event,) = Workspace.open(road).ledger.events("pipeline.train")
    told = event.data["environment"]
    assert told == environment() and {
        "overread",
        "code_sha256",
        "python",
        "processor",
        "numpy",
        "torch",
    } <= set(told)


def test_a_changed_line_of_code_changes_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    before = code_digest(tmp_path)
    (tmp_path / "a.py").write_text("x = 2\n")
    assert code_digest(tmp_path) != before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({before, code_digest(tmp_path)}) == 2


def test_an_empty_intended_use_is_not_locked_in_silence(
    road: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (road / "protocol.yaml").read_text()
    content = yaml.safe_load(text)
    del content["intended_use"]
    (road / "protocol.yaml").write_text(yaml.safe_dump(content))
    assert not Workspace.open(road).protocol.intended_use
    stages.lock_stage(road)
    assert "intended_use is empty" in " ".join(capsys.readouterr().out.split())
