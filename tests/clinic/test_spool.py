"""The spool: on disk before success, once, and never outside its folder."""

from __future__ import annotations

import errno
import os
import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydicom import DataElement, dcmread
from pydicom.config import IGNORE
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from overread.clinic.keeping import arriving as arriving_module
from overread.clinic.keeping.meta import is_whole
from overread.clinic.spool import Spool, Status, Stored, safe_uid

MR = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"


def instance(study: str = "1.2", sop: str = "1.2.3", **extra: str) -> bytes:
    ds = Dataset()
    ds.SOPClassUID, ds.SeriesInstanceUID = MR, "1.2.9"
    for keyword, uid in (("SOPInstanceUID", sop), ("StudyInstanceUID", study)):
        ds[keyword] = DataElement(keyword, "UI", uid, validation_mode=IGNORE)
    ds.PatientComments = "x" * 3000
    for keyword, value in extra.items():
        setattr(ds, keyword, value)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hostile UIDs are the point
        write_dataset(buffer, ds)
    return buffer.getvalue()


def put(spool: Spool, data: bytes, sop: str = "1.2.3", sop_class: str = MR, sender: str = "A") -> Stored:
    return spool.store(data, sop_class, sop, EXPLICIT, sender)


def everything(folder: Path) -> list[Path]:
    """Every file with content but the journal's."""
    return sorted(
        p for p in folder.rglob("*") if p.is_file() and p.stat().st_size and ".journal" not in p.name
    )


