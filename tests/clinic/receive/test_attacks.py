"""What a hostile or broken peer may send: a bounded cost, an answer as the standard has it, and the next one served."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clinic.receive.raw import (
    ABORT,
    ACCEPT,
    DATA,
    DEFLATED,
    ECHO_ID,
    EXPLICIT,
    MR,
    REQUEST,
    STORE_ID,
    GoneError,
    Node,
    Peer,
    context,
    data_set,
    echo_request,
    item,
    node,
    pdu,
    request,
    store_command,
    store_request,
    value,
)
from tests.clinic.site import wait_for

from overread.clinic import encoded as encoded_module
from overread.clinic.receive import server as server_module

OTHER = "127.0.0.9"
UNRECOGNIZED, UNEXPECTED, UNEXPECTED_PARAMETER, INVALID = 1, 2, 5, 6


def aborted(reason: int) -> list[tuple[int, bytes]]:
    return [(ABORT, bytes((0, 0, 2, reason)))]


BEFORE = [
    ("a length of 4 GiB", pdu(REQUEST, b"", 0xFFFFFFFF), INVALID),
    ("a length of 400 MiB of data", pdu(DATA, b"", 400 << 20), INVALID),
    ("an empty request", pdu(REQUEST, b""), INVALID),
    ("a type that is none", pdu(0x2A, b"abcd"), UNRECOGNIZED),
    ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNRECOGNIZED),
    ("data before an association", echo_request(), UNEXPECTED),
    ("release before an association", pdu(5, bytes(4)), UNEXPECTED),
    ("an item beyond the end", request()[:-2] + b"", None),
    ("a context with an even identifier", request(context(2, MR, EXPLICIT)), INVALID),
    ("a context twice", request(context(1, MR, EXPLICIT), context(1, MR, EXPLICIT)), INVALID),
    ("a context without syntaxes", request(item(0x20, bytes((1, 0, 0, 0)))), INVALID),
    ("no context", request(item(0x99, b"")), INVALID),
    ("an item that runs beyond the request", pdu(REQUEST, request()[6:-40] + b"\x50\0\xff\xff"), INVALID),
]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path) as made:
        yield made


@pytest.mark.parametrize(("what", "data", "reason"), BEFORE, ids=[b[0] for b in BEFORE])
def test_before_an_association(here: Node, what: str, data: bytes, reason: int | None) -> None:
    peer = Peer(here.port)
    peer.say(data)
    if reason is not None:
        assert peer.until_gone() == aborted(reason)
    peer.close()
    here.works()
    wait_for(lambda: here.nothing_left() and not len(here.server._lobby))


WITHIN = [
    ("a PDU longer than offered", pdu(DATA, b"", (256 << 10) + 1), INVALID),
    ("a PDU of 4 GiB", pdu(DATA, b"", 0xFFFFFFFF), INVALID),
    ("data without a value", pdu(DATA, b""), INVALID),
    ("a value longer than its PDU", pdu(DATA, value(ECHO_ID, b"xx", command=True, length=90)), INVALID),
    ("a value of one byte", pdu(DATA, value(ECHO_ID, b"", command=True, length=1)), INVALID),
    ("a PDU that ends in the head of a value", pdu(DATA, b"\0\0\0"), INVALID),
    ("a context never agreed", pdu(DATA, value(99, store_command(), command=True)), INVALID),
    ("a data set without a command", pdu(DATA, value(STORE_ID, b"xx", command=False)), UNEXPECTED_PARAMETER),
    ("a second request", request(), UNEXPECTED),
    ("a type that is none", pdu(0x2A, b""), UNRECOGNIZED),
    ("a command set without a command", pdu(DATA, value(ECHO_ID, b"xx", command=True)), 0),
    ("an empty part of a command", pdu(DATA, value(ECHO_ID, b"", command=True, last=False)), INVALID),
    (
        "a command set without an end",
        b"".join(pdu(DATA, value(ECHO_ID, bytes(16000), command=True, last=False)) for _ in range(2)),
        INVALID,
    ),
    (
        "a command within a data set",
        pdu(DATA, value(STORE_ID, store_command(), command=True) * 2),
        UNEXPECTED_PARAMETER,
    ),
    (
        "a data set on another context than its command",
        pdu(DATA, value(STORE_ID, store_command(), command=True) + value(ECHO_ID, b"xx", command=False)),
        INVALID,
    ),
    (
        "an empty part of a data set",
        pdu(
            DATA,
            value(STORE_ID, store_command(), command=True) + value(STORE_ID, b"", command=False, last=False),
        ),
        INVALID,
    ),
]


@pytest.mark.parametrize(("what", "data", "reason"), WITHIN, ids=[w[0] for w in WITHIN])
def test_within_an_association(here: Node, what: str, data: bytes, reason: int) -> None:
    peer = Peer(here.port)
    peer.associate()
    peer.say(data)
    assert peer.until_gone() == aborted(reason)
    here.works()
    wait_for(here.nothing_left)
    assert len(here.files()) == 1


@pytest.mark.parametrize("how", ["closed", "reset", "released", "aborted"])
def test_an_association_that_ends_inside_an_object(here: Node, how: str) -> None:
    peer = Peer(here.port)
    peer.associate()
    peer.say(store_request(data_set(TextValue="y" * 3_000_000))[:-100_000])
    if how == "reset":
        peer.socket.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: RST instead of FIN
    elif how == "released":
        peer.say(pdu(5, bytes(4)))
    elif how == "aborted":
        peer.say(pdu(7, bytes(4)))
    peer.close()
    here.works()
    wait_for(here.nothing_left)
    assert len(here.files()) == 1


def test_an_object_without_an_end(tmp_path: Path) -> None:
    with node(tmp_path, maximum_object_mb=1) as here:
        peer = Peer(here.port)
        peer.associate()
        peer.say(pdu(DATA, value(STORE_ID, store_command(), command=True)))
        piece = pdu(DATA, value(STORE_ID, bytes(100_000), command=False, last=False))
        with pytest.raises(GoneError):
            for _ in itertools.count():
                peer.say(piece)
        here.works()
        wait_for(here.nothing_left)


def deflated(plain: bytes, *, end: bool = True) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush(zlib.Z_FINISH if end else zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("end", [True, False], ids=["whole", "endless"])
def test_a_deflated_object_that_no_reader_would_unpack(
    here: Node, monkeypatch: pytest.MonkeyPatch, end: bool
) -> None:
    monkeypatch.setattr(encoded_module, "INFLATE_LIMIT", 8 << 20)
    monkeypatch.setattr(encoded_module, "INFLATE_STEP", 1 << 16)
    plain = data_set(TextValue="y" * (9 << 20))
    peer = Peer(here.port)
    peer.associate(context(1, MR, DEFLATED))
    assert peer.store(deflated(plain, end=end), number=1) == 0xC000
    assert peer.store(deflated(data_set(TextValue="y" * (7 << 20))), number=1) == 0
    assert peer.store(deflated(data_set("1.2.3.2")) + b"\0", "1.2.3.2", number=1) == 0
    assert peer.store(b"no deflated data", "1.2.3.3", number=1) == 0xC000
    peer.release()
    wait_for(here.nothing_left)
    assert len(here.files()) == 2


def nested(depth: int) -> bytes:
    return (
        data_set()
        + (
            struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
            + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
        )
        * depth
    )


HOSTILE = [
    ("nested 10,000 times", nested(10_000), 0xC000),
    (
        "an element beyond the end",
        data_set() + struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OW", 0, 0xFFFFFFF0),
        0xC000,
    ),
    (
        "undefined length without a delimiter",
        data_set() + struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OW", 0, 0xFFFFFFFF),
        0xC000,
    ),
    ("only noise", bytes(range(256)) * 8, 0xC000),
    ("only zeros", bytes(4096), 0xA900),
    ("empty", b"", 0xA900),
    ("no pixels", data_set(), 0x0000),
    ("rows of 65535 and as many frames", data_set(Rows=65535, Columns=65535, NumberOfFrames="65535"), 0x0000),
    ("a script as a name", data_set(PatientName="<script>alert(1)</script>"), 0x0000),
    ("a study that is a path", data_set(study="1.2").replace(b"1.2\0", b"../x"), 0xA900),
]


@pytest.mark.parametrize(("what", "data", "status"), HOSTILE, ids=[h[0] for h in HOSTILE])
def test_data_sets(here: Node, what: str, data: bytes, status: int) -> None:
    peer = Peer(here.port)
    peer.associate()
    peer.say(pdu(DATA, value(STORE_ID, store_command(), command=True)))
    for at in range(0, max(len(data), 1), 100_000):
        piece = data[at : at + 100_000]
        peer.say(pdu(DATA, value(STORE_ID, piece, command=False, last=at + 100_000 >= len(data))))
    assert peer.status()[0] == status
    assert peer.echo() == 0
    peer.release()
    assert len(here.files()) == (status == 0)
    assert all(p.is_relative_to(here.spool.folder) for p in here.files())
    wait_for(here.nothing_left)


def test_more_elements_than_any_object_has(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_module, "MAX_ELEMENTS", 1000)
    peer = Peer(here.port)
    peer.associate()
    many = b"".join(struct.pack("<HH2sH", 0x0021, n, b"LO", 0) for n in range(0x1000, 0x1400))
    assert peer.store(data_set() + many) == 0xC000
    peer.release()


def test_the_same_instance_on_two_associations_at_once(here: Node) -> None:
    first, second = Peer(here.port), Peer(here.port)
    whole, other = store_request(data_set()), store_request(data_set(PatientID="P2"))
    for peer in (first, second):
        peer.associate()
    first.say(whole[:-5])
    second.say(other)
    assert second.status()[0] == 0
    first.say(whole[-5:])
    assert first.status()[0] == 0xC111
    assert len(here.files()) == 1


# Floods: whatever one address does, another is served. What the other waits for has no time limit here but the
# ceiling of all tests; a node that had to wait for the flood's own time limits would meet it.

LONG = 3600.0


def flood(kind: str, port: int) -> list[Peer]:
    peers = []
    for _ in range(60):
        try:
            peer = Peer(port)
            if kind == "opened and closed":
                peer.close()
                continue
            if kind == "one byte of a request":
                peer.say(b"\1")
            elif kind == "garbage":
                peer.say(b"\xff" * 100)
            elif kind == "associated and silent":
                peer.say(request())
            elif kind == "gone inside a PDU":
                peer.say(request() + store_request(data_set())[:200])
            elif kind == "one byte of an object":
                peer.say(request() + pdu(DATA, value(STORE_ID, store_command(), command=True)))
            peers.append(peer)
        except GoneError:
            pass
    return peers


KINDS = [
    "held",
    "opened and closed",
    "one byte of a request",
    "garbage",
    "associated and silent",
    "gone inside a PDU",
    "one byte of an object",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_from_one_address_leaves_room_for_another(tmp_path: Path, kind: str) -> None:
    seconds = {"request_seconds": LONG, "idle_seconds": LONG, "pdu_seconds": LONG}
    with node(tmp_path, maximum_associations=8, maximum_connections=16, **seconds) as here:
        peers = flood(kind, here.port)
        for n in range(3):
            here.works(OTHER, sop=f"1.9.{n}")
        for peer in peers:
            peer.close()
        wait_for(lambda: not here.server.associations())
        here.works("127.0.0.1", sop="1.9.8")


def test_a_flood_from_many_addresses_gives_way_to_a_newcomer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "STILL_SECONDS", 0.0)
    with node(tmp_path, maximum_associations=6, idle_seconds=LONG, pdu_seconds=LONG) as here:
        held = [Peer(here.port, address=f"127.0.0.{n}") for n in (2, 2, 2, 3, 3, 3)]
        assert {peer.associate()[0] for peer in held} == {ACCEPT}
        assert here.server.associations() == 6
        here.works(OTHER)


@pytest.mark.parametrize("where", ["request", "between", "object"])
def test_whoever_says_nothing_is_let_go(tmp_path: Path, where: str) -> None:
    with node(tmp_path, request_seconds=0.2, idle_seconds=0.2) as here:
        peer = Peer(here.port)
        if where != "request":
            peer.associate()
        if where == "object":
            peer.say(store_request(data_set())[:200])
        assert peer.until_gone() == ([] if where == "request" else aborted(0))
        wait_for(here.nothing_left)


def test_whoever_drips_is_let_go(tmp_path: Path) -> None:
    """A byte comes before every time limit of silence; the time of one PDU has an end of its own."""
    with node(tmp_path, idle_seconds=LONG, pdu_seconds=0.2) as here:
        peer = Peer(here.port)
        peer.associate()
        peer.say(store_request(data_set())[:200])
        peer.socket.settimeout(0.02)
        with pytest.raises(GoneError):
            while True:
                peer.say(b"\0")
                try:
                    peer.hear()
                except TimeoutError:
                    continue
        wait_for(here.nothing_left)
