"""The STOW-RS listener: uvicorn in a thread of its own, on a socket that is bound before it starts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import uvicorn

from overread.clinic.receive.connections import limited
from overread.clinic.receive.limits import Associations
from overread.clinic.receive.settings import StowIn
from overread.clinic.receive.stow.app import StowApp
from overread.clinic.receive.stow.callers import Callers
from overread.clinic.receive.tls import expiry_warnings, server_context
from overread.clinic.spool import Spool, Stored
from overread.errors import InputError

BACKLOG = 128
STOP_SECONDS = 5.0


class StowServer:
    """Listens from the moment it is made.

    Parameters
    ----------
    longest_object
        Bytes; a longer instance is refused.
    no_room
        Why an instance cannot be taken just now, or nothing.
    on_stored, on_released
        As of `overread.clinic.receive.server.Server`; the client's name is the calling title, and a request that was
        taken as a whole is an association that was released in good order.

    Raises
    ------
    InputError
        An address that cannot be listened on; tokens or certificates that cannot be read.
    """

    def __init__(
        self,
        spool: Spool,
        settings: StowIn,
        *,
        longest_object: int,
        no_room: Callable[[], str],
        on_stored: Callable[[Stored, str], None],
        on_released: Callable[[str, frozenset[str]], None],
    ) -> None:
        self.settings = settings
        callers = Callers(settings.clients)
        context = server_context(settings.tls, where="receive.stow.tls") if settings.tls is not None else None
        self._app = StowApp(
            spool,
            settings,
            callers,
            longest_object=longest_object,
            no_room=no_room,
            on_stored=on_stored,
            on_released=on_released,
        )
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            http=limited(
                Associations(total=settings.maximum_connections),
                settings.head_seconds,
                welcome=callers.welcome,
                within="head",
            ),
            ws="none",
            lifespan="off",
            proxy_headers=False,
            timeout_keep_alive=max(1, int(settings.head_seconds)),
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = context
        try:
            family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
            listening = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"receive.stow: {settings.host}:{settings.port}: cannot listen ({error}); choose another host or port"
            ) from error
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="stow", daemon=True
        )
        self._thread.start()

    def arriving(self) -> frozenset[str]:
        """Studies of which requests whose bodies are still coming have brought instances, or name them."""
        found: set[str] = set()
        for parts in list(self._app.open.values()):
            found |= parts.studies | ({parts.study} if parts.study else set())
        return frozenset(found)

    def certificate_warnings(self) -> list[str]:
        """One line for each of our certificates that has ended or ends soon."""
        return expiry_warnings(self.settings.tls)

    def shutdown(self, drain_seconds: float = STOP_SECONDS) -> None:
        """Take no new request, let those there end, and then end them."""
        self._app.draining = True
        until = time.monotonic() + drain_seconds
        while self._app.open and time.monotonic() < until:
            time.sleep(0.02)
        self._server.should_exit = True
        self._thread.join(timeout=STOP_SECONDS)
