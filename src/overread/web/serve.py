"""overread serve: the node and its page in one process, until it is asked to stop."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console

from overread.clinic import health
from overread.clinic.audit.syslog import AuditSender
from overread.clinic.config import ClinicConfig, load_config
from overread.clinic.feedback import FeedbackStore
from overread.clinic.logs import set_up
from overread.clinic.node import Node
from overread.clinic.people import Users
from overread.clinic.receive.connections import limited, more_handles
from overread.clinic.receive.limits import Associations
from overread.clinic.receive.tls import server_context
from overread.clinic.storage import warn_if_open
from overread.errors import InputError, OverreadError
from overread.files import canonical_json, only_mine, sha256_bytes
from overread.web.app import create_app
from overread.web.site import NodeFacts, Site

PAGE_STOP_SECONDS = 5.0
log = logging.getLogger(__name__)


@only_mine()
def serve(config: Path) -> None:
    """Run the DICOM node and its status page until SIGINT or SIGTERM. What it keeps is for its own user alone.

    Raises
    ------
    InputError
        A fault in the configuration, a changed package, a port that is taken; nothing is left running.
    """
    settings = load_config(Path(config))
    set_up(settings.log)
    console = Console(highlight=False, soft_wrap=True)
    stop = threading.Event()
    # Before anything is begun, so that an early signal stops it as cleanly as a late one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _socket(settings) as listening:
        more_handles()
        node = Node(settings)
        warn_if_open(settings.folder, console)
        site = site_of(node)
        pages = server_of(site)
        if settings.web.open_to_listeners:
            log.warning("web: passwords go to %s unencrypted; set web.tls, or web.proxies", settings.web.host)
        note_configuration(node)
        node.start()
        try:
            with audited(node), _pages(pages, listening):
                console.print(f"DICOM  {settings.aet} on {settings.host}:{settings.port}", markup=False)
                console.print(
                    f"page   {settings.web.scheme}://{settings.web.host}:{settings.web.port}/", markup=False
                )
                for name, package in node.packages.items():
                    manifest = package.manifest
                    text = f"route  {name}: {manifest.name} {manifest.version}, sha256 {package.sha256[:12]}"
                    console.print(text, markup=False)
                if settings.web.login and (password := site.users.first_run()):
                    console.print(f"user   admin, password {password} (shown this once)", markup=False)
                while not stop.wait(0.5):
                    pass
                console.print("stopping")
        finally:
            node.stop()


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


def site_of(node: Node) -> Site:
    """What the pages of a node stand on."""
    config = node.config
    where = config.database or config.folder / "clinic.db"

    def note(kind: str, *, actor: str, **payload: Any) -> None:
        try:
            node.ledger.append(kind, node.steps.pseudonyms.hidden(payload), actor=actor)
        except OverreadError:
            # A full disk is told by the pages themselves, which must go on for that.
            log.exception("an event of the pages (%s) could not be added to the chain of evidence", kind)

    return Site(
        state=node.state,
        users=Users(where),
        feedback=FeedbackStore(where),
        results=node.steps.results,
        facts=facts_of(node),
        trouble=lambda: node.trouble,
        note=note,
        settings=config.web,
        access_log=config.folder / "access.log",
        metrics=lambda: health.metrics_text(**health.snapshot(node)),
        ready=lambda: not node.draining,
    )


def note_configuration(node: Node) -> None:
    """An event where the configuration is another than at the last start; never a password or key."""
    digest = sha256_bytes(canonical_json(node.config.model_dump(mode="json")).encode())
    before = [json.loads(e.payload) for e in node.ledger.events("clinic.configured")]
    if not before or before[-1]["config_sha256"] != digest:
        node.steps.note("clinic.configured", config_sha256=digest)


@contextmanager
def audited(node: Node) -> Iterator[None]:
    """Send audit messages while the block runs, and tell the chain of evidence of the end."""

    def patient_of(study: str) -> str:
        row = node.state.study(study)
        return row.patient_id if row else ""

    def study_of(name: str) -> str:
        return node.steps.pseudonyms.find(name, node.state.study_uids())

    config = node.config
    sender = AuditSender(
        config.audit,
        node.ledger,
        config.folder / "audit.position",
        application=config.aet,
        patient_of=patient_of,
        study_of=study_of,
    )
    sender.start()
    try:
        yield
    finally:
        node.steps.note("clinic.stopped", aet=config.aet)
        sender.stop()


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


def server_of(site: Site) -> uvicorn.Server:
    """The server of the pages, to be run on a listening socket.

    Raises
    ------
    InputError
        ``web.tls``: a certificate or key that cannot be read.
    """
    web = site.settings
    # Behind a proxy all of them come from one address.
    places = Associations(total=web.connections, per_address=web.connections if web.proxies else None)
    config = uvicorn.Config(
        create_app(site),
        log_level="warning",
        access_log=False,
        server_header=False,
        http=limited(places, web.idle_seconds),
        ws="none",
        proxy_headers=bool(web.proxies),
        forwarded_allow_ips=list(web.proxies),
        timeout_keep_alive=int(max(1, web.idle_seconds)),
    )
    config.load()
    if web.tls is not None:
        config.ssl = server_context(web.tls, where="web.tls")
    return uvicorn.Server(config)


@contextmanager
def _pages(server: uvicorn.Server, listening: socket.socket) -> Iterator[None]:
    # Not in the main thread: there uvicorn would take the signals for itself.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=PAGE_STOP_SECONDS)
