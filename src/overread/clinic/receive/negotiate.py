"""Association negotiation (PS3.8 sections 9.3.2 to 9.3.4, PS3.7 annex D): what is proposed, and what is told."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from overread.clinic.keeping.meta import IMPLEMENTATION_NAME, IMPLEMENTATION_UID
from overread.clinic.receive.contexts import COMMITMENT
from overread.clinic.receive.pdu import HEAD, MAXIMUM_PDU, Kind, ProtocolError, Reason

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
FIXED = 68
MAXIMUM_CONTEXTS = 128
ACCEPTED, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = 0, 3, 4
"""Results for one presentation context (PS3.8 table 9-18)."""


class Refusal(IntEnum):
    """Why an association is rejected: result, source and reason of PS3.8 table 9-21, one byte each."""

    APPLICATION_CONTEXT = 0x010102
    CALLING_TITLE = 0x010103
    CALLED_TITLE = 0x010107
    PROTOCOL_VERSION = 0x010202
    CONGESTION = 0x020301
    LOCAL_LIMIT = 0x020302


@dataclass(frozen=True)
class Proposed:
    """One presentation context as it was proposed."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """An A-ASSOCIATE-RQ."""

    called: str
    calling: str
    version: int
    application_context: str
    contexts: tuple[Proposed, ...]
    maximum_pdu: int = 0
    roles: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    implementation: str = ""
    raw_titles: bytes = bytes(32)


@dataclass(frozen=True)
class Agreed:
    """One accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


def parse_request(body: memoryview | bytes) -> Request:
    """Read the body of an A-ASSOCIATE-RQ. Raises ProtocolError where it does not follow the standard."""
    data = bytes(body)
    if len(data) < FIXED:
        raise _wrong(f"an association request of {len(data)} bytes")
    version = int.from_bytes(data[:2], "big")
    application, maximum, implementation = "", 0, ""
    contexts: list[Proposed] = []
    roles: dict[str, tuple[bool, bool]] = {}
    for kind, value in _items(data, FIXED):
        if kind == 0x10:
            application = _uid(value)
        elif kind == 0x20:
            contexts.append(_context(value))
        elif kind == 0x50:
            for part, content in _items(value, 0):
                if part == 0x51:
                    if len(content) != 4:
                        raise _wrong("a maximum length that is no 4 bytes")
                    maximum = int.from_bytes(content, "big")
                elif part == 0x52:
                    implementation = _uid(content)
                elif part == 0x54 and len(content) >= 4:
                    size = int.from_bytes(content[:2], "big")
                    if size + 4 == len(content):
                        roles[_uid(content[2 : 2 + size])] = (bool(content[-2]), bool(content[-1]))
    if not contexts:
        raise _wrong("no presentation context")
    ids = [c.id for c in contexts]
    if len(contexts) > MAXIMUM_CONTEXTS or len(set(ids)) < len(ids) or any(i % 2 == 0 for i in ids):
        raise _wrong("presentation context identifiers that are not odd, or come twice")
    return Request(
        called=_title(data[4:20]),
        calling=_title(data[20:36]),
        version=version,
        application_context=application,
        contexts=tuple(contexts),
        maximum_pdu=maximum,
        roles=roles,
        implementation=implementation,
        raw_titles=data[4:36],
    )


def agree(
    request: Request, syntax_for: Callable[[Proposed], tuple[int, str]]
) -> tuple[dict[int, Agreed], bytes]:
    """Accepted contexts by identifier, and the A-ASSOCIATE-AC.

    ``syntax_for`` gives result and transfer syntax of one proposed context.
    """
    agreed: dict[int, Agreed] = {}
    parts = [_item(0x10, APPLICATION_CONTEXT.encode())]
    for proposed in request.contexts:
        result, syntax = syntax_for(proposed)
        if result == ACCEPTED:
            agreed[proposed.id] = Agreed(proposed.abstract_syntax, syntax)
        # Of a refused context the transfer syntax counts for nothing, but an item must be there.
        shown = syntax or proposed.transfer_syntaxes[0]
        parts.append(
            _item(0x21, bytes((proposed.id, 0, result, 0)) + _item(0x40, shown.encode("ascii", "replace")))
        )
    user = [_item(0x51, struct.pack(">L", MAXIMUM_PDU)), _item(0x52, IMPLEMENTATION_UID.encode())]
    for uid, (as_user, as_provider) in request.roles.items():
        # The peer may be provider only where it reports on our own requests for commitment (PS3.4 J.3.3).
        name = uid.encode("ascii", "replace")
        roles = bytes((as_user, as_provider and uid == COMMITMENT))
        user.append(_item(0x54, struct.pack(">H", len(name)) + name + roles))
    user.append(_item(0x55, IMPLEMENTATION_NAME.encode()))
    parts.append(_item(0x50, b"".join(user)))
    body = struct.pack(">HH", 1, 0) + request.raw_titles + bytes(32) + b"".join(parts)
    return agreed, HEAD.pack(Kind.ASSOCIATE_AC, len(body)) + body


def rejection(refusal: Refusal) -> bytes:
    """A-ASSOCIATE-RJ."""
    return HEAD.pack(Kind.ASSOCIATE_RJ, 4) + b"\0" + int(refusal).to_bytes(3, "big")


def _items(data: bytes, at: int) -> list[tuple[int, bytes]]:
    found = []
    while at < len(data):
        if at + 4 > len(data):
            raise _wrong("ends inside the head of an item")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if at + 4 + length > len(data):
            raise _wrong(f"item {data[at]:#04x} runs beyond its end")
        found.append((data[at], data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def _context(value: bytes) -> Proposed:
    if len(value) < 4:
        raise _wrong("a presentation context without identifier")
    abstract: list[str] = []
    transfer: list[str] = []
    for kind, content in _items(value, 4):
        if kind == 0x30:
            abstract.append(_uid(content))
        elif kind == 0x40:
            transfer.append(_uid(content))
    if len(abstract) != 1 or not transfer:
        raise _wrong("a presentation context without one abstract syntax and a transfer syntax")
    return Proposed(value[0], abstract[0], tuple(transfer))


def _uid(value: bytes) -> str:
    return value.decode("ascii", "replace").strip("\0 ")


def _title(value: bytes) -> str:
    return value.decode("ascii", "replace").strip("\0 ")


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def _wrong(text: str) -> ProtocolError:
    return ProtocolError(Reason.INVALID_PARAMETER, f"association request: {text}")
