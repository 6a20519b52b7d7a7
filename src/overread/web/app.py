"""The clinic's status page: which studies came, what was found, where the results went."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from overread.clinic.run_folder import PICTURE
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, RunRow, StudyRow, StudyState

HERE = Path(__file__).parent
REFRESH_SECONDS = 5
MOST_LINES = 8
"""Numbers of one result in the list of studies; its own page has all."""
RUN_KEY = re.compile(r"[0-9a-f]{32}")
LONG_UID = re.compile(r"\d+(?:\.\d+){3,}")
UID_END = 8
STATE_WORDS = {
    StudyState.RECEIVING: "Receiving",
    StudyState.QUEUED: "Queued",
    StudyState.RUNNING: "Analysing",
    StudyState.DELIVERING: "Delivering",
    StudyState.DELIVERED: "Delivered",
    StudyState.NO_ROUTE: "No route",
    StudyState.FAILED: "Failed",
}
DELIVERY_WORDS = {
    DeliveryState.WAITING: "Waiting",
    DeliveryState.DELIVERED: "Delivered",
    DeliveryState.REFUSED: "Refused",
}
HEADERS = {
    # The page holds patient data and needs nothing from anywhere else.
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class NodeFacts:
    """What the page says about the node itself."""

    aet: str
    address: str
    packages: tuple[tuple[str, str, str, str], ...]  # route, name, version, sha256
    destinations: tuple[str, ...]
    content_qualification: str


def create_app(state: State, results: Path, facts: NodeFacts, trouble: Callable[[], str]) -> FastAPI:
    """The pages and the JSON beside them.

    Parameters
    ----------
    state
        The node's database; only read here.
    results
        Folder of the runs' files, for pictures.
    trouble
        Text of what keeps the node from working at this moment; empty when all is well.
    """
    app = FastAPI(title="overread clinic", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    pages.filters.update(moment=moment, person=person, short_uids=short_uids)
    pages.globals.update(
        facts=facts,
        state_words=STATE_WORDS,
        delivery_words=DELIVERY_WORDS,
        refresh=REFRESH_SECONDS,
        most_lines=MOST_LINES,
    )

    @app.middleware("http")
    async def secure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        return response

    @app.get("/", response_class=HTMLResponse)
    def studies_page() -> str:
        rows = state.studies()
        return pages.get_template("studies.html").render(
            studies=[(study, prediction_of(study), has_picture(study.run)) for study in rows],
            trouble=trouble(),
            virtual=any(s.virtual for s in rows),
        )

    @app.get("/studies/{uid}", response_class=HTMLResponse)
    def study_page(uid: str) -> str:
        study = _found(state.study(uid))
        return pages.get_template("study.html").render(
            study=study,
            run=study.run,
            prediction=prediction_of(study),
            picture=has_picture(study.run),
            trouble=trouble(),
            virtual=study.virtual,
        )

    @app.get("/runs/{key}/overlay.png")
    def picture(key: str) -> FileResponse:
        run = state.run(key) if RUN_KEY.fullmatch(key) else None
        if run is None or not has_picture(run):
            raise HTTPException(404, "no such picture")
        return FileResponse(results / run.key / PICTURE, media_type="image/png")

    @app.get("/api/studies")
    def studies_json() -> list[dict[str, Any]]:
        return [as_json(study) for study in state.studies()]

    @app.get("/api/studies/{uid}")
    def study_json(uid: str) -> dict[str, Any]:
        return as_json(_found(state.study(uid)))

    @app.get("/healthz")
    def health() -> JSONResponse:
        text = trouble()
        return JSONResponse({"status": "trouble" if text else "ok", "trouble": text}, 503 if text else 200)

    return app


def as_json(study: StudyRow) -> dict[str, Any]:
    """A study with its run, results and deliveries as JSON data."""
    content = asdict(study)
    content["result"] = prediction_of(study).get("headline", "")
    content["picture"] = (
        f"/runs/{study.run.key}/overlay.png" if study.run and has_picture(study.run) else None
    )
    return content


def prediction_of(study: StudyRow) -> dict[str, Any]:
    """What `overread.clinic.shown.shown` made of the latest run's prediction; empty while there is none."""
    return study.run.prediction if study.run is not None else {}


def has_picture(run: RunRow | None) -> bool:
    """Whether the run has an overlay picture."""
    return run is not None and PICTURE in run.files


def moment(text: str) -> str:
    """A time in UTC as the node's local time, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def short_uids(text: str) -> str:
    """A sentence for a narrow column: of every long UID its end, which tells those of one study apart."""
    return LONG_UID.sub(lambda m: m[0] if len(m[0]) <= 3 * UID_END else f"...{m[0][-UID_END:]}", text)


def person(name: str) -> str:
    """A DICOM person name for reading: ``Family, Given`` of its first group (PS3.5 section 6.2.1)."""
    parts = [part.strip() for part in name.split("=")[0].split("^")]
    given = " ".join(part for part in parts[1:3] if part)
    return ", ".join(part for part in (parts[0], given) if part)


def _found(study: StudyRow | None) -> StudyRow:
    if study is None:
        raise HTTPException(404, "no such study")
    return study
