"""`overread keys`: people who sign, and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from overread.errors import InputError
from overread.files import write_text
from overread.keys.card import ROLES, Role
from overread.keys.passphrase import ask_passphrase
from overread.keys.ring import Keyring, Person, card_text


def new_command(name: str, roles: Sequence[str], passphrase_file: Path | None) -> None:
    """Make a person's keys and print where they are. Raises InputError as `Keyring.new`."""
    known: list[Role] = [r for r in ROLES if r in roles]
    unknown = [r for r in roles if r not in ROLES]
    if unknown:
        offered = "; ".join(f"{k}: {v}" for k, v in ROLES.items())
        raise InputError(f"--role: found {unknown[0]!r}, expected one of {offered}")
    ring = Keyring()
    card = ring.new(name, known, ask_passphrase(passphrase_file, name, confirm=True))
    print(f"{card.name} ({', '.join(card.roles)}): key {card.id}, in {ring.folder}")
    print("Keep a copy of that file and the passphrase apart: what is sealed for a lost key stays sealed.")


def list_command() -> None:
    """Print every card, one line each."""
    ring = Keyring()
    for card in sorted(ring.cards().values(), key=lambda c: (c.name, c.created)):
        state = f"revoked {card.revoked.time:%Y-%m-%d}: {card.revoked.reason}" if card.revoked else ""
        print(f"{card.id}  {card.name}  {', '.join(card.roles)}  {state}".rstrip())


def export_command(who: str, out: Path | None) -> None:
    """Print a card, or write it to ``out``: the public part, for others."""
    text = card_text(Keyring().find(who))
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)


def import_command(file: Path) -> None:
    """Take in somebody else's card."""
    card = Keyring().add(file)
    print(
        f"{card.name} ({', '.join(card.roles)}): key {card.id}. Ask {card.name} whether that is the id of theirs."
    )


def revoke_command(who: str, reason: str) -> None:
    """Let a key count no more from now on."""
    card = Keyring().revoke(who, reason)
    print(f"{card.name}'s key {card.id} counts no more; what it signed before still does.")


def open_person(who: str, passphrase_file: Path | None) -> Person:
    """Somebody's private keys, whose passphrase is asked for or in a file. Raises InputError."""
    ring = Keyring()
    card = ring.find(who)
    return ring.open(card.id, ask_passphrase(passphrase_file, card.name))
