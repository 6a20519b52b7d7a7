"""The volume of a run, for the three planes of the study page."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from overread.clinic.results.volume import Part, volume_facts, volume_part
from overread.web.reading import known_run
from overread.web.sessions import Session
from overread.web.who import session_of, site_of

router = APIRouter(include_in_schema=False)
Reader = Annotated[Session, Depends(session_of)]


@router.get("/runs/{key}/volume.json")
def facts(request: Request, session: Reader, key: str) -> JSONResponse:
    """What the bytes mean."""
    _, folder = known_run(site_of(request), key)
    found = volume_facts(folder)
    if found is None:
        raise HTTPException(404, "no such volume")
    return JSONResponse(found)


@router.get("/runs/{key}/volume/{part}")
def part(request: Request, session: Reader, key: str, part: str) -> Response:
    """Values or labels."""
    _, folder = known_run(site_of(request), key)
    content = volume_part(folder, part) if part in get_args(Part) else None  # type: ignore[arg-type]
    if content is None:
        raise HTTPException(404, "no such volume")
    return Response(content, media_type="application/octet-stream", headers={"Content-Encoding": "gzip"})
