"""Who may use the pages: users with roles, and passwords that only Argon2id hashes of are kept.

Source: RFC 9106 (Argon2), parameters of its second recommendation as argon2-cffi sets them; NIST SP 800-63B for
length over composition.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, Integer, String, Table, Text, func, insert, select, update

from overread.clinic.records.store import Store, now
from overread.clinic.tables import metadata
from overread.errors import InputError

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
LONGEST_NAME = 64


class Role(StrEnum):
    """What a user may do. A reader looks at studies and answers; an operator also works on the node; quality reads
    feedback and the chain of evidence."""

    READER = "reader"
    OPERATOR = "operator"
    QUALITY = "quality"


users_table = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("roles", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("must_change", Integer, nullable=False, default=0),
    Column("disabled", Integer, nullable=False, default=0),
    Column("created", String, nullable=False),
    Column("changed", String, nullable=False),
)


@dataclass(frozen=True)
class User:
    """One user. ``must_change``: the password was set by another and is to be changed first."""

    name: str
    roles: frozenset[Role]
    must_change: bool
    disabled: bool
    changed: str


class Users(Store):
    """The table of users."""

    _hasher = PasswordHasher()
    # Checked where no such user exists, so that the time of the answer does not tell who does.
    _nobody = _hasher.hash("nobody has this password")

    def users(self) -> list[User]:
        """All of them by name."""
        with self._read() as c:
            return [_user(r) for r in c.execute(select(users_table).order_by(users_table.c.name)).mappings()]

    def user(self, name: str) -> User | None:
        """One user, or None."""
        with self._read() as c:
            row = c.execute(select(users_table).where(users_table.c.name == name)).mappings().first()
        return _user(row) if row else None

    def add(self, name: str, roles: frozenset[Role], password: str, *, must_change: bool = True) -> None:
        """A new user. Raises InputError for a name that is taken or no name, no role, a password that is too short."""
        _check_name(name)
        if not roles:
            raise InputError(f"user {name}: has no role; expected one of {', '.join(Role)}")
        hashed = self._hash(name, password)
        with self._write() as c:
            if c.scalar(select(func.count()).where(users_table.c.name == name)):
                raise InputError(f"user {name}: exists already")
            c.execute(
                insert(users_table).values(
                    name=name,
                    roles=_text(roles),
                    password=hashed,
                    must_change=int(must_change),
                    created=now(),
                    changed=now(),
                )
            )

    def set_password(self, name: str, password: str, *, must_change: bool = False) -> None:
        """Another password. Raises InputError for an unknown user or a password that is too short."""
        self._change(name, password=self._hash(name, password), must_change=int(must_change))

    def set_roles(self, name: str, roles: frozenset[Role]) -> None:
        """Other roles. Raises InputError where nobody would be left who may add users."""
        if Role.OPERATOR not in roles:
            self._keep_an_operator(name)
        self._change(name, roles=_text(roles))

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Lock a user out, or let in again. Raises InputError where nobody would be left who may add users."""
        if disabled:
            self._keep_an_operator(name)
        self._change(name, disabled=int(disabled))

    def check(self, name: str, password: str) -> User | None:
        """The user of a right password; None for a wrong one, an unknown or a disabled user, after the same time."""
        with self._read() as c:
            row = c.execute(select(users_table).where(users_table.c.name == name)).mappings().first()
        try:
            self._hasher.verify(row["password"] if row else self._nobody, password[: LONGEST_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return None
        return None if row is None or row["disabled"] else _user(row)

    def first_run(self) -> str | None:
        """Make the first user, ``admin``, where there is none; the password, to be shown once, else None."""
        if self.users():
            return None
        password = secrets.token_urlsafe(15)
        self.add("admin", frozenset(Role), password)
        return password

    def _keep_an_operator(self, name: str) -> None:
        others = [u for u in self.users() if u.name != name and not u.disabled and Role.OPERATOR in u.roles]
        if not others:
            raise InputError(f"user {name}: is the only operator; make another one first")

    def _change(self, name: str, **values: object) -> None:
        with self._write() as c:
            mine = users_table.c.name == name
            if not c.execute(update(users_table).where(mine).values(changed=now(), **values)).rowcount:
                raise InputError(f"user {name}: there is none of this name")

    def _hash(self, name: str, password: str) -> str:
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise InputError(
                f"password: found {len(password)} characters, expected {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
            )
        if name.lower() in password.lower():
            raise InputError("password: holds the user's name; choose another")
        return self._hasher.hash(password)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not all(c.isalnum() or c in "._-@" for c in name):
        raise InputError(
            f"user {name[:LONGEST_NAME]!r}: expected 1 to {LONGEST_NAME} letters, digits and . _ - @"
        )


def _text(roles: frozenset[Role]) -> str:
    return " ".join(sorted(roles))


def _user(row: object) -> User:
    r = dict(row)  # type: ignore[call-overload]
    roles = frozenset(Role(x) for x in r["roles"].split())
    return User(r["name"], roles, bool(r["must_change"]), bool(r["disabled"]), r["changed"])
