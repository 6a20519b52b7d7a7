"""The JSON API, described at /api/openapi.json: what the pages show, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from overread.clinic.feedback import LONGEST_TEXT, Verdict
from overread.clinic.people import Role
from overread.clinic.tables import StudyRow, StudyState
from overread.errors import InputError
from overread.web.operations import ask
from overread.web.reading import RUN_KEY, found, has_picture, keep_feedback, prediction_of
from overread.web.sessions import Session
from overread.web.who import api_session, site_of
from overread.web.words import no_paths

router = APIRouter(prefix="/api")
Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="Study Instance UID")]
Key = Annotated[str, Path(pattern=f"^{RUN_KEY.pattern}$", description="key of a run")]
User = Annotated[Session, Depends(api_session)]
SENTENCES = ("error", "text", "objects")
"""Names of values that may quote what a program of this machine said."""
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Problem(BaseModel):
    """Why a request was not done."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words}
    for code, words in {
        401: "log in first",
        403: "not allowed",
        404: "not here",
        429: "too many requests or wrong passwords",
    }.items()
}
ASKED: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    400: {"model": Problem, "description": "the body is no JSON"},
    409: {"model": Problem, "description": "cannot be done now"},
    413: {"model": Problem, "description": "the body is too large"},
}


class Studies(BaseModel):
    """A part of the reading list, and how many there are."""

    found: int
    studies: list[dict[str, Any]]


class Opinion(BaseModel):
    """What a reader says of a run."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    reason: Annotated[str, Field(max_length=40)] = ""
    label: Text = ""
    correction: Text = ""
    comment: Text = ""


class Kept(BaseModel):
    """Number of what was kept or asked for."""

    id: int


class Action(BaseModel):
    """What the node is asked for: of a run ``retry`` or ``resend``, of a study ``rerun`` or ``delete``, of a request
    that was given up ``again``."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["retry", "resend", "rerun", "delete", "again"]
    run: Annotated[str, Field(max_length=64)] = ""
    study: Annotated[str, Field(max_length=64)] = ""
    destination: Annotated[str, Field(max_length=64)] = ""
    sure: Literal["", "yes"] = ""
    request: Annotated[str, Field(max_length=15)] = ""


@router.get("/studies", responses=REFUSALS)
def studies(
    request: Request,
    _: User,
    q: Annotated[str, Query(max_length=200, description="searched for in patient, description and UID")] = "",
    state: Annotated[list[StudyState] | None, Query(description="only these states")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Studies:
    """Studies by priority, the latest first."""
    state_of_node = site_of(request).state
    rows = state_of_node.studies(limit, offset, q, state or ())
    return Studies(found=state_of_node.count(q, state or ()), studies=[as_json(s) for s in rows])


@router.get("/studies/{uid}", responses=REFUSALS)
def study(request: Request, user: User, uid: Uid) -> dict[str, Any]:
    """One study with its runs, results and deliveries."""
    site = site_of(request)
    row = found(site.state.study(uid))
    site.viewed(user.name, uid, row.run.key if row.run else "")
    return as_json(row)


@router.post(
    "/studies/{uid}/runs/{key}/feedback",
    status_code=201,
    responses={**REFUSALS, 400: {"model": Problem, "description": "not whole"}},
)
def feedback(request: Request, user: User, uid: Uid, key: Key, opinion: Opinion) -> Kept:
    """Accept, reject or correct a result."""
    _needs(user, Role.READER)
    try:
        return Kept(id=keep_feedback(site_of(request), user, uid, key, opinion.model_dump()))
    except InputError as error:
        raise HTTPException(400, str(error)) from error


@router.get("/feedback", responses=REFUSALS)
def all_feedback(
    request: Request,
    user: User,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> list[dict[str, Any]]:
    """What readers said, the latest first."""
    _needs(user, Role.QUALITY)
    return [asdict(f) for f in site_of(request).feedback.feedback(limit=limit, offset=offset)]


@router.post("/operations", status_code=202, responses=ASKED)
def operate(request: Request, user: User, action: Action) -> Kept:
    """Ask the node to take up, send, answer again or delete."""
    _needs(user, Role.OPERATOR)
    try:
        return Kept(id=ask(site_of(request), user, action.action, action.model_dump(exclude={"action"})))
    except InputError as error:
        raise HTTPException(409, str(error)) from error


health_router = APIRouter()


@health_router.get("/healthz", include_in_schema=False)
def health(request: Request) -> JSONResponse:
    """503 with the reason while the node cannot do its work."""
    text = no_paths(site_of(request).trouble())
    return JSONResponse({"status": "trouble" if text else "ok", "trouble": text}, 503 if text else 200)


@health_router.get("/readyz", include_in_schema=False)
def ready(request: Request) -> JSONResponse:
    """503 while no instance would be taken."""
    site = site_of(request)
    text = no_paths(site.trouble())
    taking = not text and site.ready()
    return JSONResponse({"ready": taking, "trouble": text}, 200 if taking else 503)


@health_router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Numbers for Prometheus; they name no patient, so that no login is asked for."""
    site = site_of(request)
    if site.metrics is None:
        raise HTTPException(404, "no metrics here")
    return Response(site.counted(), media_type="text/plain; version=0.0.4")


def as_json(row: StudyRow) -> dict[str, Any]:
    """A study with its runs, results and deliveries as JSON data."""
    content = asdict(row)
    content["result"] = prediction_of(row).get("headline", "")
    content["picture"] = f"/runs/{row.run.key}/overlay.png" if row.run and has_picture(row.run) else None
    return _without_paths(content)


def _without_paths(value: Any, name: str = "") -> Any:
    """The same data, what it says of errors, at whatever depth, without the folders of this machine."""
    if isinstance(value, dict):
        return {k: _without_paths(v, name if name == "objects" else k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(v, name) for v in value]
    return no_paths(value) if isinstance(value, str) and name in SENTENCES else value


def _needs(session: Session, role: Role) -> None:
    if not session.may(role):
        raise HTTPException(403, f"this needs the role {role}")
