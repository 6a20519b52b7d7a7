"""Keys of people: made, given to others, revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.errors import InputError
from overread.keys.card import Card, key_id
from overread.keys.commands import export_command, import_command, list_command, new_command, revoke_command
from overread.keys.envelope import seal, unseal
from overread.keys.meanings import role_for
from overread.keys.ring import Keyring, card_text, state_folder

WORDS = "four words of hers"


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


def test_private_keys_are_read_by_their_passphrase_alone(ring: Keyring) -> None:
    card = ring.new("Ann Lee", ["analyst"], WORDS)
    assert card.id == key_id(card.signing)
    (file,) = ring.folder.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    person = ring.open("Ann Lee", WORDS)
    assert len(person.signing) == len(person.sealing) == 32
    assert ring.open(card.id[:6], WORDS) == person
    with pytest.raises(InputError, match="wrong passphrase"):
        ring.open("Ann Lee", "other words of hers")


def test_a_name_has_one_key_that_counts(ring: Keyring) -> None:
    old = ring.new("Ann Lee", ["analyst"], WORDS)
    with pytest.raises(InputError, match=f"Ann Lee has a key \\({old.id}\\)"):
        ring.new("Ann Lee", ["quality"], WORDS)
    ring.revoke("Ann Lee", "left the project")
    with pytest.raises(InputError, match="was revoked \\(left the project\\)"):
        ring.open(old.id, WORDS)
    new = ring.new("Ann Lee", ["quality"], WORDS)
    assert ring.find("Ann Lee") == new and ring.find(old.id).revoked is not None


@pytest.mark.parametrize(
    ("name", "roles", "words", "said"),
    [
        ("Ann", ["analyst"], "short", "5 characters, expected 12 or more"),
        ("Ann", ["boss"], WORDS, "roles"),
        ("Ann", [], WORDS, "roles"),
        ("a/b", ["analyst"], WORDS, "is not a name"),
    ],
)
def test_what_makes_no_key_is_refused(ring: Keyring, name: str, roles: list, words: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ring.new(name, roles, words)
    assert not ring.cards()


def test_a_card_of_another_machine_checks_but_does_not_sign(
    ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_STATE", str(tmp_path / "hers"))
    words, card = tmp_path / "words", tmp_path / "ann.json"
    words.write_text(f"{WORDS}\n")
    new_command("Ann Lee", ["analyst", "quality"], words)
    export_command("Ann Lee", card)
    assert "private" not in card.read_text() and "salt" not in card.read_text()
    monkeypatch.setenv("OVERREAD_STATE", str(tmp_path / "ours"))
    import_command(card)
    import_command(card)
    capsys.readouterr()
    list_command()
    assert capsys.readouterr().out.split("  ")[1:] == ["Ann Lee", "analyst, quality\n"]
    with pytest.raises(InputError, match="only Ann Lee's own machine can sign"):
        Keyring().open("Ann Lee", WORDS)
    revoke_command("Ann Lee", "phone was lost")
    with pytest.raises(InputError, match="is in the ring as Ann Lee"):
        import_command(card)
    assert state_folder() == tmp_path / "ours"


def test_a_card_whose_id_is_not_of_its_key_is_refused(ring: Keyring, tmp_path: Path) -> None:
    card, other = (ring.new(name, ["analyst"], WORDS) for name in ("Ann", "Bob"))
    content = card.model_dump(mode="json") | {"id": other.id}
    with pytest.raises(ValueError, match="as the public key has it"):
        Card.model_validate(content)


def test_roles_say_what_may_be_signed(ring: Keyring) -> None:
    analyst = ring.new("Ann", ["analyst"], WORDS)
    assert role_for(analyst, "locked") == "analyst"
    for meaning, said in (("approved", "signed by quality"), ("praised", "expected one of locked, reviewed")):
        with pytest.raises(InputError, match=said):
            role_for(analyst, meaning)
    with pytest.raises(InputError, match="signed by quality"):
        role_for(analyst, "locked", wanted="quality")
    with pytest.raises(InputError, match="asks that a reviewer signs 'approved'; expected quality"):
        role_for(analyst, "approved", wanted="reviewer")


def test_who_is_not_in_the_ring_is_said(ring: Keyring) -> None:
    ring.new("Ann", ["analyst"], WORDS)
    with pytest.raises(
        InputError, match=r"0 keys are 'Bob', expected one; the ring has Ann\. `overread keys new Bob`"
    ):
        ring.open("Bob", WORDS)


def test_a_revocation_reaches_other_machines_and_is_not_taken_back(ring: Keyring, tmp_path: Path) -> None:
    card = ring.new("Ann", ["analyst"], WORDS)
    other, file = Keyring(tmp_path / "other"), tmp_path / "ann.json"
    file.write_text(card_text(card))
    other.add(file)
    (tmp_path / "gone.json").write_text(card_text(ring.revoke("Ann", "phone was lost")))
    assert other.add(tmp_path / "gone.json").revoked
    assert other.find("Ann").revoked is not None
    with pytest.raises(InputError, match="is in the ring as Ann"):
        other.add(file)


def test_an_envelope_that_asks_for_gigabytes_is_not_opened() -> None:
    made = seal(b"x", WORDS, what="a") | {"n": 2**20, "r": 32}
    with pytest.raises(InputError, match="more memory than any envelope"):
        unseal(made, WORDS, "x", what="a")
