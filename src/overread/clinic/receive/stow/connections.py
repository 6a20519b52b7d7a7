"""Connections to the STOW-RS port: so many at once and from one address, and each says soon what it wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from overread.clinic.receive.limits import Associations


def limited(
    places: Associations, welcome: Callable[[str], bool], head_seconds: float
) -> type[asyncio.Protocol]:
    """A protocol for uvicorn that closes at once what has no place or comes from elsewhere, and whoever takes longer
    than ``head_seconds`` for the head of a request, from the first byte on."""

    class Limited(H11Protocol):
        _address: str | None = None
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            peer = transport.get_extra_info("peername")
            address = str(peer[0]) if peer else ""
            if not welcome(address) or not places.enter(address):
                transport.abort()
                return
            self._address = address
            super().connection_made(transport)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._address is None:
                return
            places.leave(self._address)
            self._address = None
            self._heard()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._address is None:
                return
            super().data_received(data)
            if self.cycle is not None and self.conn.their_state is not h11.IDLE:
                self._heard()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._address is not None:
                self._wait()

        def _wait(self) -> None:
            self._heard()
            self._waiting = self.loop.call_later(head_seconds, self._give_up)

        def _heard(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            self._waiting = None
            self.transport.abort()

    return Limited
