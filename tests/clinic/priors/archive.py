"""Archives of the test's own making: by DICOM with pynetdicom, by DICOMweb with a few lines of HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from tests.clinic.receive.test_multipart import body_of

FIND, GET, MOVE = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 3, 2))
STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "PatientID", "PatientBirthDate")
SERIES = ("SeriesInstanceUID", "Modality", "SeriesDescription")


def _rows(files: list[Path], keys: tuple[str, ...], **wanted: str) -> list[Dataset]:
    found: dict[str, Dataset] = {}
    for ds in map(dcmread, files):
        if all(str(ds.get(k, "")) == v for k, v in wanted.items() if v):
            row = Dataset()
            for key in keys:
                setattr(row, key, ds.get(key, ""))
            found[str(row.get(keys[0]))] = row
    return list(found.values())


@contextmanager
def dicom_archive(
    files: list[Path], *, mask: dict[str, str] | None = None, move_to: int = 0, find: Any = None
) -> Iterator[int]:
    """Answers queries and sends; ``mask`` overwrites what it answers to queries; ``find`` answers instead."""

    def on_find(event: Any) -> Iterator[Any]:
        asked = event.identifier
        if asked.QueryRetrieveLevel == "STUDY":
            rows = _rows(files, STUDY, PatientID=str(asked.PatientID) if not mask else "")
        else:
            rows = _rows(files, SERIES, StudyInstanceUID=str(asked.StudyInstanceUID))
        for row in rows:
            for key, value in (mask or {}).items():
                if key in row:
                    setattr(row, key, value)
            yield 0xFF00, row

    def matching(event: Any) -> list[Dataset]:
        uid, series = event.identifier.StudyInstanceUID, event.identifier.get("SeriesInstanceUID", "")
        return [
            ds
            for ds in map(dcmread, files)
            if ds.StudyInstanceUID == uid and series in ("", ds.SeriesInstanceUID)
        ]

    def on_get(event: Any) -> Iterator[Any]:
        found = matching(event)
        yield len(found)
        for ds in found:
            yield 0xFF00, ds

    def on_move(event: Any) -> Iterator[Any]:
        yield "127.0.0.1", move_to
        yield from on_get(event)

    ae = AE("PACS")
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, scu_role=True, scp_role=True)
    for model in (FIND, GET, MOVE):
        ae.add_supported_context(model)
    ae.add_requested_context("1.2.840.10008.5.1.4.1.1.4")
    handlers = [(evt.EVT_C_FIND, find or on_find), (evt.EVT_C_GET, on_get), (evt.EVT_C_MOVE, on_move)]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def _json(row: Dataset) -> dict[str, Any]:
    return {f"{e.tag:08X}": {"vr": e.VR, "Value": [str(e.value)]} for e in row if str(e.value)}


@contextmanager
def web_archive(files: list[Path]) -> Iterator[tuple[str, list[str]]]:
    """QIDO-RS of studies and series, WADO-RS of a series; its address, and what was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            url = urlsplit(self.path)
            parts = url.path.removeprefix("/dicom-web/").split("/")
            if parts == ["studies"]:
                rows = _rows(files, STUDY, PatientID=parse_qs(url.query)["PatientID"][0])
                body, kind = json.dumps([_json(r) for r in rows]).encode(), "application/dicom+json"
            elif len(parts) == 3:
                rows = _rows(files, SERIES, StudyInstanceUID=parts[1])
                body, kind = json.dumps([_json(r) for r in rows]).encode(), "application/dicom+json"
            else:
                found = [p for p in files if str(dcmread(p).SeriesInstanceUID) == parts[3]]
                body = body_of([p.read_bytes() for p in found])
                kind = 'multipart/related; type="application/dicom"; boundary=B'
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/dicom-web", asked
    finally:
        server.shutdown()
        server.server_close()
