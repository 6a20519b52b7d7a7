"""The journal: a row is known at once, written soon, and never said to be there while rows cannot be written."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from tests.clinic.site import wait_for

from overread.clinic.keeping import journal
from overread.clinic.keeping.journal import Entry, Journal


def rows(path: Path) -> list[str]:
    with sqlite3.connect(path) as db:
        return [sop for (sop,) in db.execute("SELECT sop FROM instances ORDER BY sop")]


def test_a_row_is_known_at_once_and_on_the_disk_soon(tmp_path: Path) -> None:
    book = Journal(tmp_path / "j.db")
    for n in range(50):
        book.add(Entry(f"1.{n}", "2"))
        assert book.find(f"1.{n}") == Entry(f"1.{n}", "2")
    wait_for(lambda: len(rows(tmp_path / "j.db")) == 50)
    wait_for(lambda: not book._pending)
    assert book.find("1.7") == Entry("1.7", "2")
    book.close()


def test_what_is_removed_while_it_waits_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "GATHER_SECONDS", 0.2)
    book = Journal(tmp_path / "j.db")
    book.add(Entry("1.1", "2"))
    book.add(Entry("1.2", "2"))
    book.remove("1.1")
    assert book.find("1.1") is None
    assert [e.sop for e in book.study("2")] == ["1.2"]
    book.close()
    assert rows(tmp_path / "j.db") == ["1.2"]


def test_the_next_row_meets_the_error_of_the_last_and_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Journal(tmp_path / "j.db")
    real = book._write
    broken = threading.Event()
    broken.set()

    def write(entries: list[Entry]) -> None:
        if broken.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        real(entries)

    monkeypatch.setattr(book, "_write", write)
    book.add(Entry("1.1", "2"))
    wait_for(lambda: book._failed and not book._flushing)
    with pytest.raises(sqlite3.OperationalError):
        book.add(Entry("1.2", "2"))
    assert book.find("1.2") is None and book.find("1.1") is not None
    broken.clear()
    book.add(Entry("1.3", "2"))
    assert rows(tmp_path / "j.db") == ["1.1", "1.3"], "what waited is written with it"
    book.close()


def test_no_more_wait_than_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_PENDING", 3)
    monkeypatch.setattr(journal, "GATHER_SECONDS", 3600.0)
    book = Journal(tmp_path / "j.db")
    for n in range(10):
        book.add(Entry(f"1.{n}", "2"))
        assert len(book._pending) <= 3
    assert len(rows(tmp_path / "j.db")) >= 7
    book.close()
    assert len(rows(tmp_path / "j.db")) == 10


def test_many_threads_lose_no_row(tmp_path: Path) -> None:
    book = Journal(tmp_path / "j.db")

    def add(thread: int) -> None:
        for n in range(100):
            book.add(Entry(f"1.{thread}.{n}", "2"))

    threads = [threading.Thread(target=add, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.close()
    assert len(rows(tmp_path / "j.db")) == 600
