"""Connections to our HTTP ports: so many at once and from one address, and none that asks nothing for long."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from overread.clinic.receive.limits import Associations

MOST_HANDLES = 65_536


def _anybody(address: str) -> bool:
    return True


def limited(
    places: Associations,
    seconds: float,
    *,
    welcome: Callable[[str], bool] = _anybody,
    within: Literal["head", "request"] = "request",
) -> type[asyncio.Protocol]:
    """A protocol for uvicorn that closes at once what has no place or comes from elsewhere, and whoever takes longer
    than ``seconds`` for a request, or the ``head`` of one, from the first byte on, however slowly bytes may come."""

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
            if self.cycle is not None and self.conn.their_state not in (h11.IDLE, *_still_coming):
                # It is here: how long its answer takes is ours.
                self._heard()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._address is not None:
                self._wait()

        def _wait(self) -> None:
            self._heard()
            self._waiting = self.loop.call_later(seconds, self._give_up)

        def _heard(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            self._waiting = None
            self.transport.abort()

    _still_coming = (h11.SEND_BODY,) if within == "request" else ()
    return Limited


def more_handles() -> int:
    """Raise the process's limit of open files as far as it may by itself; the limit from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_HANDLES if hard == resource.RLIM_INFINITY else min(hard, MOST_HANDLES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
