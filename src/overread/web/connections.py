"""Connections to the pages: so many at once, and none that asks nothing for long: DICOM needs file handles too."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_HANDLES = 65_536


def limited(most: int, idle_seconds: float) -> type[asyncio.Protocol]:
    """A protocol for uvicorn that closes connections above ``most`` at once, and any that asks nothing for
    ``idle_seconds`` from its first byte on, however slowly bytes may come."""
    held: set[Any] = set()

    class Limited(H11Protocol):
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            if len(held) >= most:
                transport.abort()
                return
            held.add(self)
            super().connection_made(transport)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            if self not in held:
                return
            held.discard(self)
            self._heard()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self not in held:
                return
            super().data_received(data)
            if self.cycle is not None and self.conn.their_state is not h11.SEND_BODY:
                # The request is here as a whole: how long its answer takes is ours.
                self._heard()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self in held:
                self._wait()

        def _wait(self) -> None:
            self._heard()
            self._waiting = self.loop.call_later(idle_seconds, self._give_up)

        def _heard(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            self._waiting = None
            self.transport.abort()

    return Limited


def more_handles() -> int:
    """Raise the process's limit of open files as far as it may by itself; the limit from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_HANDLES if hard == resource.RLIM_INFINITY else min(hard, MOST_HANDLES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
