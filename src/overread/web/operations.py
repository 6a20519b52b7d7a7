"""The operations page: what failed, what waits, and what an operator can do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from overread.clinic.health import latency, seconds_to_notification
from overread.clinic.people import Role
from overread.clinic.tables import DeliveryState
from overread.errors import InputError
from overread.web.reading import FILTERS
from overread.web.rendering import page
from overread.web.sessions import Session
from overread.web.site import Site
from overread.web.who import form_session, may, site_of

ACTIONS = ("retry", "resend", "rerun", "delete", "again")
MOST_ROWS = 100
MOST_TIMED = 1000
"""Of so many studies the time from the last image to the first delivery is shown."""
router = APIRouter(include_in_schema=False)
Operator = Annotated[Session, Depends(may(Role.OPERATOR))]


@router.get("/operations", response_class=HTMLResponse)
def operations_page(request: Request, session: Operator, asked: int = 0) -> HTMLResponse:
    """The node at a glance."""
    return _page(request, session, asked=asked)


@router.post("/operations/{action}")
def act(
    request: Request,
    action: str,
    session: Operator,
    given: Annotated[tuple[Session, dict[str, str]], Depends(form_session)],
) -> Response:
    """Ask the node for one thing."""
    _, form = given
    try:
        number = ask(site_of(request), session, action, form)
    except InputError as error:
        return _page(request, session, error=str(error), status=409)
    return RedirectResponse(f"/operations?asked={number}", 303)


def ask(site: Site, session: Session, action: str, given: dict[str, str]) -> int:
    """The request's number. Raises InputError where it cannot be done, HTTPException 404 for an unknown action."""
    subject = given.get("run", "") if action in ("retry", "resend") else given.get("study", "")
    match action:
        case "retry":
            number = site.operate.retry(subject)
        case "resend":
            number = site.operate.resend(subject, given.get("destination", ""))
        case "rerun":
            number = site.operate.rerun(subject)
        case "delete":
            if given.get("sure", "") != "yes":
                raise InputError("delete: tick the box first: images and results of the study will be gone")
            number = site.operate.delete(subject)
        case "again":
            subject = given.get("request", "")
            number = site.operate.again(subject)
        case _:
            raise HTTPException(404, "no such action")
    site.note("web.asked", actor=session.name, action=action, subject=subject)
    return number


def _page(
    request: Request, session: Session, *, asked: int = 0, error: str = "", status: int = 200
) -> HTMLResponse:
    site = site_of(request)
    waiting = [d for d in site.state.undelivered() if d.state is not DeliveryState.DELIVERED]
    counts = {name: site.state.count("", states) for name, states in FILTERS.items()}
    return page(
        request,
        "operations.html",
        session,
        status=status,
        failed=site.state.studies(MOST_ROWS, 0, "", FILTERS["failed"]),
        waiting=waiting[:MOST_ROWS],
        more=max(0, len(waiting) - MOST_ROWS),
        counts=counts,
        given_up=site.state.given_up()[:MOST_ROWS],
        hosts=site.state.hosts(),
        latency=latency(seconds_to_notification(site.state.studies(MOST_TIMED))),
        request_made=site.state.request(asked) if asked else None,
        error=error,
    )
