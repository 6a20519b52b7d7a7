"""The keyring: cards of people in a folder, and the private keys of some, each in a passphrase's envelope."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError
from overread.files import only_mine, write_json
from overread.keys.card import Card, Revoked, Role
from overread.keys.envelope import seal, unseal
from overread.parse import parse_json
from overread.settings import validated

STATE = "OVERREAD_STATE"
PRIVATE = "overread.private-keys 1"


@dataclass(frozen=True)
class Person:
    """A card with its private keys, 32 bytes each: of one who has given their passphrase."""

    card: Card
    signing: bytes
    sealing: bytes


def state_folder() -> Path:
    """Where this user's registers and keys are: ``OVERREAD_STATE``, else ``overread`` in the state folder (XDG)."""
    if os.environ.get(STATE):
        return Path(os.environ[STATE])
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "overread"


class Keyring:
    """The cards in a folder, one file each, named after the key's id."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or state_folder() / "keys"

    def cards(self) -> dict[str, Card]:
        """Every card by its id. Raises InputError for a file that is none."""
        return {c.id: c for c in (self._read(p)[0] for p in sorted(self.folder.glob("*.json")))}

    def new(self, name: str, roles: Sequence[Role], passphrase: str) -> Card:
        """Make a person's keys. Raises InputError where somebody has that name, or the passphrase is too short."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        if len(passphrase) < 12:
            raise InputError(f"the passphrase has {len(passphrase)} characters, expected 12 or more")
        taken = [c for c in self.cards().values() if c.name == name and c.revoked is None]
        if taken:
            raise InputError(
                f"{self.folder}: {name} has a key ({taken[0].id}); {command('keys', 'revoke', name)} ends it, or take "
                "another name"
            )
        signing, sealing = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        content = {
            "name": name,
            "roles": list(roles),
            "signing": base64.b64encode(signing.public_key().public_bytes_raw()).decode(),
            "sealing": base64.b64encode(sealing.public_key().public_bytes_raw()).decode(),
            "created": datetime.now(UTC).replace(microsecond=0),
        }
        card = validated(Card, content, "keys new")
        private = signing.private_bytes_raw() + sealing.private_bytes_raw()
        self._write(card, seal(private, passphrase, what=PRIVATE))
        return card

    def add(self, file: Path) -> Card:
        """Take in somebody else's card. Raises InputError where it is none, or this ring says otherwise of the key."""
        card = read_card(file)
        known = self.cards().get(card.id)
        if (
            known is not None
            and known.revoked is None
            and card == known.model_copy(update={"revoked": card.revoked})
        ):
            # Its owner ended it: from here on it counts no more on this machine either.
            self._write(card, self._read(self._path(card))[1])
        elif known is not None and known != card:
            raise InputError(
                f"{file}: key {card.id} is in the ring as {known.name} ({', '.join(known.roles)}) already"
            )
        if known is None:
            self._write(card, None)
        return card

    def find(self, who: str) -> Card:
        """The card of a name or of the beginning of an id; of one name's keys that which counts. Raises InputError."""
        cards = list(self.cards().values())
        found = [c for c in cards if c.name == who] or (
            [c for c in cards if c.id.startswith(who.lower())]
            if re.fullmatch("[0-9a-fA-F]{4,16}", who)
            else []
        )
        found = [c for c in found if c.revoked is None] or found
        if len(found) != 1:
            names = ", ".join(sorted({c.name for c in cards})) or "nobody"
            raise InputError(
                f"{self.folder}: {len(found)} keys are {who!r}, expected one; the ring has {names}. "
                f"{command('keys', 'new', who)} makes one"
            )
        return found[0]

    def open(self, who: str, passphrase: str) -> Person:
        """The private keys of a name or id.

        Raises InputError where it is unknown, revoked, not of this machine, or the passphrase is wrong.
        """
        card = self.find(who)
        path = self._path(card)
        _, private = self._read(path)
        if card.revoked is not None:
            raise InputError(
                f"{path}: {card.name}'s key was revoked ({card.revoked.reason}); it signs and opens nothing"
            )
        if private is None:
            raise InputError(
                f"{path}: holds {card.name}'s public key alone; only {card.name}'s own machine can sign"
            )
        found = unseal(private, passphrase, str(path), what=PRIVATE)
        return Person(card, found[:32], found[32:])

    def revoke(self, who: str, reason: str) -> Card:
        """Let a key count no more from now on. Raises InputError where it is revoked already, or no reason is given."""
        card = self.find(who)
        if card.revoked is not None or not reason.strip():
            raise InputError(
                f"{card.name}: "
                + ("was revoked before" if card.revoked else "give a reason, which verifying will tell")
            )
        now = Revoked(time=datetime.now(UTC).replace(microsecond=0), reason=reason)
        card = card.model_copy(update={"revoked": now})
        self._write(card, self._read(self._path(card))[1])
        return card

    def _path(self, card: Card) -> Path:
        return self.folder / f"{card.id}.json"

    def _write(self, card: Card, private: dict[str, Any] | None) -> None:
        with only_mine():
            content = {"card": card.model_dump(mode="json")} | ({"private": private} if private else {})
            write_json(self._path(card), content)

    def _read(self, path: Path) -> tuple[Card, dict[str, Any] | None]:
        content = parse_json(path.read_bytes(), str(path))
        if not isinstance(content, dict) or "card" not in content:
            raise InputError(f"{path}: is no key; move it out of the keyring")
        return validated(Card, content["card"], str(path)), content.get("private")


def read_card(file: Path) -> Card:
    """The card that `overread keys export` wrote. Raises InputError."""
    if not file.is_file():
        raise InputError(
            f"{file}: no such file; expected a card as {command('keys', 'export', 'NAME')} prints it"
        )
    content = parse_json(file.read_bytes(), str(file))
    return validated(Card, content, str(file))


def card_text(card: Card) -> str:
    """A card as a file, to give to others."""
    return json.dumps(card.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
