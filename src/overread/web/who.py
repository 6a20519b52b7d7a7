"""Who asks: the session of a request, by cookie or by name and password, and what it may do."""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Callable
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, HTTPException, Request

from overread.clinic.people import Role, User
from overread.clinic.receive.limits import block_of
from overread.web.sessions import COOKIE, Session, csrf_of
from overread.web.site import Site

EVERYBODY = "local"
"""The user's name where no login is asked for."""
FORM = "application/x-www-form-urlencoded"
HASHING = threading.BoundedSemaphore(2)
"""Each look at a password takes 64 MiB and some cores for a while, and the receiver needs both."""


def site_of(request: Request) -> Site:
    """The site of the application."""
    site: Site = request.app.state.site
    return site


def session_of(request: Request) -> Session:
    """The session of a request. Raises HTTPException 401; pages send the reader to the login then."""
    site = site_of(request)
    found = _by_cookie(request, site) if site.settings.login else _everybody(request)
    if found is None:
        raise HTTPException(401, "log in first")
    request.state.session = found
    if found.must_change and request.url.path not in ("/password", "/logout"):
        raise HTTPException(303, "change the password first", {"Location": "/password"})
    return found


def may(role: Role) -> Callable[[Request], Session]:
    """A dependency: the session, which must have ``role``."""

    def checked(request: Request) -> Session:
        session = session_of(request)
        if not session.may(role):
            raise HTTPException(403, f"this needs the role {role}, which {session.name} does not have")
        return session

    return checked


def api_session(request: Request) -> Session:
    """The session of a request to the JSON API: by cookie, or by HTTP Basic for programs."""
    site = site_of(request)
    header = request.headers.get("authorization", "")
    if site.settings.login and header.lower().startswith("basic "):
        name, password = _basic(header)
        user = sign_in(request, site, name, password)
        if user.must_change:
            raise HTTPException(403, "this password was set by another; change it on the page first")
        session = Session(user.name, user.roles, "")
        request.state.session = session
        return session
    session = session_of(request)
    if request.method not in ("GET", "HEAD"):
        check_csrf(request, session, request.headers.get("x-csrf-token", ""))
    return session


def sign_in(request: Request, site: Site, name: str, password: str) -> User:
    """The user of a right password. Raises HTTPException 401, and 429 after several wrong ones."""
    address = request.client.host if request.client else ""
    keys = (f"user {name.lower()[:64]}", f"address {block_of(address)}")
    # Counted before it is known to be wrong: many tries at the same moment are no way round the limit.
    with HASHING:
        wait = site.failures.take(*keys)
        user = None if wait else site.users.check(name, password)
    if wait:
        raise HTTPException(
            429, f"too many wrong passwords; wait {int(wait) + 1} s", {"Retry-After": str(int(wait) + 1)}
        )
    if user is None:
        site.note("web.login_failed", actor="unknown", user=name[:64], address=address)
        raise HTTPException(401, "wrong name or password")
    for key in keys:
        site.failures.forget(key)
    return user


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; of one that comes twice the last. Raises HTTPException 415 for anything but a form."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise HTTPException(415, f"expected {FORM}")
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise HTTPException(400, "the form cannot be read") from error
    return dict(pairs)


def check_csrf(request: Request, session: Session, given: str) -> None:
    """Raises HTTPException 403 where another site may have sent the request."""
    origin = request.headers.get("origin")
    if (
        origin
        and origin != "null"
        and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    ):
        raise HTTPException(403, "the request comes from another site")
    # Our own forms come without an origin ("null"), for no page tells where it is; a browser says the rest itself.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "the request comes from another site")
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise HTTPException(403, "the form is too old or not ours; load the page again")


def form_session(
    request: Request, form: Annotated[dict[str, str], Depends(form_of)]
) -> tuple[Session, dict[str, str]]:
    """The session and the fields of a form that this site gave out."""
    session = session_of(request)
    check_csrf(request, session, form.get("csrf", ""))
    return session, form


def _by_cookie(request: Request, site: Site) -> Session | None:
    token = request.cookies.get(COOKIE, "")
    # What a page asks for by itself, again and again, does not keep its session alive.
    return site.sessions.find(token, active="x-refresh" not in request.headers) if token else None


def _everybody(request: Request) -> Session:
    return Session(EVERYBODY, frozenset(Role), csrf_of(request.app.state.secret))


def _basic(header: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(header[6:].strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise HTTPException(401, "the Authorization header cannot be read") from error
    return name, password
