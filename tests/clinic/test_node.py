"""How a node starts where it cannot: one line, and nothing left behind."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError
from tests.clinic.site import Site

from overread.clinic import node
from overread.clinic.config import load_config
from overread.errors import InputError

FULL = sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("Spool", FULL),
        ("State", OperationalError("CREATE TABLE studies (...)", {"patient": "Eva"}, FULL)),
        ("fsync_folder", OSError(errno.ENOSPC, "database or disk is full")),
    ],
)
def test_a_start_on_a_full_disk_says_why_in_a_line(
    site: Site, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(node, where, fails)
        with pytest.raises(
            InputError, match=r"cannot start \(database or disk is full\); free space"
        ) as told:
            node.Node(load_config(site.yaml))
    assert "\n" not in str(told.value) and "Eva" not in str(told.value)


def test_a_start_that_fails_late_leaves_nothing_behind(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise FULL

    config = load_config(site.yaml)
    monkeypatch.setattr(node.workflow, "launch", fails)
    made = node.Node(config)
    with pytest.raises(InputError, match="database or disk is full"):
        made.start()
    # Its lock is free again.
    node.Node(config)._lock.close()
