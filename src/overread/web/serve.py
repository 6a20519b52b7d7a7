"""overread serve: the node and its page in one process, until it is asked to stop."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from rich.console import Console

from overread.clinic.config import ClinicConfig, load_config
from overread.clinic.node import Node
from overread.clinic.storage import warn_if_open
from overread.errors import InputError, printable
from overread.files import only_mine
from overread.web.app import NodeFacts, create_app

PAGE_STOP_SECONDS = 5.0


@only_mine()
def serve(config: Path) -> None:
    """Run the DICOM node and its status page until SIGINT or SIGTERM. What it keeps is for its own user alone.

    Raises
    ------
    InputError
        A fault in the configuration, a changed package, a port that is taken; nothing is left running.
    """
    log_to_terminal()
    settings = load_config(Path(config))
    console = Console(highlight=False, soft_wrap=True)
    stop = threading.Event()
    # Before anything is begun, so that an early signal stops it as cleanly as a late one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _socket(settings) as listening:
        node = Node(settings)
        warn_if_open(settings.folder, console)
        node.start()
        try:
            with _pages(node, listening):
                console.print(f"DICOM  {settings.aet} on {settings.host}:{settings.port}", markup=False)
                console.print(f"page   http://{settings.web.host}:{settings.web.port}/", markup=False)
                for name, package in node.packages.items():
                    manifest = package.manifest
                    text = f"route  {name}: {manifest.name} {manifest.version}, sha256 {package.sha256[:12]}"
                    console.print(text, markup=False)
                while not stop.wait(0.5):
                    pass
                console.print("stopping")
        finally:
            node.stop()


class _Printable(logging.Formatter):
    """Lines of a log without escape codes: they quote what peers and files say."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def log_to_terminal() -> None:
    """Warnings and errors of all rooms, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Printable("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def facts_of(node: Node) -> NodeFacts:
    """What the page says about a node."""
    config = node.config
    return NodeFacts(
        aet=config.aet,
        address=f"{config.host}:{config.port}",
        packages=tuple(
            (route, p.manifest.name, p.manifest.version, p.sha256) for route, p in node.packages.items()
        ),
        destinations=tuple(d.name for d in config.destinations),
        content_qualification=config.content_qualification,
    )


@contextmanager
def _socket(config: ClinicConfig) -> Iterator[socket.socket]:
    """The page's listening socket, taken before the node starts so that a taken port is an error at once."""
    web = config.web
    try:
        listening = socket.create_server((web.host, web.port))
    except OSError as error:
        raise InputError(
            f"web: cannot listen on {web.host}:{web.port} ({error.strerror or error}); choose another port"
        ) from error
    with listening:
        yield listening


@contextmanager
def _pages(node: Node, listening: socket.socket) -> Iterator[None]:
    app = create_app(node.state, node.steps.results, facts_of(node), lambda: node.trouble)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
    # Not in the main thread: there uvicorn would take the signals for itself.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=PAGE_STOP_SECONDS)
