"""Pages from templates: every value is escaped, every absent one an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from overread.clinic.people import Role
from overread.web.sessions import Session
from overread.web.site import Site
from overread.web.who import site_of
from overread.web.words import (
    DELIVERY_WORDS,
    PRIORITY_WORDS,
    STATE_WORDS,
    day,
    moment,
    no_paths,
    person,
    short_uids,
)

HERE = Path(__file__).parent
REFRESH_SECONDS = 5


def environment(site: Site) -> Environment:
    """The templates, with what all of them use."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    pages.filters.update(day=day, moment=moment, person=person, short_uids=short_uids, no_paths=no_paths)
    pages.globals.update(
        facts=site.facts,
        state_words=STATE_WORDS,
        delivery_words=DELIVERY_WORDS,
        priority_words=PRIORITY_WORDS,
        refresh=REFRESH_SECONDS,
        login=site.settings.login,
        Role=Role,
    )
    return pages


def page(
    request: Request, template: str, session: Session | None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """One page for one user."""
    site = site_of(request)
    common = {
        "session": session,
        "csrf": session.csrf if session else "",
        "trouble": no_paths(site.trouble()) if session else "",
        "virtual": False,
        "here": request.url.path,
    }
    text = request.app.state.pages.get_template(template).render(**{**common, **values})
    return HTMLResponse(text, status)
