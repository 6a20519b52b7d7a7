"""What a signature can mean, and who may give it."""

from __future__ import annotations

from overread.commands import command
from overread.errors import InputError
from overread.keys.card import Card, Role

MEANINGS: dict[str, tuple[Role, ...]] = {
    "locked": ("analyst", "quality"),
    "reviewed": ("reviewer", "quality"),
    "approved": ("quality",),
    "decided": ("reviewer", "quality"),
    "deviated": ("analyst", "reviewer", "quality"),
    "packaged": ("analyst", "quality"),
    "opened": ("quality", "reviewer", "analyst"),
}
"""Meaning to the roles that may sign so."""


def role_for(card: Card, meaning: str, *, wanted: Role | None = None) -> Role:
    """The role in which ``card`` may sign ``meaning``; ``wanted`` is the one that a protocol asks for.

    Raises
    ------
    InputError
        No such meaning, the person has no such role, or what is wanted signs no such thing.
    """
    if meaning not in MEANINGS:
        raise InputError(f"--meaning: found {meaning!r}, expected one of {', '.join(MEANINGS)}")
    allowed = MEANINGS[meaning]
    if wanted is not None and wanted not in allowed:
        raise InputError(
            f"protocol.yaml: signatures: asks that a {wanted} signs {meaning!r}; expected {' or '.join(allowed)}"
        )
    allowed = (wanted,) if wanted is not None else allowed
    found = next((role for role in allowed if role in card.roles), None)
    if found is None:
        raise InputError(
            f"{card.name} is {' and '.join(card.roles)}; {meaning!r} is signed by {' or '.join(allowed)} "
            f"({command('keys', 'new', 'NAME', '--role', allowed[0])})"
        )
    return found
