"""The receiving side against other implementations, and its contract with a sender."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE, build_context
from tests.clinic.receive.raw import (
    ABORT,
    ACCEPT,
    DATA,
    ECHO_ID,
    EXPLICIT,
    IMPLICIT,
    MR,
    REJECT,
    STORE_ID,
    VERIFICATION,
    Peer,
    context,
    data_set,
    node,
    pdu,
    store_command,
    store_request,
    value,
)
from tests.clinic.site import CEILING_SECONDS, wait_for, write_series

from overread.clinic.keeping import arriving as arriving_module
from overread.clinic.receive import server as server_module

NODELAY = [{}, {"TCP_NODELAY": "1"}]


def dcmtk(name: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run(
        [name, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=CEILING_SECONDS,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("environment", NODELAY, ids=["nagle", "nodelay"])
@pytest.mark.parametrize("program", ["storescu", "dcmsend"])
def test_dcmtk_sends(tmp_path: Path, program: str, environment: dict[str, str]) -> None:
    files = write_series(tmp_path / "in")
    with node(tmp_path) as here:
        assert dcmtk("echoscu", "-aec", "NODE", "127.0.0.1", here.port, **environment).returncode == 0
        sent = dcmtk(program, "-aec", "NODE", "127.0.0.1", here.port, *files, **environment)
        assert sent.returncode == 0, sent.stderr
        assert [p.name for p in here.files()] == sorted(f.name for f in files)
        for kept, file in zip(here.files(), files, strict=True):
            assert dcmread(kept) == dcmread(file)
        wait_for(here.nothing_left)
        assert here.released == [("ECHOSCU", frozenset()), (program.upper(), frozenset({"1.2.3"}))]


@pytest.mark.parametrize("options", [["--abort"], ["-pdu", "4096"], ["+rn"], ["-xi"]], ids=str)
def test_dcmtk_in_other_ways(tmp_path: Path, options: list[str]) -> None:
    files = write_series(tmp_path / "in", slices=2)
    with node(tmp_path) as here:
        dcmtk("storescu", *options, "-aec", "NODE", "127.0.0.1", here.port, *files)
        assert len(here.files()) == 2
        here.works("127.0.0.2")


def test_pynetdicom_sends_a_long_object_in_small_pieces(tmp_path: Path) -> None:
    [file] = write_series(tmp_path / "in", slices=1)
    ds = dcmread(file)
    ds.TextValue = "y" * 3_000_000
    ae = AE("ME")
    ae.add_requested_context(MR, EXPLICIT)
    with node(tmp_path) as here:
        association = ae.associate("127.0.0.1", here.port, ae_title="NODE")
        assert association.is_established
        assert association.send_c_store(ds).Status == 0
        association.release()
        [kept] = here.files()
        assert dcmread(kept) == ds
        wait_for(lambda: here.released == [("ME", frozenset({"1.2.3"}))])


def test_contexts_are_answered_as_pynetdicom_reads_them(tmp_path: Path) -> None:
    """Storage of every kind is taken, also private and unknown ones; other services and unknown syntaxes are not."""
    find, private, later = "1.2.840.10008.5.1.4.1.2.2.1", "1.3.6.1.4.1.9999.1", "1.2.840.10008.5.1.4.1.1.999"
    wanted = [
        (VERIFICATION, [IMPLICIT], 0),
        (MR, [IMPLICIT, EXPLICIT], 0),
        (private, ["1.2.840.10008.1.2.4.90"], 0),
        (later, ["1.2.3.4", IMPLICIT], 0),
        (find, [IMPLICIT], 3),
        ("1.2.840.10008.1.20.1", [IMPLICIT], 3),
        (MR, ["1.2.3.4"], 4),
        (VERIFICATION, ["1.2.3.4"], 4),
    ]
    with node(tmp_path) as here:
        ae = AE("ME")
        ae.requested_contexts = [build_context(a, t) for a, t, _ in wanted]
        association = ae.associate("127.0.0.1", here.port, ae_title="NODE")
        assert association.is_established
        answered = association.acceptor.primitive.presentation_context_definition_results_list
        assert [c.result for c in sorted(answered, key=lambda c: c.context_id)] == [r for *_, r in wanted]
        accepted = {c.context_id: str(c.transfer_syntax[0]) for c in association.accepted_contexts}
        assert accepted[3] == EXPLICIT
        assert accepted[7] == IMPLICIT
        association.release()


def test_128_contexts_and_no_more(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        peer = Peer(here.port)
        many = [context(2 * i + 1, f"1.2.3.{i}", EXPLICIT, IMPLICIT) for i in range(128)]
        kind, body = peer.associate(*many)
        assert kind == ACCEPT
        assert body.count(b"\x21\x00") >= 128
        peer.release()
        peer = Peer(here.port)
        kind, body = peer.associate(*many, context(1, "1.2.4", EXPLICIT))
        assert (kind, body) == (ABORT, bytes((0, 0, 2, 6)))
        here.works()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"called": b"OTHER"}, (1, 1, 7)),
        ({"called": b"\x1b[31m\0\xff"}, (1, 1, 7)),
        ({"calling": b"STRANGER"}, (1, 1, 3)),
        ({"version": 2}, (1, 2, 2)),
        ({"application": b"1.2.3"}, (1, 1, 2)),
    ],
    ids=str,
)
def test_who_is_rejected_and_how(tmp_path: Path, changes: dict[str, object], told: tuple[int, ...]) -> None:
    with node(tmp_path, titles=["ME"]) as here:
        peer = Peer(here.port)
        assert peer.associate(**changes) == (REJECT, bytes((0, *told)))
        assert peer.until_gone() == []
        here.works()


def test_peers_by_address_and_service(tmp_path: Path) -> None:
    rows = [
        {"aet": "CT1", "addresses": ["127.0.0.5", "127.0.1.0/24"]},
        {"aet": "CHECK", "services": ["echo"]},
        {"aet": "SAFE", "tls": True},
    ]
    with node(tmp_path, peers=rows) as here:
        for title, address, kind in (
            (b"CT1", "127.0.0.5", ACCEPT),
            (b"CT1", "127.0.1.77", ACCEPT),
            (b"CT1", "127.0.0.6", REJECT),
            (b"CHECK", "127.0.0.6", ACCEPT),
            (b"SAFE", "127.0.0.5", REJECT),
            (b"ME", "127.0.0.5", REJECT),
        ):
            peer = Peer(here.port, address=address)
            assert peer.associate(calling=title)[0] == kind
            peer.close()
        peer = Peer(here.port)
        peer.associate(calling=b"CHECK")
        assert peer.echo() == 0
        assert peer.store(data_set()) == 0x0124
        assert here.files() == []
        peer.release()


REFUSED = [
    ("SOP Instance UID empty", store_command(""), 0x0117),
    ("SOP Instance UID missing", store_command(None), 0x0117),
    ("SOP Instance UID of 66 characters", store_command("1" * 66), 0x0117),
    ("SOP Instance UID is a path", store_command("../../x"), 0x0117),
    ("SOP Instance UID of another data set", store_command("1.2.3.9"), 0xA900),
    ("SOP Class UID missing", store_command(sop_class=None), 0x0122),
    ("SOP Class UID of another data set", store_command(sop_class="1.2.840.10008.5.1.4.1.1.2"), 0xA900),
    ("cut inside the last element", store_command()[:-3], 0x0212),
    ("message identifier of 4 bytes", store_command(message=b"\1\0\0\0"), 0x0212),
    ("command not known", store_command(field=0x0042), 0x0211),
    ("C-FIND on a storage context", store_command(field=0x0020), 0x0211),
]


@pytest.mark.parametrize(("what", "command", "status"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_cannot_be_stored_is_answered_and_the_association_goes_on(
    tmp_path: Path, what: str, command: bytes, status: int
) -> None:
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        peer.say(pdu(DATA, value(STORE_ID, command, command=True)))
        peer.say(pdu(DATA, value(STORE_ID, data_set(), command=False)))
        assert peer.status()[0] == status
        assert here.files() == []
        assert peer.store(data_set(), message=7) == 0
        peer.release()
        wait_for(here.nothing_left)


def test_c_store_without_a_data_set_and_on_the_wrong_context(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        peer.say(pdu(DATA, value(STORE_ID, store_command(data=0x0101), command=True)))
        assert peer.status()[0] == 0xC000
        assert peer.store(data_set(), number=ECHO_ID) == 0x0122
        peer.say(pdu(DATA, value(STORE_ID, store_command(field=0x0030, data=0x0101), command=True)))
        assert peer.status()[0] == 0x0122
        peer.release()


def test_command_and_data_in_every_kind_of_piece(tmp_path: Path) -> None:
    """Fragments of one byte, several values in one PDU, two messages in one segment (PS3.8 annex E.2)."""
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        whole, data = store_command(), data_set()
        pieces = [
            value(STORE_ID, whole[i : i + 1], command=True, last=i + 1 == len(whole))
            for i in range(len(whole))
        ]
        pieces += [
            value(STORE_ID, data[i : i + 7], command=False, last=i + 7 >= len(data))
            for i in range(0, len(data), 7)
        ]
        peer.say(pdu(DATA, b"".join(pieces)))
        assert peer.status() == (0, 2)
        peer.say(
            store_request(data_set("1.2.3.2"), "1.2.3.2", 8)
            + store_request(data_set("1.2.3.3"), "1.2.3.3", 9)
        )
        assert (peer.status(), peer.status()) == ((0, 8), (0, 9))
        peer.say(pdu(DATA, value(STORE_ID, store_command("1.2.3.4", 10), command=True)))
        last = data_set("1.2.3.4")
        peer.say(pdu(DATA, value(STORE_ID, last, command=False, last=False)))
        peer.say(pdu(DATA, value(STORE_ID, b"", command=False)))
        assert peer.status() == (0, 10)
        assert len(here.files()) == 4
        peer.release()


def test_answers_keep_to_the_longest_pdu_of_the_peer(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate(longest=70)
        peer.say(pdu(DATA, value(STORE_ID, store_command("1.2.3.9"), command=True)))
        peer.say(pdu(DATA, value(STORE_ID, data_set(), command=False)))
        parts = []
        while not parts or not parts[-1][5] & 2:
            kind, body = peer.hear()
            assert kind == DATA
            assert len(body) <= 70
            parts.append(body)
        assert len(parts) > 1


def test_a_full_disk_is_a700_for_the_whole_object_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        data = data_set(TextValue="y" * 3_000_000)
        with monkeypatch.context() as patch:
            patch.setattr(arriving_module.os, "write", full)
            assert peer.store(data) == 0xA700
            assert here.server.trouble() == "disk full"
        assert peer.store(data) == 0
        assert here.server.trouble() == ""
        peer.release()
        wait_for(here.nothing_left)


def test_the_last_of_the_disk_is_kept_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with node(tmp_path, least_free_bytes=1) as here:
        peer = Peer(here.port)
        peer.associate()
        assert peer.store(data_set()) == 0
        here.server._least_free = 1 << 62
        assert "disk full" in here.server.trouble()
        assert peer.store(data_set("1.2.3.2"), "1.2.3.2") == 0xA700
        assert peer.echo() == 0
        peer.release()


def test_an_association_that_goes_on_for_hours_holds_no_study_that_it_has_done_with(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        data = data_set(TextValue="y" * 100_000)
        peer.say(store_request(data)[:60_000])
        wait_for(lambda: here.server.arriving() == {"1.2.3"})
        ((conversation, _),) = here.server._running.values()
        conversation.studies["1.2.3"] -= 3600
        assert here.server.arriving() == {"1.2.3"}, "however long an object takes"
        peer.say(store_request(data)[60_000:])
        assert peer.status()[0] == 0
        assert here.server.arriving() == {"1.2.3"}
        conversation.studies["1.2.3"] -= here.server.settings.idle_seconds + 1
        assert peer.echo() == 0
        assert here.server.arriving() == frozenset()
        peer.release()
        wait_for(lambda: bool(here.released))
        assert here.released == [("ME", frozenset({"1.2.3"}))]


def test_studies_on_their_way_are_told_until_the_association_ends(tmp_path: Path) -> None:
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        data = data_set(TextValue="y" * 100_000)
        peer.say(store_request(data)[:60_000])
        wait_for(lambda: here.server.arriving() == {"1.2.3"})
        peer.say(store_request(data)[60_000:])
        assert peer.status()[0] == 0
        assert here.server.arriving() == {"1.2.3"}
        assert here.released == []
        peer.release()
        wait_for(lambda: here.server.arriving() == frozenset())
        assert here.released == [("ME", frozenset({"1.2.3"}))]
        lost = Peer(here.port)
        lost.associate()
        lost.say(store_request(data_set("1.2.3.7"), "1.2.3.7")[:300])
        lost.close()
        wait_for(here.nothing_left)
        assert len(here.released) == 1


def test_stop_lets_the_object_in_hand_be_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "QUIET_SECONDS", 0.05)
    with node(tmp_path) as here:
        busy, idle = Peer(here.port), Peer(here.port)
        for peer in (busy, idle):
            peer.associate()
        whole = store_request(data_set())
        busy.say(whole[:-10])
        wait_for(lambda: any(not c.between for c, _ in here.server._running.values()))
        stopping = threading.Thread(target=here.server.shutdown, args=(CEILING_SECONDS,))
        stopping.start()
        # Whoever is between two instances is sent away, whoever is in one may finish it.
        assert idle.until_gone() == [(ABORT, bytes((0, 0, 2, 0)))]
        with pytest.raises(OSError):
            Peer(here.port)
        wait_for(lambda: here.server.associations() == 1)
        busy.say(whole[-10:])
        assert busy.status()[0] == 0
        assert busy.until_gone() == [(ABORT, bytes((0, 0, 2, 0)))]
        stopping.join(CEILING_SECONDS)
        assert not stopping.is_alive()
        assert len(here.files()) == 1


def test_memory_stays_flat_over_many_objects(tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    data = data_set(TextValue="y" * 200_000)
    with node(tmp_path) as here:
        peer = Peer(here.port)
        peer.associate()
        for _ in range(20):
            assert peer.store(data) == 0
        before = resident()
        for _ in range(300):
            assert peer.store(data) == 0
        # 60 MB have passed.
        assert resident() - before < 16 << 20
        peer.release()


def handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_health_check_costs_nothing_that_lasts(tmp_path: Path) -> None:
    """Connections that open and close leave no thread, no association and no handle."""
    with node(tmp_path, maximum_associations=2) as here:
        before, threads = handles(), threading.active_count()
        for _ in range(200):
            Peer(here.port).close()
        here.works()
        wait_for(lambda: handles() <= before and not len(here.server._lobby))
        wait_for(lambda: threading.active_count() <= threads)
