"""The pages and the JSON API of a node."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from overread import __version__
from overread.clinic.ups.resources import BASE
from overread.web import api, guard, login, operations, quality, reading, ups, volume
from overread.web.rendering import HERE, environment, page
from overread.web.site import Site

TITLES = {
    400: "That was not understood",
    401: "Log in first",
    403: "Not allowed",
    404: "Not here",
    405: "Not possible",
    409: "Not possible now",
    413: "Too large",
    415: "Not a form",
    422: "That was not understood",
    429: "Too often",
    500: "Something went wrong on this node",
    503: "Not possible just now",
}
PROGRAMS = ("/api/", f"{BASE}/")
"""Paths that programs ask: they get JSON where a person gets a page."""
log = logging.getLogger(__name__)


def create_app(site: Site) -> FastAPI:
    """The application over a site."""
    app = FastAPI(
        title="overread clinic",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.site, app.state.pages, app.state.secret = site, environment(site), secrets.token_urlsafe(32)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for router in (
        login.router,
        reading.router,
        operations.router,
        quality.router,
        api.router,
        api.health_router,
        ups.router,
        volume.router,
    ):
        app.include_router(router)
    _errors(app)
    guard.install(app, site)
    return app


def _errors(app: FastAPI) -> None:
    """Every error is a plain page, or JSON for programs; neither ever tells where on this machine it happened."""

    @app.exception_handler(HTTPException)
    async def known(request: Request, error: HTTPException) -> Response:
        if error.status_code == 303:
            return RedirectResponse(dict(error.headers or {})["Location"], 303)
        programs = request.url.path.startswith(PROGRAMS)
        if error.status_code == 401 and not programs and request.method == "GET":
            return RedirectResponse("/login?ended" if request.cookies else "/login", 303)
        return _said(request, error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        if request.url.path.startswith("/api/"):
            # As the description of the API says it.
            detail: list[dict[str, Any]] = [
                {"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]} for e in error.errors()
            ]
            return JSONResponse({"detail": detail}, 422)
        return _said(request, 422, where, {})

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        # The log has the rest: an error's text may name folders, and a patient.
        log.error("%s %s: %s", request.method, request.url.path, type(error).__name__, exc_info=error)
        answer = _said(request, 500, "The node's log says what.", {})
        answer.headers.update(guard.HEADERS)
        return answer


def _said(request: Request, status: int, words: str, headers: dict[str, str]) -> Response:
    if request.url.path.startswith(PROGRAMS):
        answer: Response = JSONResponse({"detail": words}, status)
    else:
        answer = page(
            request, "error.html", None, status=status, title=TITLES.get(status, "Not possible"), words=words
        )
    answer.headers.update(headers)
    return answer
