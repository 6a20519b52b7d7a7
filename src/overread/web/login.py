"""Login, logout, and a password of one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from overread.errors import InputError
from overread.web.rendering import page
from overread.web.sessions import COOKIE, Session
from overread.web.who import check_csrf, form_of, form_session, session_of, sign_in, site_of

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request) -> Response:
    """The form, or the reading list for who is logged in already."""
    site = site_of(request)
    if not site.settings.login:
        return RedirectResponse("/", 303)
    return page(request, "login.html", None, error="", name="", ended="ended" in request.query_params)


@router.post("/login")
def log_in(request: Request, form: Annotated[dict[str, str], Depends(form_of)]) -> Response:
    """Begin a session. Requests from other sites cannot: the cookie is set for this site alone."""
    site = site_of(request)
    check_csrf(request, Session("", frozenset(), ""), "")
    name = form.get("name", "")[:64]
    try:
        user = sign_in(request, site, name, form.get("password", ""))
    except HTTPException as error:
        words = str(error.detail).capitalize() + "."
        answer: Response = page(
            request, "login.html", None, status=error.status_code, error=words, name=name, ended=False
        )
        answer.headers.update(error.headers or {})
        return answer
    token = site.sessions.begin(user.name, user.roles, must_change=user.must_change)
    site.note("web.login", actor=user.name, address=request.client.host if request.client else "")
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
    )
    return answer


@router.post("/logout")
def log_out(
    request: Request, given: Annotated[tuple[Session, dict[str, str]], Depends(form_session)]
) -> Response:
    """End the session."""
    site = site_of(request)
    site.sessions.end(request.cookies.get(COOKIE, ""))
    site.note("web.logout", actor=given[0].name)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/password")
def password_page(request: Request, session: Annotated[Session, Depends(session_of)]) -> HTMLResponse:
    """The form for another password."""
    return page(request, "password.html", session, error="", first=session.must_change)


@router.post("/password")
def change_password(
    request: Request, given: Annotated[tuple[Session, dict[str, str]], Depends(form_session)]
) -> Response:
    """Set another password, with the old one; other sessions of the user end."""
    session, form = given
    site = site_of(request)
    if not site.settings.login:
        raise HTTPException(404, "this node asks for no password")
    try:
        sign_in(request, site, session.name, form.get("old", ""))
        if form.get("new", "") != form.get("again", ""):
            raise InputError("the two new passwords differ")
        if form.get("new", "") == form.get("old", ""):
            raise InputError("the new password is the old one")
        site.users.set_password(session.name, form.get("new", ""))
    except (InputError, HTTPException) as error:
        words = str(error.detail) if isinstance(error, HTTPException) else str(error)
        status = error.status_code if isinstance(error, HTTPException) else 400
        return page(request, "password.html", session, status=status, error=words, first=session.must_change)
    token = request.cookies.get(COOKIE, "")
    site.sessions.end_all(session.name, but=token)
    site.sessions.changed_password(token)
    site.note("web.password_changed", actor=session.name)
    return RedirectResponse("/", 303)
