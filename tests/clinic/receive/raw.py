"""A DICOM peer made of bytes, so that it can say what no library would."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from tests.clinic.site import CEILING_SECONDS

from overread.clinic.receive.server import Server
from overread.clinic.receive.settings import Receive
from overread.clinic.spool import Spool, Stored

VERIFICATION, MR = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.4"
IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
ECHO_ID, STORE_ID = 1, 3
REQUEST, ACCEPT, REJECT, DATA, RELEASE, RELEASED, ABORT = range(1, 8)


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BxL", kind, len(body) if length is None else length) + body


def context(number: int, abstract: str, *transfer: str) -> bytes:
    return item(
        0x20,
        bytes((number, 0, 0, 0))
        + item(0x30, abstract.encode())
        + b"".join(item(0x40, t.encode()) for t in transfer),
    )


DEFAULT = (context(ECHO_ID, VERIFICATION, IMPLICIT), context(STORE_ID, MR, EXPLICIT))


def request(
    *contexts: bytes,
    called: bytes = b"NODE",
    calling: bytes = b"ME",
    version: int = 1,
    application: bytes = b"1.2.840.10008.3.1.1.1",
    longest: int = 16384,
) -> bytes:
    """A whole A-ASSOCIATE-RQ."""
    user = item(0x51, struct.pack(">L", longest)) + item(0x52, b"1.2.3")
    return pdu(
        REQUEST,
        struct.pack(">HH", version, 0)
        + called.ljust(16)[:16]
        + calling.ljust(16)[:16]
        + bytes(32)
        + item(0x10, application)
        + b"".join(contexts or DEFAULT)
        + item(0x50, user),
    )


def value(number: int, data: bytes, *, command: bool, last: bool = True, length: int | None = None) -> bytes:
    size = len(data) + 2 if length is None else length
    return struct.pack(">LBB", size, number, command | last << 1) + data


def element(number: int, content: bytes | int | str) -> bytes:
    if isinstance(content, int):
        content = content.to_bytes(2, "little")
    if isinstance(content, str):
        content = content.encode() + b"\0" * (len(content) % 2)
    return struct.pack("<HHL", 0, number, len(content)) + content


def command(**values: Any) -> bytes:
    """A command set; keywords are `field`, `message`, `sop_class`, `sop`, `data`."""
    parts = []
    for name, number in (
        ("sop_class", 0x0002),
        ("field", 0x0100),
        ("message", 0x0110),
        ("priority", 0x0700),
        ("data", 0x0800),
        ("sop", 0x1000),
    ):
        if values.get(name) is not None:
            parts.append(element(number, values[name]))
    body = b"".join(parts)
    return element(0, struct.pack("<L", len(body))) + body


def echo_request(message: int = 1) -> bytes:
    whole = command(field=0x0030, message=message, sop_class=VERIFICATION, data=0x0101)
    return pdu(DATA, value(ECHO_ID, whole, command=True))


def store_command(sop: str | None = "1.2.3.1", message: int = 2, **changes: Any) -> bytes:
    values = {"field": 1, "message": message, "priority": 0, "sop_class": MR, "sop": sop, "data": 1}
    return command(**{**values, **changes})


def store_request(
    data: bytes, sop: str = "1.2.3.1", message: int = 2, *, number: int = STORE_ID, step: int = 16000
) -> bytes:
    out = pdu(DATA, value(number, store_command(sop, message), command=True))
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        out += pdu(DATA, value(number, piece, command=False, last=at + step >= len(data)))
    return out


def data_set(sop: str = "1.2.3.1", study: str = "1.2.3", **values: Any) -> bytes:
    """A small MR instance, explicit VR little endian."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = MR, sop
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientID, ds.Modality = study, f"{study}.1", "P1", "MR"
    for keyword, content in values.items():
        setattr(ds, keyword, content)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, ds)
    return buffer.getvalue()


