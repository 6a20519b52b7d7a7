"""Messages that are almost right: whole conversations as bytes, and what a fuzzer does to them."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable

from tests.clinic.receive.raw import (
    DEFLATED,
    MR,
    STORE_ID,
    context,
    data_set,
    echo_request,
    pdu,
    request,
    store_request,
)

INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF)
SEEDS = (
    request() + echo_request() + pdu(5, bytes(4)),
    request() + store_request(data_set()) + pdu(5, bytes(4)),
    request() + store_request(data_set(), step=50) + echo_request(),
    request(context(STORE_ID, MR, DEFLATED)) + store_request(data_set()),
    request(*(context(2 * n + 1, f"1.2.{n}", "1.2.840.10008.1.2") for n in range(20))) + pdu(7, bytes(4)),
)


def flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.choice((*INTERESTING, rng.randrange(256)))


def cut(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 4, 100, len(data)))]


def repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.choice((1, 4, 16, 200))] * rng.choice((1, 2, 20))


def number(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    size = rng.choice((2, 4))
    value = rng.choice((0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)) & (256**size - 1)
    data[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))


def noise(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice((1, 8, 300)))


WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip,
    flip,
    cut,
    repeat,
    number,
    number,
    noise,
)


def mutated(seed: int) -> bytes:
    """One conversation, changed in one to four places."""
    rng = random.Random(seed)
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.choice((1, 1, 2, 4))):
        if data:
            rng.choice(WAYS)(data, rng)
    return bytes(data)


def converse(port: int, data: bytes, *, address: str = "127.0.0.1", seconds: float = 300) -> bytes:
    """Say all of it, end our half of the connection, and give what the node says until it closes."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds, source_address=(address, 0)) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while got := s.recv(65536):
                heard += got
        except ConnectionError:
            pass
    return heard
