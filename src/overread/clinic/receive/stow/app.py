"""The STOW-RS service: what is asked before anything of a body is taken, and the body as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from overread.clinic.receive.multipart import Multipart, MultipartError, media_type
from overread.clinic.receive.settings import StowIn
from overread.clinic.receive.sparse import SparseLog
from overread.clinic.receive.stow.callers import Callers
from overread.clinic.receive.stow.parts import DICOM, RESPONSE_TYPE, Parts, http_status, response
from overread.clinic.spool import Spool, Stored

PATH = re.compile(r"/dicom-web/studies(?:/(?P<study>[0-9.]{1,64}))?")
DROPPED_BYTES, DROPPED_SECONDS = 1 << 20, 2.0
"""Of a body that is refused so much is read, so that its sender reads the answer."""
Message = MutableMapping[str, Any]
log = SparseLog(logging.getLogger("overread.clinic.receive"))


class RefusedError(Exception):
    """A request that is answered without its body."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers or {}


class GoneAwayError(Exception):
    """The sender is gone before its body had ended."""


class StowApp:
    """An ASGI application. Parts are kept in threads of ``pool``, for the disk makes them wait."""

    def __init__(
        self,
        spool: Spool,
        settings: StowIn,
        callers: Callers,
        *,
        longest_object: int,
        no_room: Callable[[], str],
        on_stored: Callable[[Stored, str], None],
        on_released: Callable[[str, frozenset[str]], None],
    ) -> None:
        self.spool, self.settings, self.callers = spool, settings, callers
        self.draining = False
        self.open: dict[int, Parts] = {}
        """Requests of which the body is coming."""
        self._longest, self._no_room = longest_object, no_room
        self._on_stored, self._on_released = on_stored, on_released
        self._pool = ThreadPoolExecutor(settings.maximum_requests, thread_name_prefix="stow")

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        address = scope["client"][0] if scope.get("client") else ""
        try:
            parts, length = self._admit(scope, address)
        except RefusedError as refused:
            log.warning("STOW-RS from %s refused: %d %s", address, refused.status, refused.text)
            await self._drop(receive)
            await _say(
                send, refused.status, refused.text.encode() + b"\n", "text/plain", headers=refused.headers
            )
            return
        self.open[id(parts)] = parts
        try:
            status = await self._take(parts, receive, length)
            body = response(parts.kept)
            if status == 200:
                self._on_released(parts.sender, parts.studies)
            else:
                log.warning("STOW-RS from %s: %d %s", address, status, parts.fault or "not all was kept")
        except RefusedError as refused:
            log.warning("STOW-RS from %s ended: %d %s", address, refused.status, refused.text)
            await _say(send, refused.status, refused.text.encode() + b"\n", "text/plain")
            return
        except GoneAwayError:
            log.warning("STOW-RS from %s: its sender is gone within the body", address)
            return
        finally:
            del self.open[id(parts)]
        await _say(send, status, body, RESPONSE_TYPE, close=bool(parts.fault))

    def _admit(self, scope: Message, address: str) -> tuple[Parts, int]:
        """What takes the body, and the most bytes of it. Raises RefusedError."""
        heads = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        if not self.callers.welcome(address):
            raise RefusedError(403, "Not from this address.")
        client = self.callers.identify(heads.get("authorization", ""), address)
        if client is None:
            raise RefusedError(401, "A bearer token is needed.", {"WWW-Authenticate": "Bearer"})
        path = PATH.fullmatch(scope["path"])
        if path is None:
            raise RefusedError(404, "Only /dicom-web/studies and /dicom-web/studies/STUDY are here.")
        if scope["method"] != "POST":
            raise RefusedError(405, "Instances are stored by POST.", {"Allow": "POST"})
        if self.draining:
            raise RefusedError(503, "The node is stopping.", {"Retry-After": "60"})
        if heads.get("content-encoding", "identity").lower() != "identity":
            raise RefusedError(415, "No content encoding is taken.")
        kind, parameters = media_type(heads.get("content-type", ""))
        if kind != "multipart/related" or parameters.get("type", DICOM).lower() != DICOM:
            raise RefusedError(415, f'Expected multipart/related; type="{DICOM}"; boundary=...')
        try:
            multipart = Multipart(parameters.get("boundary", ""), most_parts=self.settings.maximum_parts)
        except MultipartError as error:
            raise RefusedError(400, f"{error}") from error
        most = self.settings.maximum_body_mb << 20
        length = heads.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise RefusedError(413, f"A body of more than {self.settings.maximum_body_mb} MB is not taken.")
        reason = self._no_room()
        if reason:
            raise RefusedError(507, f"Nothing can be stored just now: {reason}.")
        if len(self.open) >= self.settings.maximum_requests:
            raise RefusedError(503, "Too many requests are open.", {"Retry-After": "5"})
        return (
            Parts(
                self.spool,
                multipart,
                client.name,
                self._longest,
                path["study"] or "",
                self._no_room,
                self._on_stored,
            ),
            most,
        )

    async def _take(self, parts: Parts, receive: Callable[[], Awaitable[Message]], most: int) -> int:
        """The body, to its end; the status of the answer. Raises RefusedError, GoneAwayError."""
        loop, until, size = asyncio.get_running_loop(), time.monotonic() + self.settings.request_seconds, 0
        in_thread = functools.partial(loop.run_in_executor, self._pool)
        try:
            more = True
            while more:
                message = await self._next(receive, until)
                more, data = message.get("more_body", False), message.get("body", b"")
                size += len(data)
                if size > most:
                    await self._drop(receive)
                    raise RefusedError(
                        413, f"A body of more than {self.settings.maximum_body_mb} MB is not taken."
                    )
                if not data:
                    continue
                try:
                    await in_thread(parts.feed, data)
                except MultipartError:
                    if more:
                        await self._drop(receive)
                    raise
            parts.finish()
        except MultipartError as error:
            parts.fault = str(error)
        # Not where the server stops within a piece: a thread may still be at it, and the next start tidies up.
        except (RefusedError, GoneAwayError):
            parts.discard()
            raise
        parts.discard()
        return http_status(parts.kept, parts.fault)

    async def _next(self, receive: Callable[[], Awaitable[Message]], until: float) -> Message:
        left = min(self.settings.idle_seconds, until - time.monotonic())
        try:
            message = await asyncio.wait_for(receive(), max(left, 0))
        except TimeoutError as error:
            raise RefusedError(408, "The body came too slowly.") from error
        if message["type"] == "http.disconnect":
            raise GoneAwayError
        return message

    async def _drop(self, receive: Callable[[], Awaitable[Message]]) -> None:
        until, size, more = time.monotonic() + DROPPED_SECONDS, 0, True
        with contextlib.suppress(TimeoutError):
            while more and size < DROPPED_BYTES:
                message = await asyncio.wait_for(receive(), max(until - time.monotonic(), 0))
                more, size = message.get("more_body", False), size + len(message.get("body", b""))


async def _say(
    send: Callable[[Message], Awaitable[None]],
    status: int,
    body: bytes,
    kind: str,
    close: bool = True,
    headers: Mapping[str, str] | None = None,
) -> None:
    heads = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **(headers or {}),
    }
    if close:
        heads["Connection"] = "close"
    pairs = [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in heads.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
