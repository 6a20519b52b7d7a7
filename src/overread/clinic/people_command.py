"""overread users: who may use a node's pages, from the command line."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import typer

from overread.clinic.config import load_config
from overread.clinic.people import Role, Users
from overread.errors import InputError
from overread.files import only_mine
from overread.ledger.ledger import Ledger


@only_mine()
def list_users(config: Path) -> None:
    """Print each user's name, roles and state."""
    for user in _users(config).users():
        state = "locked out" if user.disabled else "password to be changed" if user.must_change else ""
        typer.echo(f"{user.name}  {', '.join(sorted(user.roles))}  {state}".rstrip())


@only_mine()
def add_user(config: Path, name: str, roles: Sequence[str]) -> None:
    """Add a user. Raises InputError for an unknown role, or a name that is taken."""
    unknown = [r for r in roles if r not in list(Role)]
    if unknown:
        raise InputError(f"role: found {unknown[0]!r}, expected one of {', '.join(Role)}")
    password = secrets.token_urlsafe(15)
    _users(config).add(name, frozenset(Role(r) for r in roles), password)
    _note(config, name, "add")
    typer.echo(f"{name}, password {password} (shown this once, to be changed at the first login)")


@only_mine()
def reset_user(config: Path, name: str) -> None:
    """Another password."""
    password = secrets.token_urlsafe(15)
    _users(config).set_password(name, password, must_change=True)
    _note(config, name, "reset")
    typer.echo(f"{name}, password {password} (shown this once, to be changed at the first login)")


@only_mine()
def lock_user(config: Path, name: str, undo: bool) -> None:
    """Lock out, or let in again; who is logged in stays so until the session ends."""
    _users(config).set_disabled(name, not undo)
    _note(config, name, "unlock" if undo else "lock")
    typer.echo(f"{name} is {'let in again' if undo else 'locked out'}")


def _users(config: Path) -> Users:
    settings = load_config(config)
    return Users(settings.database or settings.folder / "clinic.db")


def _note(config: Path, name: str, action: str) -> None:
    settings = load_config(config)
    ledger = Ledger.open(settings.ledger or settings.folder / "ledger.db")
    ledger.append("web.user_changed", {"user": name, "action": action})
