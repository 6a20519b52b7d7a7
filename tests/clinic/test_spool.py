"""The spool: on disk before success, once, and never outside its folder."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path

import pytest
from pydicom import DataElement, dcmread
from pydicom.config import IGNORE
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pynetdicom.dsutils import encode_file_meta

from overread.clinic import spool as spool_module
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


def put(spool: Spool, data: bytes, sop: str = "1.2.3", sop_class: str = MR, version: str = "A") -> Stored:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MR, "1.2.3"
    meta.TransferSyntaxUID, meta.ImplementationClassUID = EXPLICIT, "1.2.4"
    meta.ImplementationVersionName = version
    return spool.store(b"\0" * 128 + b"DICM" + encode_file_meta(meta), data, sop_class, sop, EXPLICIT)


def everything(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


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
    real_sync, real_replace, real_folder = os.fdatasync, Path.replace, spool_module.fsync_folder
    monkeypatch.setattr(os, "fdatasync", lambda fd: (done.append("data"), real_sync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (done.append("rename"), real_replace(self, to))[1])
    monkeypatch.setattr(
        spool_module, "fsync_folder", lambda p: (done.append(f"folder {p.name}"), real_folder(p))[1]
    )
    put(spool, instance())
    assert done == ["data", "folder spool", "rename", "folder 1.2"]


def test_same_bytes_twice_is_one_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    first = put(spool, instance())
    again = put(spool, instance(), version="B")
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


@pytest.mark.parametrize("where", ["write", "sync", "rename"])
def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    spool = Spool(tmp_path / "spool")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if where == "write":
            patch.setattr(
                spool_module, "write_synced", lambda path, *parts: (path.write_bytes(b"half"), full())
            )
        elif where == "sync":
            patch.setattr(os, "fdatasync", full)
        else:
            patch.setattr(Path, "replace", full)
        stored = put(spool, instance())
    assert stored.status is Status.OUT_OF_RESOURCES
    assert stored.status == 0xA700
    assert everything(tmp_path) == []
    assert put(spool, instance()).status is Status.SUCCESS


def test_start_removes_what_was_half_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    put(spool, instance())
    (spool.incoming / "abc.part").write_bytes(b"half")
    again = Spool(tmp_path / "spool")
    assert everything(tmp_path) == [again.path("1.2", "1.2.3")]
    assert again.studies() == ["1.2"]