def test_stored_whole_and_readable(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    stored = put(spool, instance())
    assert stored == Stored(Status.SUCCESS, "", "1.2", "1.2.3", True)
    path = spool.path("1.2", "1.2.3")
    assert everything(tmp_path) == [path]
    assert dcmread(path).PatientComments == "x" * 3000
    assert path.read_bytes()[:132] == b"\0" * 128 + b"DICM"
    assert spool.studies() == ["1.2"]
    assert spool.instances("1.2") == ["1.2.3"]


def test_synced_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    spool = Spool(tmp_path / "spool")
    real_sync, real_replace, real_folder = os.fdatasync, os.replace, arriving_module.fsync_folder
    real_add = spool.journal.add
    monkeypatch.setattr(os, "fdatasync", lambda fd: (done.append("data"), real_sync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda path, to: (real_replace(path, to), done.append("rename"))[0])
    monkeypatch.setattr(
        arriving_module, "fsync_folder", lambda p: (done.append(f"folder {p.name}"), real_folder(p))[1]
    )
    monkeypatch.setattr(spool.journal, "add", lambda entry: (done.append("journal"), real_add(entry))[1])
    put(spool, instance())
    # The name that the content is synced under is on the disk before the content is written.
    assert done == ["folder .incoming", "data", "rename", "journal"]


def test_same_bytes_twice_is_one_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    first = put(spool, instance())
    again = put(spool, instance(), sender="B")
    assert (first.new, again.new) == (True, False)
    assert again.status is Status.SUCCESS
    assert len(everything(tmp_path)) == 1


def test_same_uid_with_other_content_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    put(spool, instance(PatientName="first"))
    stored = put(spool, instance(PatientName="second"))
    assert stored.status is Status.OTHER_CONTENT
    assert dcmread(spool.path("1.2", "1.2.3")).PatientName == "first"
    assert len(everything(tmp_path)) == 1


HOSTILE = [
    "../../etc/x",
    "/abs",
    "1.2/../../x",
    "",
    "1" * 65,
    "1.2\0003",
    "1.2\n3",
    ".",
    "..",
    "...",
    "1.2 3",
    "x",
]


@pytest.mark.parametrize("uid", HOSTILE)
def test_hostile_uids_write_nothing(tmp_path: Path, uid: str) -> None:
    spool = Spool(tmp_path / "spool")
    for data, sop in ((instance(study=uid), "1.2.3"), (instance(sop=uid), uid)):
        assert put(spool, data, sop).status in (Status.DOES_NOT_MATCH, Status.CANNOT_UNDERSTAND)
    assert everything(tmp_path) == []
    with pytest.raises(ValueError, match="not a UID"):
        safe_uid(uid)


def test_data_set_and_command_must_agree(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert put(spool, instance(sop="1.2.4")).status is Status.DOES_NOT_MATCH
    assert put(spool, instance(), sop_class="1.2.840.10008.5.1.4.1.1.2").status is Status.DOES_NOT_MATCH
    assert everything(tmp_path) == []


def test_truncated_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    stored = put(spool, instance()[:-100])
    assert stored.status is Status.CANNOT_UNDERSTAND
    assert 0xC000 <= stored.status <= 0xCFFF
    assert "not whole" in stored.comment
    assert everything(tmp_path) == []


@pytest.mark.parametrize("where", ["name", "write", "sync", "rename", "journal"])
@pytest.mark.parametrize("long", [False, True], ids=["small", "large"])
def test_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, long: bool
) -> None:
    spool = Spool(tmp_path / "spool")
    data = instance(PatientComments="x" * 3000, **({"TextValue": "y" * 3_000_000} if long else {}))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def database_full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        match where:
            case "name":
                patch.setattr(arriving_module, "fsync_folder", full)
            case "write":
                patch.setattr(os, "write", full)
            case "sync":
                patch.setattr(os, "fdatasync", full)
            case "rename":
                patch.setattr(os, "replace", full)
            case _:
                patch.setattr(spool.journal, "add", database_full)
        stored = put(spool, data)
    assert stored.status is Status.OUT_OF_RESOURCES
    assert stored.status == 0xA700
    assert everything(tmp_path) == []
    assert put(spool, data).status is Status.SUCCESS


def test_start_removes_what_was_half_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    put(spool, instance())
    (spool.incoming / "abc.part").write_bytes(b"half")
    again = Spool(tmp_path / "spool")
    assert everything(tmp_path) == [again.path("1.2", "1.2.3")]
    assert again.studies() == ["1.2"]


@pytest.mark.parametrize("long", [False, True], ids=["small", "large"])
def test_a_name_lost_with_the_machine_is_given_again(tmp_path: Path, long: bool) -> None:
    """As after a power cut in which the content had reached the disk, and the new name had not."""
    spool = Spool(tmp_path / "spool")
    data = instance(**({"TextValue": "y" * 3_000_000} if long else {}))
    put(spool, data)
    kept = spool.path("1.2", "1.2.3")
    content = kept.read_bytes()
    kept.rename(spool.incoming / "1.part")
    kept.parent.rmdir()
    again = Spool(tmp_path / "spool")
    assert everything(tmp_path) == [kept]
    assert kept.read_bytes() == content
    assert again.journal.find("1.2.3") is not None
    assert put(again, data) == Stored(Status.SUCCESS, "", "1.2", "1.2.3", False)


@pytest.mark.parametrize("row", ["row written", "row lost"])
@pytest.mark.parametrize("damage", ["cut at an element", "a block of zeros", "never marked"])
def test_what_was_not_whole_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, row: str
) -> None:
    """A data set that ends where an element does, or whose last block never came, was acknowledged to nobody."""
    spool = Spool(tmp_path / "spool")
    if row == "row lost":
        monkeypatch.setattr(spool.journal, "add", lambda _: None)
    put(spool, instance())
    # A machine that stopped writes nothing more: what waits in memory reached the disk before, or never does.
    spool.journal.close()
    kept = spool.path("1.2", "1.2.3")
    content = bytearray(kept.read_bytes())
    at = len(content) - 3008  # PatientComments, the last element: 8 bytes of head
    if damage == "cut at an element":
        del content[at:]
    elif damage == "a block of zeros":
        content[-512:] = bytes(512)
    else:
        content[content.index(b"OB", 200) + 6 :][:12] = bytes(12)
        mark = len(content) - len(instance()) - 12
        content[mark : mark + 12] = bytes(12)
    (spool.incoming / "1.part").write_bytes(content)
    kept.unlink()
    again = Spool(tmp_path / "spool")
    assert everything(tmp_path) == []
    assert again.journal.find("1.2.3") is None


def test_same_instance_in_another_study_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    put(spool, instance(study="1.2"))
    for other in (spool, Spool(tmp_path / "spool")):
        stored = put(other, instance(study="1.3"))
        assert (stored.status, stored.comment) == (
            Status.OTHER_CONTENT,
            "this SOP instance is already here in another study",
        )
    assert everything(tmp_path) == [spool.path("1.2", "1.2.3")]
    spool.remove("1.2")
    assert everything(tmp_path) == []
    assert put(spool, instance(study="1.3")).new


def test_a_study_whose_removal_was_cut_off_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of it would be answered as if it were the study."""
    spool = Spool(tmp_path / "spool")
    for sop in ("1.2.3", "1.2.4", "1.2.5"):
        assert put(spool, instance(sop=sop), sop).new
    calls, unlink = [0], os.unlink

    def killed(*arguments: Any, **named: Any) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        unlink(*arguments, **named)

    with monkeypatch.context() as m:
        m.setattr(os, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            spool.remove("1.2")
    again = Spool(tmp_path / "spool")
    assert (again.studies(), everything(tmp_path)) == ([], [])
    assert put(again, instance(study="1.3")).new, "its UIDs are free"


def test_nothing_is_removed_that_nobody_has_seen(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    put(spool, instance())
    seen = spool.instances("1.2")
    put(spool, instance(sop="1.2.4"), "1.2.4")
    assert not spool.remove("1.2", seen)
    assert spool.instances("1.2") == ["1.2.3", "1.2.4"]
    assert spool.remove("1.2", ["1.2.4", "1.2.3"]) and spool.studies() == []
    assert spool.remove("1.2", []) and spool.journal.find("1.2.3") is None


def test_a_journal_that_is_lost_or_broken_is_made_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    put(spool, instance(), sender="CT1")
    known = spool.entry("1.2.3")
    assert known is not None
    assert (known.study, known.series, known.sop_class, known.sender) == ("1.2", "1.2.9", MR, "CT1")
    spool.journal.close()
    for content in (None, b"no database" * 500):
        for path in (tmp_path / "spool").glob(".journal.db*"):
            path.unlink()
        if content is not None:
            (tmp_path / "spool" / ".journal.db").write_bytes(content)
        again = Spool(tmp_path / "spool")
        found = again.entry("1.2.3")
        assert found is not None
        assert (found.study, found.sop_class, found.transfer_syntax, found.sender) == (
            "1.2",
            MR,
            EXPLICIT,
            "CT1",
        )
        again.journal.close()


def test_the_same_instance_in_many_threads_is_kept_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with ThreadPoolExecutor(8) as pool:
        all_stored = list(pool.map(lambda _: put(spool, instance()), range(32)))
    assert {s.status for s in all_stored} == {Status.SUCCESS}
    assert sum(s.new for s in all_stored) == 1
    assert len(everything(tmp_path)) == 1


def test_an_object_larger_than_memory_for_it_is_kept_byte_by_byte(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    data = instance(TextValue="y" * 3_000_000)
    arriving = spool.begin(MR, "1.2.3", EXPLICIT)
    for at in range(0, len(data), 100_000):
        arriving.write(data[at : at + 100_000])
    assert arriving.beginning() is None
    assert spool.keep(arriving).new
    kept = spool.path("1.2", "1.2.3")
    assert kept.read_bytes().endswith(data)
    assert is_whole(kept) is not None
    assert dcmread(kept).TextValue == "y" * 3_000_000
