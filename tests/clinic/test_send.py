"""Sending and receiving over loopback, with our own user and with DCMTK's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID, CTImageStorage, ImplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, _config
from pynetdicom.dsutils import split_dataset
from tests.clinic.outside import program, run
from tests.clinic.site import CEILING_SECONDS, Archive, free_port, wait_for, write_series

from overread.clinic.outgoing import Item
from overread.clinic.send import (
    MAXIMUM_CONTEXTS,
    Answer,
    Peer,
    UnreachableError,
    _by_contexts,
    echo,
    parse_peer,
    send_files,
)
from overread.clinic.send_command import echo_command, send_command
from overread.clinic.spool import Spool
from overread.clinic.storage import start_storage
from overread.errors import InputError, OverreadError


@pytest.fixture
def pacs(archive: Archive) -> Archive:
    archive.start()
    return archive


@pytest.fixture
def peer(pacs: Archive) -> Peer:
    return Peer("PACS", "127.0.0.1", pacs.port)


def data_set_bytes(path: Path) -> bytes:
    return path.read_bytes()[split_dataset(path)[1] :]


def test_parse_peer() -> None:
    assert parse_peer("PACS@10.0.0.1:104") == Peer("PACS", "10.0.0.1", 104)
    assert parse_peer("MY PACS@pacs.example.org:11112") == Peer("MY PACS", "pacs.example.org", 11112)
    assert parse_peer("P@[::1]:104") == Peer("P", "::1", 104)


NO_PEERS = ["", "PACS", "PACS@host", "@host:104", "PACS@host:0", "PACS@host:65536", "A" * 17 + "@h:1"]


@pytest.mark.parametrize("text", NO_PEERS)
def test_parse_peer_refuses(text: str) -> None:
    with pytest.raises(InputError, match="expected AET@host:port"):
        parse_peer(text)


def test_files_arrive_as_they_were(pacs: Archive, peer: Peer, tmp_path: Path, data_dir: Path) -> None:
    files = write_series(tmp_path / "in") + sorted((data_dir / "dicom_cr_radiographs").glob("*.dcm"))
    result = send_files(files, peer, "ME")
    assert (result.failed, len(result.answers)) == ((), len(files))
    arrived = {dcmread(p, stop_before_pixels=True).SOPInstanceUID: p for p in pacs.files()}
    for path in files:
        # JPEG 2000 among them: nothing was decoded on the way.
        assert data_set_bytes(arrived[dcmread(path).SOPInstanceUID]) == data_set_bytes(path)


def test_every_kind_of_object_is_taken(pacs: Archive, peer: Peer, data_dir: Path) -> None:
    folder = data_dir / "dicom_seg_sr" / "dcmqi_sr"
    result = send_files([folder], peer, "ME")
    assert result.answers
    assert result.failed == ()


def test_folder_with_other_files(pacs: Archive, peer: Peer, tmp_path: Path) -> None:
    write_series(tmp_path / "in")
    note = tmp_path / "in" / "notes.txt"
    note.write_text("not DICOM")
    result = send_files([tmp_path / "in"], peer, "ME")
    assert result.skipped == (note,)
    assert len(pacs.files()) == 6
    with pytest.raises(InputError, match=r"notes\.txt: not a DICOM file"):
        send_files([note], peer, "ME")
    with pytest.raises(InputError, match="no such file"):
        send_files([tmp_path / "absent"], peer, "ME")


def test_truncated_file_is_named_before_anything_is_sent(pacs: Archive, peer: Peer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in")
    files[3].write_bytes(files[3].read_bytes()[:-10])
    with pytest.raises(InputError, match=rf"{files[3].name}: truncated") as caught:
        send_files([tmp_path / "in"], peer, "ME")
    assert caught.value.exit_code == 2
    assert pacs.files() == []


@pytest.mark.parametrize("rest", [b"\0", b"\n", b"\0" * 512])
def test_what_follows_a_data_set_stops_no_folder(
    pacs: Archive, peer: Peer, tmp_path: Path, rest: bytes
) -> None:
    files = write_series(tmp_path / "in")
    files[3].write_bytes(files[3].read_bytes() + rest)
    result = send_files([tmp_path / "in"], peer, "ME")
    assert (len(result.answers), result.failed) == (6, ())
    sent = {dcmread(p).SOPInstanceUID: data_set_bytes(p) for p in pacs.files()}
    assert sent[dcmread(files[3]).SOPInstanceUID] == data_set_bytes(files[3]).removesuffix(rest)


def test_the_data_sets_uids_are_those_that_are_sent(pacs: Archive, peer: Peer, tmp_path: Path) -> None:
    """Tools that change the data set alone leave other UIDs in the file meta information."""
    files = write_series(tmp_path / "in", slices=2)
    for path in files:
        ds = dcmread(path)
        ds.SOPInstanceUID, ds.SOPClassUID = f"2.25.{ds.InstanceNumber}", CTImageStorage
        ds.save_as(path, enforce_file_format=False, overwrite=True)
        meta = dcmread(path).file_meta
        assert meta.MediaStorageSOPInstanceUID != ds.SOPInstanceUID
    result = send_files([tmp_path / "in"], peer, "ME")
    assert [(a.sop, a.status) for a in result.answers] == [("2.25.1", 0), ("2.25.2", 0)]
    assert pacs.arrivals == ["2.25.1", "2.25.2"]
    kept = dcmread(pacs.files()[0])
    assert (kept.file_meta.MediaStorageSOPInstanceUID, kept.file_meta.MediaStorageSOPClassUID) == (
        "2.25.1",
        CTImageStorage,
    )


PRIVATE = ("1.3.12.2.1107.5.9.1", "1.3.46.670589.2.5.1.1", "1.2.840.10008.5.1.4.1.1.9999")


def test_storage_classes_of_makers_and_of_later_editions_are_kept(
    pacs: Archive, peer: Peer, tmp_path: Path
) -> None:
    for n, kind in enumerate(PRIVATE):
        (path,) = write_series(tmp_path / str(n), series=f"1.2.3.{n}", slices=1)
        ds = dcmread(path)
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = kind
        ds.save_as(path)
    result = send_files([tmp_path], peer, "ME")
    assert (len(result.answers), result.failed) == (3, ())
    assert {dcmread(p).SOPClassUID for p in pacs.files()} == set(PRIVATE)


def test_other_services_and_unknown_encodings_are_refused_when_they_are_proposed(
    pacs: Archive, tmp_path: Path
) -> None:
    ae = AE("ME")
    find, gems = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.113619.5.2"
    ae.add_requested_context(CTImageStorage, [gems, ImplicitVRLittleEndian])
    ae.add_requested_context(MRImageStorage, [gems])
    ae.add_requested_context(find)
    association = ae.associate("127.0.0.1", pacs.port, ae_title="PACS")
    assert association.is_established
    accepted = {(str(c.abstract_syntax), str(c.transfer_syntax[0])) for c in association.accepted_contexts}
    rejected = {(str(c.abstract_syntax), c.result) for c in association.rejected_contexts}
    association.release()
    assert accepted == {(str(CTImageStorage), str(ImplicitVRLittleEndian))}
    # Transfer syntaxes, abstract syntax not supported (PS3.8 table 9-18).
    assert rejected == {(str(MRImageStorage), 4), (find, 3)}


def test_refusal_is_an_error_with_file_and_status(
    pacs: Archive, peer: Peer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_series(tmp_path / "a")
    send_command([tmp_path / "a"], str(peer), "ME")
    assert "6 instances stored by PACS@" in capsys.readouterr().out
    changed = write_series(tmp_path / "b", PatientName="Other^Name")
    result = send_files(changed, peer, "ME")
    assert {a.status for a in result.failed} == {0xC111}
    with pytest.raises(OverreadError, match=rf"{first[0].name}: status 0xc111.*and 5 more"):
        send_command([tmp_path / "b"], str(peer), "ME")


def test_peer_that_takes_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Our own storage service takes every class, and in one process so would this one.
    monkeypatch.setattr(_config, "UNRESTRICTED_STORAGE_SERVICE", False)
    port = free_port()
    ae = AE("PACS")
    ae.add_supported_context("1.2.840.10008.5.1.4.1.1.2")
    server = ae.start_server(("127.0.0.1", port), block=False)
    assert server is not None
    try:
        result = send_files(write_series(tmp_path / "in", slices=2), Peer("PACS", "127.0.0.1", port), "ME")
    finally:
        server.shutdown()
    assert [a.status for a in result.failed] == [0x0122, 0x0122]


def test_unreachable_and_rejected(pacs: Archive, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", slices=2)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        send_files(files, Peer("PACS", "127.0.0.1", free_port()), "ME", timeout=CEILING_SECONDS)
    with pytest.raises(UnreachableError, match="rejects our association"):
        send_files(files, Peer("OTHER", "127.0.0.1", pacs.port), "ME", timeout=CEILING_SECONDS)


def test_only_known_peers(tmp_path: Path) -> None:
    port = free_port()
    spool = Spool(tmp_path / "spool")
    nothing = lambda stored, calling: None  # noqa: E731
    server = start_storage(spool, aet="N", host="127.0.0.1", port=port, on_stored=nothing, peers=["CT1"])
    try:
        assert echo(Peer("N", "127.0.0.1", port), "CT1") == 0
        # Often: the node may reject and close before our side looks whether the connection stands.
        for _ in range(40):
            with pytest.raises(UnreachableError, match="rejects"):
                echo(Peer("N", "127.0.0.1", port), "CT2")
    finally:
        server.shutdown()
    with pytest.raises(InputError, match="cannot listen"):
        start_storage(spool, aet="N", host="192.0.2.1", port=port, on_stored=nothing)


def test_more_kinds_than_one_association_holds() -> None:
    items = [Item(Path(str(n)), f"1.2.{n}", "1.2.840.10008.1.2", "1") for n in range(300)]
    groups = list(_by_contexts([*items, items[0]]))
    assert [len(g) for g in groups] == [MAXIMUM_CONTEXTS, MAXIMUM_CONTEXTS, 300 - 2 * MAXIMUM_CONTEXTS + 1]


STATUSES = [(0, True), (0xB000, True), (0xB007, True), (0xA700, False), (0xC000, False), (None, False)]


@pytest.mark.parametrize(("status", "stored"), [*STATUSES, (0x0122, False)])
def test_what_counts_as_stored(status: int | None, stored: bool) -> None:
    assert Answer(Path("x"), "1", status).stored is stored


def test_echo_command(pacs: Archive, peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    echo_command(str(peer), "ME")
    assert "answers" in capsys.readouterr().out


def test_dcmtk_speaks_to_us(pacs: Archive, peer: Peer, tmp_path: Path, data_dir: Path) -> None:
    where = ["127.0.0.1", str(pacs.port)]
    run("echoscu", "-aec", "PACS", *where)
    files = write_series(tmp_path / "in")
    run("storescu", "-aec", "PACS", *where, *files)
    lossless = data_dir / "dicom_cr_radiographs" / "RG3_J2KR.dcm"
    run("storescu", "-xv", "-aec", "PACS", *where, lossless)
    assert len(pacs.files()) == len(files) + 1
    kept = next(p for p in pacs.files() if dcmread(p).Modality == "CR")
    assert dcmread(kept).file_meta.TransferSyntaxUID == UID("1.2.840.10008.1.2.4.90")


@pytest.fixture
def dcmtk_pacs(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    folder, port = tmp_path / "dcmtk", free_port()
    folder.mkdir()
    process = subprocess.Popen([program("storescp"), "-od", str(folder), "-aet", "PACS", "+xa", str(port)])
    try:

        def up() -> bool:
            try:
                return echo(Peer("PACS", "127.0.0.1", port), "ME", timeout=CEILING_SECONDS) == 0
            except UnreachableError:
                return False

        wait_for(up)
        yield folder, port
    finally:
        process.terminate()
        process.wait(CEILING_SECONDS)


def test_we_speak_to_dcmtk(dcmtk_pacs: tuple[Path, int], tmp_path: Path) -> None:
    folder, port = dcmtk_pacs
    files = write_series(tmp_path / "in")
    assert send_files(files, Peer("PACS", "127.0.0.1", port), "ME").failed == ()
    assert len(list(folder.iterdir())) == len(files)


def test_a_stream_cut_short_is_refused_by_the_node(pacs: Archive, peer: Peer, tmp_path: Path) -> None:
    """A sender that encodes a truncated object: the association is fine, the data set is not whole."""
    path = write_series(tmp_path / "in", slices=1)[0]
    cut = tmp_path / "cut.dcm"
    shutil.copy(path, cut)
    cut.write_bytes(cut.read_bytes()[:-20])
    ae = AE("ME")
    ds = dcmread(path)
    ae.add_requested_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)
    association = ae.associate("127.0.0.1", pacs.port, ae_title="PACS")
    assert association.is_established
    status = association.send_c_store(cut)
    whole = association.send_c_store(path)
    association.release()
    assert status.Status == 0xC000
    assert "not whole" in status.ErrorComment
    # The association is as good as before.
    assert whole.Status == 0
    assert len(pacs.files()) == 1
