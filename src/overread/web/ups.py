"""UPS-RS for programs with a bearer token: urgent studies as workitems that are claimed and ended."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from overread.clinic.receive.limits import block_of
from overread.clinic.spool import safe_uid
from overread.clinic.ups.perform import Said, change, request_cancel
from overread.clinic.ups.resources import BASE, CANCEL, CHANGE, RETRIEVE, SEARCH
from overread.clinic.ups.search import search
from overread.clinic.ups.workitem import as_dataset, as_json
from overread.errors import InputError
from overread.web.who import site_of

JSON = "application/dicom+json"
AGENT = "overread"
router = APIRouter(prefix=BASE, include_in_schema=False)


def client_of(request: Request) -> str:
    """The name of the client whose token is shown. Raises HTTPException 401, and 404 where no client is configured."""
    site = site_of(request)
    if site.callers is None:
        raise HTTPException(404, "this node serves no workitems; see web.ups")
    address = request.client.host if request.client else ""
    key = f"token {block_of(address)}"
    if wait := site.failures.wait(key):
        raise HTTPException(429, "too many wrong tokens", {"Retry-After": str(int(wait) + 1)})
    found = site.callers.identify(request.headers.get("authorization", ""), address)
    if found is None:
        site.failures.count(key)
        raise HTTPException(401, "show a token of web.ups", {"WWW-Authenticate": 'Bearer realm="workitems"'})
    return found.name


def uid_of(uid: str) -> str:
    """The UID of a path. Raises HTTPException 404 for what is none."""
    try:
        return safe_uid(uid)
    except ValueError:
        raise HTTPException(404, "no such workitem") from None


async def body_of(request: Request) -> Any:
    """The body as DICOM JSON; None where there is none. Raises HTTPException 400, 415."""
    content = await request.body()
    if not content:
        return None
    if request.headers.get("content-type", "").split(";")[0].strip().lower() not in (
        JSON,
        "application/json",
    ):
        raise HTTPException(415, f"expected {JSON}")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None


Client = Annotated[str, Depends(client_of)]
Uid = Annotated[str, Depends(uid_of)]
Body = Annotated[Any, Depends(body_of)]


@router.api_route(SEARCH.path, methods=[SEARCH.method])
def find(request: Request, client: Client) -> Response:
    """Workitems that fit; 204 where none does."""
    try:
        found = search(site_of(request).state, dict(request.query_params))
    except InputError as error:
        raise HTTPException(400, str(error)) from error
    return Response(json.dumps(found), media_type=JSON) if found else Response(status_code=204)


@router.api_route(RETRIEVE.path, methods=[RETRIEVE.method])
def one(request: Request, client: Client, uid: Uid) -> Response:
    """All of one."""
    state = site_of(request).state
    item = state.workitem(uid)
    study = state.study(item.study_uid) if item else None
    if item is None or study is None:
        raise HTTPException(404, "no such workitem")
    site_of(request).viewed(client, item.study_uid, item.run)
    return Response(json.dumps([as_json(as_dataset(item, study))]), media_type=JSON)


@router.api_route(CHANGE.path, methods=[CHANGE.method])
def state(request: Request, client: Client, uid: Uid, body: Body) -> Response:
    """Claim, complete, cancel."""
    return _told(request, client, uid, change(site_of(request).state, uid, body, client))


@router.api_route(CANCEL.path, methods=[CANCEL.method])
def cancel(request: Request, client: Client, uid: Uid, body: Body) -> Response:
    """Ask that one be cancelled."""
    return _told(request, client, uid, request_cancel(site_of(request).state, uid, body))


def _told(request: Request, client: str, uid: str, said: Said) -> Response:
    if said.changed is not None:
        site = site_of(request)
        item = site.state.workitem(uid)
        study = item.study_uid if item else ""
        site.note("clinic.workitem", actor=client, study=study, workitem=uid, state=said.changed.value)
    headers = {"Warning": f"299 {AGENT}: {said.warning}"} if said.warning else {}
    return Response(status_code=said.status, headers=headers)