class GoneError(Exception):
    """The node closed the connection."""


class Peer:
    """One connection to the node, from an address of our choice."""

    def __init__(self, port: int, *, address: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=CEILING_SECONDS, source_address=(address, 0)
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise GoneError from error

    def hear(self) -> tuple[int, bytes]:
        head = self._read(6)
        return head[0], self._read(int.from_bytes(head[2:], "big"))

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            try:
                got = self.socket.recv(count - len(found))
            except TimeoutError:
                raise
            except OSError as error:
                raise GoneError from error
            if not got:
                raise GoneError
            found += got
        return found

    def associate(self, *contexts: bytes, **values: Any) -> tuple[int, bytes]:
        self.say(request(*contexts, **values))
        return self.hear()

    def status(self) -> tuple[int, int]:
        """Status of the next answer, and the message that it answers."""
        kind, body = self.hear()
        assert kind == DATA, (kind, body)
        found = read_command(body[6:])
        return found[0x0900], found[0x0120]

    def store(self, data: bytes, sop: str = "1.2.3.1", **values: Any) -> int:
        self.say(store_request(data, sop, **values))
        return self.status()[0]

    def echo(self) -> int:
        self.say(echo_request())
        return self.status()[0]

    def release(self) -> None:
        self.say(pdu(RELEASE, bytes(4)))
        assert self.hear() == (RELEASED, bytes(4))
        self.close()

    def close(self) -> None:
        self.socket.close()

    def until_gone(self) -> list[tuple[int, bytes]]:
        """Everything that the node still says before it closes."""
        heard = []
        while True:
            try:
                heard.append(self.hear())
            except GoneError:
                return heard


def read_command(data: bytes) -> dict[int, Any]:
    found: dict[int, Any] = {}
    file = BytesIO(data)
    while head := file.read(8):
        _, number, length = struct.unpack("<HHL", head)
        content = file.read(length)
        found[number] = int.from_bytes(content, "little") if length in (2, 4) else content
    return found


@dataclass
class Node:
    server: Server
    spool: Spool
    stored: list[Stored]
    released: list[tuple[str, frozenset[str]]]

    @property
    def port(self) -> int:
        return self.server.port

    def works(self, address: str = "127.0.0.1", *, sop: str = "1.9.9") -> None:
        """C-ECHO and C-STORE of a new association are answered with success."""
        peer = Peer(self.port, address=address)
        assert peer.associate()[0] == ACCEPT
        assert peer.echo() == 0
        assert peer.store(data_set(sop), sop) == 0
        peer.release()

    def files(self) -> list[Path]:
        return sorted(self.spool.folder.glob("*/*.dcm"))

    def nothing_left(self) -> bool:
        """No connection, association or half-written file."""
        return not self.server.associations() and not [
            p for p in self.spool.incoming.iterdir() if p.stat().st_size
        ]


@contextmanager
def node(
    folder: Path,
    *,
    maximum_associations: int = 50,
    titles: Sequence[str] | None = None,
    services: Any = None,
    spool: Spool | None = None,
    least_free_bytes: int = 0,
    on_stored: Callable[[Stored, str], None] | None = None,
    **settings: Any,
) -> Iterator[Node]:
    """A receiver on a port of its own."""
    stored: list[Stored] = []
    released: list[tuple[str, frozenset[str]]] = []
    spool = spool or Spool(folder / "spool")
    server = Server(
        spool,
        aet="NODE",
        host="127.0.0.1",
        port=0,
        on_stored=on_stored or (lambda s, _: stored.append(s)),
        on_released=lambda title, studies: released.append((title, studies)),
        titles=titles,
        maximum_associations=maximum_associations,
        settings=Receive.model_validate(settings),
        services=services,
        least_free_bytes=least_free_bytes,
    )
    try:
        yield Node(server, spool, stored, released)
    finally:
        server.shutdown(drain_seconds=0)
