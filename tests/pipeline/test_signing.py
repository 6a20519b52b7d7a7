"""Signatures, decisions and deviations of a protocol: who may give which, and what waits for them."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.sealed_road import WORDS, Road

import overread.pipeline.stages as stages
from overread.errors import InputError, OverreadError
from overread.files import canonical_json
from overread.keys.ring import Keyring, Person
from overread.ledger.commands import verify_command
from overread.ledger.signatures import KIND
from overread.pipeline.decisions import decide_command, decisions_of, deviate_command, deviations_of
from overread.pipeline.signing import sign_command, signatures_of
from overread.pipeline.workspace import Workspace


@pytest.fixture
def road(sealed_road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Road:
    state = Path(shutil.copytree(sealed_road.state, tmp_path / "state"))
    monkeypatch.setenv("OVERREAD_STATE", str(state))
    return Road(Path(shutil.copytree(sealed_road.folder, tmp_path / "discs")), state, sealed_road.words)


def sign(road: Road, row: str, meaning: str, who: str) -> None:
    sign_command(road.folder, row, meaning=meaning, who=who, comment="", passphrase_file=road.words)


def test_the_lock_was_signed_with_what_it_fixes(road: Road) -> None:
    space = Workspace.open(road.folder)
    locked, opened = signatures_of(space)
    assert (locked["name"], locked["role"], locked["meaning"]) == ("Ann Lee", "analyst", "locked")
    assert (opened["name"], opened["meaning"]) == ("Bob Ray", "opened")
    assert not locked["fault"] and not locked["standing"]
    row = space.ledger.events(KIND)[0]
    said = json.loads(row.data["signature"]["statement"])
    lock = space.record_of("lock")["result"]
    for key in ("protocol_sha256", "package_sha256", "code_sha256", "sealed_test_sha256"):
        assert said[key] == lock[key]


@pytest.mark.parametrize(
    ("row", "meaning", "who", "said"),
    [
        ("lock", "reviewed", "Ann Lee", "Ann Lee is analyst; 'reviewed' is signed by reviewer or quality"),
        ("lock", "praised", "Bob Ray", "expected one of locked, reviewed, approved"),
        ("lock", "locked", "Bob Ray", "a lock is signed by"),
        ("99", "approved", "Bob Ray", "has no row 99"),
        ("party", "approved", "Bob Ray", "'party' is no number of a row and no stage"),
        ("lock", "approved", "Eve", "0 keys are 'Eve'"),
    ],
)
def test_who_may_not_sign_is_told_why(road: Road, row: str, meaning: str, who: str, said: str) -> None:
    before = len(Workspace.open(road.folder).ledger.events())
    with pytest.raises(InputError, match=said):
        sign(road, row, meaning, who)
    assert len(Workspace.open(road.folder).ledger.events()) == before


def test_nobody_approves_their_own_lock(road: Road) -> None:
    stages.lock_stage(road.folder, sign="Bob Ray", passphrase_file=road.words)
    with pytest.raises(InputError, match="Bob Ray locked it; another person must say that it was approved"):
        sign(road, "lock", "approved", "Bob Ray")


def test_a_protocol_waits_for_the_signatures_that_it_asks_for(road: Road) -> None:
    protocol = road.folder / "protocol.yaml"
    protocol.write_text(protocol.read_text() + "signatures: {lock: analyst, approval: quality}\n")
    with pytest.raises(InputError, match=r"asks that a person with the role analyst signs; .*--sign NAME"):
        stages.lock_stage(road.folder)
    with pytest.raises(InputError, match="'locked' is signed by analyst"):
        stages.lock_stage(road.folder, sign="Bob Ray", passphrase_file=road.words)
    stages.lock_stage(road.folder, sign="Ann Lee", passphrase_file=road.words)
    with pytest.raises(InputError, match="is approved by quality, and no such signature"):
        stages.test_stage(road.folder, who="Bob Ray", passphrase_file=road.words)
    sign(road, "lock", "approved", "Bob Ray")
    stages.test_stage(road.folder, who="Bob Ray", passphrase_file=road.words)


def test_decisions_are_about_warnings_and_signed(road: Road, capsys: pytest.CaptureFixture[str]) -> None:
    space = Workspace.open(road.folder)
    first = decisions_of(space)[0]
    assert first["severity"] == "warning" and first["decision"] is None

    def decide(finding: str | None, who: str = "Bob Ray", reason: str = "one scanner") -> None:
        decide_command(
            road.folder, finding, decision="accepted", reason=reason, who=who, passphrase_file=road.words
        )

    with pytest.raises(InputError, match="'decided' is signed by reviewer or quality"):
        decide("1", who="Ann Lee")
    with pytest.raises(InputError, match="say why"):
        decide("1", reason=" ")
    with pytest.raises(InputError, match="0 warnings of the check are that"):
        decide("no.such")
    decide("1")
    made = decisions_of(space)[0]["decision"]
    assert (made["name"], made["decision"], made["reason"]) == ("Bob Ray", "accepted", "one scanner")
    capsys.readouterr()
    decide(None)
    assert "accepted by Bob Ray: one scanner" in " ".join(capsys.readouterr().out.split())
    # Another check that finds the same keeps what was decided.
    stages.check_stage(road.folder)
    assert decisions_of(Workspace.open(road.folder))[0]["decision"] == made


def test_a_deviation_tells_what_the_protocol_says_otherwise(road: Road) -> None:
    protocol = road.folder / "protocol.yaml"
    protocol.write_text(protocol.read_text().replace("goal: 0.8", "goal: 0.7"))
    deviate_command(road.folder, reason="the goal was a slip", who="Ann Lee", passphrase_file=road.words)
    (found,) = deviations_of(Workspace.open(road.folder))
    assert (found["name"], found["reason"]) == ("Ann Lee", "the goal was a slip")
    assert found["changes"] == ["endpoints.0.goal: 0.8, now 0.7"]
    with pytest.raises(InputError, match="changed after the lock"):
        stages.test_stage(road.folder, who="Bob Ray", passphrase_file=road.words)


def test_verify_names_a_signature_of_another_row_and_a_key_nobody_knows(
    road: Road, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = Workspace.open(road.folder)
    space.ledger.append(KIND, space.ledger.events(KIND)[0].data)
    verify_command(str(road.folder))
    forged = space.ledger.events(KIND)[0].data
    forged["signature"]["statement"] = forged["signature"]["statement"].replace("Ann Lee", "Eve Lee")
    event = space.ledger.append(KIND, forged)
    with pytest.raises(OverreadError, match=f"row {event.seq}: the signature of Eve Lee does not hold"):
        verify_command(str(road.folder))
    monkeypatch.setenv("OVERREAD_STATE", str(tmp_path / "another"))
    capsys.readouterr()
    with pytest.raises(OverreadError):
        verify_command(str(road.folder))
    assert "is not in this keyring, so that its name is only claimed" in capsys.readouterr().out


def _rows(road: Road, kind: str, payload: dict[str, Any], person: Person | None, **said: Any) -> None:
    """A row with a signature that somebody wrote past the command line; without a person one that nobody made."""
    space = Workspace.open(road.folder)
    row = space.ledger.append(kind, payload)
    text = {"row": row.seq, "row_hash": row.hash, "name": "Bob Ray", "role": "quality", "comment": ""}
    text |= {"time": row.time, "key": person.card.id if person else "0" * 16} | said
    if person is None:
        value = {"statement": canonical_json(text), "key": "", "value": ""}
    else:
        key = Ed25519PrivateKey.from_private_bytes(person.signing)
        signed = base64.b64encode(key.sign(canonical_json(text).encode())).decode()
        value = {"statement": canonical_json(text), "key": person.card.signing, "value": signed}
    space.ledger.append(KIND, {"row": row.seq, "signature": value})


@pytest.mark.parametrize(
    ("signer", "said"),
    [
        (None, {"meaning": "deviated"}),
        ("Bob Ray", {"meaning": "approved"}),
        ("Bob Ray", {"meaning": "deviated", "time": "2020-01-01T00:00:00+00:00"}),
        ("Bob Ray", {"meaning": "deviated", "row_hash": "0" * 64}),
        ("Ann Lee", {"meaning": "deviated"}),
    ],
)
def test_a_signature_that_does_not_hold_decides_nothing(
    road: Road, signer: str | None, said: dict[str, Any]
) -> None:
    """Forged, of another meaning, dated back, of another row, or in somebody else's name."""
    person = Keyring().open(signer, WORDS) if signer else None
    _rows(road, "deviation", {"reason": "all is well", "changes": []}, person, **said)
    assert deviations_of(Workspace.open(road.folder)) == []


def test_nobody_approves_their_own_lock_by_a_second_key(road: Road) -> None:
    Keyring().revoke("Ann Lee", "got another key")
    Keyring().new("Ann Lee", ["quality"], WORDS)
    with pytest.raises(InputError, match="Ann Lee locked it; another person"):
        sign(road, "lock", "approved", "Ann Lee")


def test_a_lock_of_another_seal_is_not_tested(road: Road) -> None:
    space = Workspace.open(road.folder)
    row = space.ledger.events("test.sealed")[-1].data
    space.ledger.append("test.sealed", row | {"root": "0" * 64})
    with pytest.raises(InputError, match="is not the seal of the lock"):
        stages.test_stage(road.folder, who="Bob Ray", passphrase_file=road.words)
