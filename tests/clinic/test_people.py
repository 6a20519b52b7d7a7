"""Users: passwords are kept as hashes alone, and somebody who may add users is always left."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.clinic.people import Role, Users
from overread.errors import InputError

PASSWORD = "a long sentence 1"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    made = Users(tmp_path / "clinic.db")
    made.add("ann", frozenset({Role.READER, Role.OPERATOR}), PASSWORD)
    return made


def test_right_and_wrong_passwords(users: Users, tmp_path: Path) -> None:
    found = users.check("ann", PASSWORD)
    assert found is not None and found.roles == {Role.READER, Role.OPERATOR} and found.must_change
    assert users.check("ann", PASSWORD + "x") is None
    assert users.check("bob", PASSWORD) is None
    content = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert PASSWORD.encode() not in content and b"$argon2id$" in content


def test_another_password(users: Users) -> None:
    users.set_password("ann", "another sentence 2")
    assert users.check("ann", PASSWORD) is None
    found = users.check("ann", "another sentence 2")
    assert found is not None and not found.must_change


@pytest.mark.parametrize(
    ("password", "words"),
    [("short", "expected 12 to 256"), ("x" * 257, "expected 12 to 256"), ("12345 ANN 54321", "user's name")],
)
def test_passwords_that_are_none(users: Users, password: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        users.set_password("ann", password)


@pytest.mark.parametrize("name", ["", "a b", "<script>", "x" * 65, "a/b"])
def test_names_that_are_none(users: Users, name: str) -> None:
    with pytest.raises(InputError, match="letters, digits"):
        users.add(name, frozenset({Role.READER}), PASSWORD)


def test_who_is_locked_out_and_who_must_stay(users: Users) -> None:
    users.add("bob", frozenset({Role.READER}), PASSWORD)
    users.set_disabled("bob", True)
    assert users.check("bob", PASSWORD) is None
    users.set_disabled("bob", False)
    assert users.check("bob", PASSWORD) is not None
    for change in (
        lambda: users.set_disabled("ann", True),
        lambda: users.set_roles("ann", frozenset({Role.READER})),
    ):
        with pytest.raises(InputError, match="only operator"):
            change()
    with pytest.raises(InputError, match="none of this name"):
        users.set_password("eve", PASSWORD)
    with pytest.raises(InputError, match="exists already"):
        users.add("bob", frozenset({Role.READER}), PASSWORD)


def test_first_run_makes_one_user_once(tmp_path: Path) -> None:
    users = Users(tmp_path / "clinic.db")
    password = users.first_run()
    assert password is not None and users.first_run() is None
    found = users.check("admin", password)
    assert found is not None and found.must_change and found.roles == frozenset(Role)
