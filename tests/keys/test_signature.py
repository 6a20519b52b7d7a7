"""A signature holds for its own text and key alone, and openssl says the same."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from overread.files import canonical_json
from overread.keys.card import Revoked
from overread.keys.ring import Keyring, Person
from overread.keys.signature import Signature, sign, standing

WORDS = "four words of hers"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    found = Keyring(tmp_path_factory.mktemp("keys"))
    for name in ("Ann", "Bob"):
        found.new(name, ["analyst"], WORDS)
    return found


@pytest.fixture(scope="module")
def ann(ring: Keyring) -> Person:
    return ring.open("Ann", WORDS)


@pytest.fixture
def signature(ann: Person) -> Signature:
    return sign(ann, meaning="locked", what={"row": 7, "row_hash": "ab" * 32}, comment="änd so on")


def test_name_time_meaning_and_what_was_signed_stand_in_the_text(signature: Signature, ann: Person) -> None:
    said = signature.said
    assert (said["name"], said["role"], said["meaning"], said["row"]) == ("Ann", "analyst", "locked", 7)
    assert said["key"] == ann.card.id and said["time"].endswith("+00:00")
    assert not signature.fault()
    assert Signature.of(signature.as_dict()) == signature
    assert Signature.of({"statement": 1}) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda s: replace(s, statement=s.statement.replace("locked", "tested")),
        lambda s: replace(s, value=base64.b64encode(bytes(64)).decode()),
        lambda s: replace(s, value="!"),
        lambda s: replace(s, key=base64.b64encode(bytes(31)).decode()),
    ],
)
def test_an_altered_signature_does_not_hold(
    signature: Signature, change: Callable[[Signature], Signature]
) -> None:
    assert change(signature).fault()


def test_openssl_confirms_a_signature(signature: Signature, tmp_path: Path) -> None:
    for name, data in (
        ("text", signature.statement.encode()),
        ("sig", base64.b64decode(signature.value)),
        ("pem", signature.pem().encode()),
    ):
        (tmp_path / name).write_bytes(data)
    words = "openssl pkeyutl -verify -pubin -inkey pem -rawin -in text -sigfile sig"
    done = subprocess.run(words.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout
    (tmp_path / "text").write_bytes(b"another text")
    assert subprocess.run(words.split(), cwd=tmp_path, capture_output=True, check=False).returncode


def test_the_keyring_says_who_signed(ring: Keyring, signature: Signature, ann: Person) -> None:
    cards = ring.cards()
    assert standing(signature, cards) == ""
    assert "is not in this keyring" in standing(signature, {})
    renamed = {ann.card.id: ann.card.model_copy(update={"name": "Eve"})}
    assert "belongs to Eve" in standing(signature, renamed)


def test_a_revoked_key_counts_for_what_it_signed_before(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    ring.new("Ann", ["analyst"], WORDS)
    person = ring.open("Ann", WORDS)
    signature = sign(person, meaning="locked", what={})
    card = ring.revoke("Ann", "left")
    assert card.revoked is not None
    early, late = (
        card.model_copy(update={"revoked": Revoked(time=card.revoked.time.replace(year=year), reason="left")})
        for year in (2020, 2999)
    )
    assert "was revoked on 2020" in standing(signature, {card.id: early})
    assert standing(signature, {card.id: late}) == ""


def _signed(person: Person, text: str) -> Signature:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    value = Ed25519PrivateKey.from_private_bytes(person.signing).sign(text.encode())
    return Signature(text, person.card.signing, base64.b64encode(value).decode())


def test_a_text_that_can_be_read_in_two_ways_does_not_hold(signature: Signature, ann: Person) -> None:
    for text in (signature.statement.replace('"row":7', '"row":3,"row":7'), signature.statement + " "):
        assert "canonical" in _signed(ann, text).fault()


@pytest.mark.parametrize("time", ["2026-01-02T09:00:00+23:00", "2026-01-02T00:00:01", "0", None])
def test_no_way_of_writing_a_time_goes_around_a_revocation(ann: Person, time: str | None) -> None:
    """As text, +23:00 would come after it though the moment is before, and the others before though nobody knows."""
    revoked = ann.card.model_copy(
        update={"revoked": Revoked(time=datetime(2026, 1, 2, tzinfo=UTC), reason="phone was lost")}
    )
    said = {"name": "Ann", "role": "analyst", "key": ann.card.id, "meaning": "locked", "time": time}
    doubt = standing(_signed(ann, canonical_json(said)), {ann.card.id: revoked})
    assert bool(doubt) is (time != "2026-01-02T09:00:00+23:00")


def test_a_role_signs_its_own_meanings_alone(ann: Person) -> None:
    made = sign(ann, meaning="approved", what={}, role="analyst")
    assert standing(made, {ann.card.id: ann.card}) == "'approved' is signed by nobody as analyst"
