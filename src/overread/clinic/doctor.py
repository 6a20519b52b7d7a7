"""overread doctor: what would keep the node from its work, found before it does."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import assert_never

from overread.clinic.associate import Peer, UnreachableError
from overread.clinic.config import ClinicConfig
from overread.clinic.config_destinations import (
    AnyDestination,
    Destination,
    Fhir,
    Hl7,
    MailTo,
    Stow,
    Webhook,
)
from overread.clinic.config_parts import Route
from overread.clinic.pinned import load_pinned
from overread.clinic.receive.settings import Certificates
from overread.clinic.send import echo
from overread.errors import OverreadError
from overread.files import only_mine

GIBIBYTE = 2**30
TIMEOUT_SECONDS = 10.0
DRIFT_SECONDS = 2.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: ``ok`` True, False, or None where it could not be told."""

    name: str
    ok: bool | None
    text: str


def examine(config: ClinicConfig, samples: list[Path]) -> Iterator[Check]:
    """Everything, one after the other; each by itself, so that one fault hides no other."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("folder", lambda: _folder(config)),
        ("disk", lambda: _disk(config)),
        ("clock", lambda: _clock(config)),
        ("database", lambda: _database(config)),
        ("own port", lambda: _own_port(config)),
    ]
    checks += [(f"package {r.name}", lambda r=r: _package(r)) for r in config.routes]  # type: ignore[misc]
    checks += [(f"destination {d.name}", lambda d=d: _destination(config, d)) for d in config.destinations]  # type: ignore[misc]
    stow = config.receive.stow
    for where, shown in (
        ("receive.tls", config.receive.tls),
        ("receive.stow.tls", stow.tls if stow else None),
        ("web.tls", config.web.tls),
    ):
        if shown is not None:
            checks.append((f"certificate {where}", partial(_certificate, shown, where)))
    if samples:
        checks.append(("sample", lambda: _sample(config, samples)))
    for name, check in checks:
        try:
            yield Check(name, True, check())
        except (OverreadError, OSError, ValueError) as error:
            yield Check(name, False, " ".join(str(error).split()))


def _there(config: ClinicConfig) -> Path:
    """The node's folder, or before its first start the nearest folder above that is there: nothing is made here, since
    whoever asks may be another user than the node's."""
    return next(p for p in (config.folder, *config.folder.parents) if p.exists())


def _folder(config: ClinicConfig) -> str:
    there = _there(config)
    if there != config.folder:
        if not os.access(there, os.W_OK | os.X_OK):
            raise ValueError(
                f"{config.folder} is not there, and {there} may not be written; make it, for the node's user"
            )
        return f"{config.folder} is not there yet; the first start makes it"
    probe = config.folder / f".doctor-{os.getpid()}"
    begun = time.perf_counter()
    with probe.open("wb") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fdatasync(file.fileno())
    took = (time.perf_counter() - begun) * 1000
    probe.unlink()
    return f"{config.folder} can be written; a synced write took {took:.1f} ms"


def _disk(config: ClinicConfig) -> str:
    free = shutil.disk_usage(_there(config)).free / GIBIBYTE
    if free < config.disk.refuse_gib:
        raise ValueError(f"{free:.2f} GiB free, instances are refused below {config.disk.refuse_gib:g}")
    if free < config.disk.warn_gib:
        raise ValueError(
            f"{free:.2f} GiB free, warned below {config.disk.warn_gib:g}; free space or a larger disk"
        )
    return f"{free:.1f} GiB free"


def _clock(config: ClinicConfig) -> str:
    now = datetime.now(UTC)
    if now.year < 2025:
        raise ValueError(f"the clock says {now:%Y-%m-%d %H:%M}; set it, and keep it by NTP")
    if config.database is None:
        return f"{now:%Y-%m-%d %H:%M:%S} UTC; whether it is right only a time server can say"
    from overread.clinic.state import State

    drift = State(config.database).clock() - time.time()
    if abs(drift) > DRIFT_SECONDS:
        raise ValueError(f"{abs(drift):.1f} s from the database's clock; keep both by NTP")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC, {drift:+.2f} s from the database's"


