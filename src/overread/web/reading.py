"""The reading list and the study page, with what a reader says of a result."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from overread.clinic.feedback import REASONS, Feedback, Verdict
from overread.clinic.people import Role
from overread.clinic.priors.kept import read_priors
from overread.clinic.results.view import Layer, view_facts, view_layer
from overread.clinic.results.volume import VOLUME
from overread.clinic.run_folder import PICTURE
from overread.clinic.tables import RunRow, StudyRow, StudyState
from overread.errors import InputError
from overread.files import sha256_bytes
from overread.web.rendering import page
from overread.web.sessions import Session
from overread.web.site import Site
from overread.web.who import form_session, may, session_of, site_of

PAGE_SIZE = 25
MOST_LINES = 8
"""Numbers of one result in the list of studies; its own page has all."""
RUN_KEY = re.compile(r"[0-9a-f]{32}")
FILTERS: dict[str, tuple[StudyState, ...]] = {
    "open": (StudyState.RECEIVING, StudyState.QUEUED, StudyState.RUNNING, StudyState.DELIVERING),
    "delivered": (StudyState.DELIVERED,),
    "failed": (StudyState.FAILED, StudyState.NO_ROUTE),
    "shadow": (StudyState.SHADOW,),
}
router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(session_of)]


@router.get("/", response_class=HTMLResponse)
def reading_list(
    request: Request,
    session: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Studies by priority, the latest first; searched, filtered, a page at a time."""
    site, states = site_of(request), FILTERS.get(state, ())
    found = site.state.count(q.strip(), states)
    pages = max(1, -(-found // PAGE_SIZE))
    number = min(number, pages)
    rows = site.state.studies(PAGE_SIZE, PAGE_SIZE * (number - 1), q.strip(), states)
    keep = {k: v for k, v in (("q", q), ("state", state)) if v}
    return page(
        request,
        "studies.html",
        session,
        studies=[(study, prediction_of(study), has_picture(study.run)) for study in rows],
        virtual=any(s.virtual for s in rows),
        q=q,
        state=state,
        filters=list(FILTERS),
        found=found,
        number=number,
        pages=pages,
        before="/?" + urlencode({**keep, "page": number - 1}),
        after="/?" + urlencode({**keep, "page": number + 1}),
        most_lines=MOST_LINES,
    )


@router.get("/studies/{uid}", response_class=HTMLResponse)
def study_page(request: Request, session: Reader, uid: str, run: str = "") -> HTMLResponse:
    """One study with the results of one of its runs, the first unless ``run`` names another."""
    return show_study(request, session, uid, run)


def show_study(
    request: Request, session: Session, uid: str, run: str = "", *, error: str = "", status: int = 200
) -> HTMLResponse:
    """The study page; ``error``: why what was asked on it was not done."""
    site = site_of(request)
    study = found(site.state.study(uid))
    shown = next((r for r in study.runs if r.key == run), study.run)
    site.viewed(session.name, uid, shown.key if shown else "")
    facts = view_facts(site.results / shown.key) if shown else None
    return page(
        request,
        "study.html",
        session,
        status=status,
        study=study,
        run=shown,
        prediction=shown.prediction if shown else {},
        picture=has_picture(shown),
        view=facts,
        volume=shown is not None and (site.results / shown.key / VOLUME).exists(),
        priors=read_priors(site.results / shown.key) if shown else None,
        opinions=site.feedback.feedback(shown.key) if shown else [],
        reasons=REASONS,
        verdicts=list(Verdict),
        virtual=study.virtual,
        error=error,
        may_operate=session.may(Role.OPERATOR),
    )


@router.post("/studies/{uid}/runs/{key}/feedback")
def say(
    request: Request,
    uid: str,
    key: str,
    given: Annotated[tuple[Session, dict[str, str]], Depends(form_session)],
    _: Annotated[Session, Depends(may(Role.READER))],
) -> Response:
    """Keep what a reader says of a run."""
    session, form = given
    try:
        keep_feedback(site_of(request), session, uid, key, form)
    except InputError as error:
        return show_study(request, session, uid, key, error=str(error), status=400)
    return RedirectResponse(f"/studies/{uid}?run={key}#feedback", 303)


def keep_feedback(site: Site, session: Session, uid: str, key: str, given: dict[str, Any]) -> int:
    """An opinion in the database, its hash in the chain of evidence. Raises InputError for one that is not whole."""
    study = found(site.state.study(uid))
    run = next((r for r in study.runs if r.key == key), None)
    if run is None:
        raise HTTPException(404, "no such run")
    try:
        verdict = Verdict(given.get("verdict", ""))
    except ValueError:
        raise InputError(f"verdict: expected one of {', '.join(Verdict)}") from None
    texts = {k: str(given.get(k, "") or "").strip() for k in ("reason", "label", "correction", "comment")}
    if verdict is Verdict.ACCEPT:
        texts |= {"reason": "", "correction": ""}
    opinion = Feedback(
        run.key,
        uid,
        run.package_sha256,
        session.name,
        verdict,
        reason=texts["reason"],
        label=texts["label"],
        correction=texts["correction"],
        comment=texts["comment"],
    )
    number = site.feedback.say(opinion)
    words = sha256_bytes("\0".join((texts["label"], texts["correction"], texts["comment"])).encode())
    site.note(
        "clinic.feedback",
        actor=session.name,
        study=uid,
        run=key,
        verdict=str(verdict),
        reason=texts["reason"],
        words_sha256=words,
    )
    return number


@router.get("/runs/{key}/overlay.png")
def picture(request: Request, session: Reader, key: str) -> FileResponse:
    """The one picture of a run."""
    run, folder = known_run(site_of(request), key)
    if not has_picture(run):
        raise HTTPException(404, "no such picture")
    return FileResponse(folder / PICTURE, media_type="image/png")


@router.get("/runs/{key}/{layer}/{number}.png")
def slice_layer(request: Request, session: Reader, key: str, layer: str, number: str) -> Response:
    """One layer of one slice."""
    _, folder = known_run(site_of(request), key)
    known = layer in get_args(Layer) and number.isascii() and number.isdigit()
    content = view_layer(folder, layer, int(number[:9])) if known else None  # type: ignore[arg-type]
    if content is None:
        raise HTTPException(404, "no such slice")
    return Response(content, media_type="image/png")


def known_run(site: Site, key: str) -> tuple[RunRow, Path]:
    """A run of this node and its folder. Raises HTTPException 404."""
    run = site.state.run(key) if RUN_KEY.fullmatch(key) else None
    if run is None:
        raise HTTPException(404, "no such run")
    return run, site.results / run.key


def prediction_of(study: StudyRow) -> dict[str, Any]:
    """What `overread.clinic.shown.shown` made of the first run's prediction; empty while there is none."""
    return study.run.prediction if study.run is not None else {}


def has_picture(run: RunRow | None) -> bool:
    """Whether the run has an overlay picture."""
    return run is not None and PICTURE in run.files


def found(study: StudyRow | None) -> StudyRow:
    """A study that is there. Raises HTTPException 404."""
    if study is None:
        raise HTTPException(404, "no such study")
    return study
