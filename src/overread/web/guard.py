"""What every request passes first: Host header, rate, size; and what every answer carries; and one line in the log.

A foreign Host header means that a browser was led here by another site's name (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import json
import logging
import logging.handlers
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from overread.clinic.receive.limits import block_of
from overread.web.site import Site

HEADERS = {
    # The pages hold patients' data and need nothing from anywhere else.
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000"}
"""To browsers that came by https (RFC 6797 section 7.2: never by http): for a year they come by nothing else."""
LARGEST_BODY = 64 * 1024
LOG_BYTES, LOG_FILES = 20_000_000, 10
log = logging.getLogger(__name__)
Next = Callable[[Request], Awaitable[Response]]


def install(app: FastAPI, site: Site) -> None:
    """Put the guard before every route of ``app``."""
    known = {h.lower() for h in (*site.settings.hosts, site.settings.host, "localhost", "127.0.0.1", "[::1]")}
    access = _access_log(site.access_log)

    @app.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        begun = time.monotonic()
        response = _refused(request, site, known) or await call_next(request)
        response.headers.update(HEADERS)
        if request.url.scheme == "https":
            response.headers.update(HSTS)
        _write(access, request, response, time.monotonic() - begun)
        return response


def _refused(request: Request, site: Site, known: set[str]) -> Response | None:
    if not host_known(request.headers.get("host", ""), known):
        return PlainTextResponse("This node is not called by that name; see web.hosts.\n", 421)
    address = request.client.host if request.client else ""
    wait = site.requests.wait(block_of(address))
    if wait:
        return PlainTextResponse(
            "Too many requests; wait a little.\n", 429, {"Retry-After": str(int(wait) + 1)}
        )
    site.requests.count(block_of(address))
    length = request.headers.get("content-length", "0")
    chunked = "transfer-encoding" in request.headers
    if chunked or not length.isdigit() or int(length) > LARGEST_BODY:
        return PlainTextResponse("The request is too large, or does not say how large it is.\n", 413)
    return None


def host_known(header: str, known: set[str]) -> bool:
    """Whether a Host header (RFC 9110 section 7.2) names this node: by a known name, or by any address."""
    name = header.lower()
    if name.startswith("["):
        name = name.split("]")[0] + "]"
    else:
        name = name.rsplit(":", 1)[0] if ":" in name else name
    if name in known:
        return True
    try:
        # A browser that was led here by a foreign name sends that name; an address is nobody's to lend.
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class _ClosedBetween(logging.handlers.RotatingFileHandler):
    """A rotating file that is open for as long as a line takes. A full disk stops neither pages nor terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        pass


def _access_log(path: Path | None) -> logging.Logger | None:
    if path is None:
        return None
    logger = logging.Logger("overread.access")
    handler = _ClosedBetween(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, delay=True)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    return logger


def _write(access: logging.Logger | None, request: Request, response: Response, seconds: float) -> None:
    if access is None:
        return
    session = getattr(request.state, "session", None)
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "address": request.client.host if request.client else "",
        "user": session.name if session else "",
        "method": request.method,
        # Without the query: what was searched for may be a patient's name.
        "path": request.url.path[:300],
        "status": response.status_code,
        "ms": round(1000 * seconds, 1),
    }
    access.info("%s", json.dumps(line))
