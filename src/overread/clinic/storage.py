"""The door of the receiving side: C-ECHO and C-STORE, answered when the instance is safe."""

from __future__ import annotations

import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from overread.clinic.keeping.meta import PREFIX as PREFIX
from overread.clinic.receive.pdu import MAXIMUM_PDU as MAXIMUM_PDU
from overread.clinic.receive.server import Server
from overread.clinic.receive.services import Services
from overread.clinic.receive.settings import Receive
from overread.clinic.receive.stow.server import StowServer
from overread.clinic.spool import Spool, Status, Stored
from overread.errors import InputError, printable
from overread.files import only_mine, open_to_others

OnStored = Callable[[Stored, str], None]
OnReleased = Callable[[str, frozenset[str]], None]


def no_delay(event: Any) -> None:
    """For pynetdicom's connections: send small messages at once, or each instance costs 40 ms."""
    carrier = event.assoc.dul.socket
    if carrier is not None and carrier.socket is not None:
        carrier.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def start_storage(
    spool: Spool,
    *,
    aet: str,
    host: str,
    port: int,
    on_stored: OnStored,
    peers: list[str] | None = None,
    any_called: bool = False,
    maximum_associations: int = 50,
    settings: Receive | None = None,
    least_free_bytes: int = 0,
    on_released: OnReleased = lambda calling, studies: None,
    services: Services | None = None,
) -> Server:
    """Listen for C-ECHO, C-STORE, further ``services`` and, where set up, STOW-RS in threads of this process.

    Parameters
    ----------
    spool
        Where instances go before success is answered.
    aet
        Our title; associations called otherwise are rejected unless ``any_called``.
    on_stored
        Called with the result and the calling title after every C-STORE.
    peers
        Calling titles that are accepted; None accepts any, unless ``settings`` names some.
    settings
        Rows of peers, limits and TLS.
    least_free_bytes
        With less free on the spool's disk, instances are refused with A700.
    on_released
        Called with the calling title and the studies that it brought, when an association was released in good order.

    Raises
    ------
    InputError
        The address cannot be listened on, or a certificate cannot be read.
    """
    settings = settings or Receive.model_validate({})
    server = Server(
        spool,
        aet=None if any_called else aet,
        host=host,
        port=port,
        on_stored=on_stored,
        titles=peers,
        maximum_associations=maximum_associations,
        settings=settings,
        least_free_bytes=least_free_bytes,
        on_released=on_released,
        services=services,
    )
    if settings.stow is not None:
        try:
            server.beside(
                StowServer(
                    spool,
                    settings.stow,
                    longest_object=settings.maximum_object_mb << 20,
                    no_room=server.no_room,
                    on_stored=server.stored,
                    on_released=on_released,
                )
            )
        except InputError:
            server.shutdown(0)
            raise
    return server


def wait_for_stop() -> None:
    """Return when the process is asked to stop (SIGTERM or SIGINT). Only in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(0.5):
        pass


def warn_if_open(folder: Path, console: Console) -> None:
    """Say so where a folder of patients' images that was there before lets others in."""
    if open_to_others(folder):
        console.print(
            f"note: others may look into {folder} (mode {folder.stat().st_mode & 0o777:04o}), which holds images of "
            f"patients; chmod -R go= {shlex.quote(str(folder))} ends that",
            markup=False,
        )


@only_mine()
def receive_command(out: Path, host: str, port: int, aet: str) -> None:
    """A plain storage node, until stopped: writes ``out/<study>/<sop>.dcm`` and names each arrival.

    What it keeps is for its own user alone.
    """
    console = Console(highlight=False, soft_wrap=True)
    spool = Spool(Path(out))

    def arrived(stored: Stored, calling: str) -> None:
        if stored.status is Status.SUCCESS:
            told = "stored" if stored.new else "already here"
            text = f"{told} from {calling}: {spool.path(stored.study, stored.sop)}"
        else:
            text = f"refused from {calling}: {stored.status:#06x} {stored.comment}"
        # A line for each instance: laying it out as the other lines are would cost more than keeping the instance.
        sys.stdout.write(printable(text) + "\n")
        sys.stdout.flush()

    warn_if_open(spool.folder, console)
    server = start_storage(
        spool, aet=aet, host=host, port=port, on_stored=arrived, any_called=True, maximum_associations=100
    )
    console.print(
        f"{aet} listens on {host}:{port}, keeps what comes in {out}; stop with Ctrl+C", markup=False
    )
    try:
        wait_for_stop()
        console.print("stopping")
    finally:
        server.shutdown()