def _database(config: ClinicConfig) -> str:
    from overread.clinic.state import State
    from overread.ledger.ledger import Ledger

    if config.database is None and not (config.folder / "clinic.db").exists():
        return "none yet; the first start makes it"
    state = State(config.database or config.folder / "clinic.db")
    reason = state.answers()
    if reason:
        raise ValueError(reason)
    ledger = config.ledger or config.folder / "ledger.db"
    opens = ""
    if "://" in str(ledger) or Path(ledger).exists():
        Ledger.open(ledger)
        opens = "; the ledger opens"
    kind = "PostgreSQL" if config.database else "SQLite"
    return f"{kind} answers; {state.count()} studies{opens}"


def _own_port(config: ClinicConfig) -> str:
    """C-ECHO to ourselves where the node runs, else whether the port is free."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    try:
        status = echo(Peer(config.aet, host, config.port), config.aet, TIMEOUT_SECONDS)
    except UnreachableError as error:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((config.host, config.port))
            except OSError as taken:
                raise ValueError(f"port {config.port} is taken ({taken.strerror}), and {error}") from taken
        return f"the node is not running; port {config.port} is free"
    if status:
        raise ValueError(f"our own node answered C-ECHO with status {status:#06x}")
    return f"our own node answers C-ECHO on port {config.port}"


def _package(route: Route) -> str:
    from overread.runtime.engine import engine_of

    package = load_pinned(route)
    engine_of(package)
    return f"{package.manifest.name} {package.manifest.version} loads, sha256 {package.sha256[:12]}"


def _destination(config: ClinicConfig, destination: AnyDestination) -> str:
    match destination:
        case Destination():
            peer = Peer(destination.aet, destination.host, destination.port)
            try:
                status = echo(peer, config.aet, TIMEOUT_SECONDS, destination.tls)
            except UnreachableError as error:
                hint = f"is it on, is the address right, does it accept the title {config.aet}?"
                raise ValueError(f"{error}; {hint}") from error
            if status:
                raise ValueError(f"{peer} answered C-ECHO with status {status:#06x}")
            return f"{peer} answers C-ECHO" + (" over TLS" if destination.tls else "")
        case Stow() | Fhir() | Webhook():
            from overread.clinic.outward.http import ask

            ending = {"stow": "/studies?limit=1", "fhir": "/metadata"}.get(destination.kind, "")
            method = "OPTIONS" if destination.kind == "webhook" else "GET"
            token = getattr(destination, "token_file", None)
            answer = ask(
                method, destination.url + ending, timeout=TIMEOUT_SECONDS, ca=destination.ca, token_file=token
            )
            if answer.status in (401, 403):
                raise ValueError(f"{destination.url} answers {answer.status}: the token is not accepted")
            return f"{destination.url} answers {answer.status}"
        case Hl7() | MailTo():
            with socket.create_connection((destination.host, destination.port), TIMEOUT_SECONDS):
                return f"{destination.host}:{destination.port} takes connections"
        case _:
            assert_never(destination)


def _certificate(certificates: Certificates, where: str) -> str:
    from overread.clinic.receive.tls import expiry_warnings, server_context

    try:
        server_context(certificates, where=where)
    except ssl.SSLError as error:
        raise ValueError(str(error)) from error
    warnings = expiry_warnings(certificates)
    if warnings:
        raise ValueError("; ".join(warnings))
    return "loads, and does not end soon"


def _sample(config: ClinicConfig, samples: list[Path]) -> str:
    from overread.clinic.outgoing import dicom_files
    from overread.clinic.route_command import routed

    steps, seen = routed(config, list(dicom_files(samples)), sender="")
    taken = [s.route.name for s in steps if s.taken]
    if not taken:
        raise ValueError("no route takes the sample; overread route --explain says why")
    return f"{sum(len(s['sops']) for s in seen['series'])} objects go to {', '.join(taken)}"


@only_mine()
def doctor_command(config: ClinicConfig, samples: list[Path]) -> None:
    """Print every check; exit code 1 where one fails."""
    from rich.console import Console

    from overread.errors import printable

    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    for check in examine(config, samples):
        failed += check.ok is False
        console.print(
            printable(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.text}"), markup=False
        )
    if failed:
        raise OverreadError(f"{failed} of the checks failed")
