"""The quality page: what readers said, and the latest of the chain of evidence; and the page of users."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from overread.clinic.feedback import REASONS, Verdict
from overread.clinic.people import Role
from overread.errors import InputError
from overread.web.rendering import page
from overread.web.sessions import Session
from overread.web.who import form_session, may, site_of

router = APIRouter(include_in_schema=False)
Operator = Annotated[Session, Depends(may(Role.OPERATOR))]
LATEST = 200


@router.get("/quality", response_class=HTMLResponse)
def quality_page(request: Request, session: Annotated[Session, Depends(may(Role.QUALITY))]) -> HTMLResponse:
    """What readers accepted, rejected and corrected."""
    opinions = site_of(request).feedback.feedback(limit=LATEST)
    counts = {v: sum(o.verdict is v for o in opinions) for v in Verdict}
    return page(
        request, "quality.html", session, opinions=opinions, counts=counts, reasons=REASONS, latest=LATEST
    )


@router.get("/users", response_class=HTMLResponse)
def users_page(request: Request, session: Operator) -> HTMLResponse:
    """Who may use these pages."""
    return _users(request, session)


@router.post("/users")
def change_user(
    request: Request,
    session: Operator,
    given: Annotated[tuple[Session, dict[str, str]], Depends(form_session)],
) -> Response:
    """Add a user, change roles, reset a password, lock out or let in."""
    site, (_, form) = site_of(request), given
    if not site.settings.login:
        raise HTTPException(404, "this node asks for no password")
    name, action, said, password = form.get("name", "").strip(), form.get("action", ""), "", ""
    try:
        roles = frozenset(role for role in Role if form.get(f"role_{role}") == "yes")
        match action:
            case "add":
                password = secrets.token_urlsafe(15)
                site.users.add(name, roles, password)
            case "reset":
                password = secrets.token_urlsafe(15)
                site.users.set_password(name, password, must_change=True)
            case "roles":
                site.users.set_roles(name, roles)
                said = f"{name} now has: {', '.join(sorted(roles)) or 'no role'}."
            case "lock" | "unlock":
                site.users.set_disabled(name, action == "lock")
                said = f"{name} is {'locked out' if action == 'lock' else 'let in again'}."
            case _:
                raise HTTPException(404, "no such action")
    except InputError as error:
        return _users(request, session, error=str(error), status=400)
    # Whoever is logged in does not keep what was just taken away.
    site.sessions.end_all(name)
    site.note("web.user_changed", actor=session.name, user=name, action=action, roles=sorted(roles))
    return _users(request, session, said=said, name=name, password=password)


def _users(
    request: Request,
    session: Session,
    *,
    error: str = "",
    said: str = "",
    name: str = "",
    password: str = "",
    status: int = 200,
) -> HTMLResponse:
    return page(
        request,
        "users.html",
        session,
        status=status,
        users=site_of(request).users.users(),
        roles=list(Role),
        error=error,
        said=said,
        name=name,
        password=password,
    )
