"""Studies from a DICOMweb archive, which is a few lines of HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.clinic.receive.raw import node
from tests.clinic.receive.test_multipart import body_of
from tests.clinic.site import write_series

from overread.clinic.associate import UnreachableError
from overread.clinic.config import ClinicConfig
from overread.clinic.pull.settings import Pull
from overread.clinic.pull.web import fetch_study
from overread.clinic.pull_command import pull_study
from overread.clinic.receive.settings import Receive
from overread.clinic.spool import Spool
from overread.errors import OverreadError

STUDY, LONGEST = "1.2.3", 1 << 20
KIND = 'multipart/related; type="application/dicom"; boundary=B'


@contextmanager
def archive(status: int, body: bytes, kind: str = KIND, **headers: str) -> Iterator[Any]:
    """Answers every request for the study so; gives its source."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == f"/dicom-web/studies/{STUDY}"
            assert "application/dicom" in self.headers["Accept"]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    try:
        yield Pull.model_validate({"sources": [{"kind": "web", "name": "WEB", "url": url}]})
    finally:
        server.shutdown()
        server.server_close()


def contents(folder: Path, study: str = STUDY) -> list[bytes]:
    return [p.read_bytes() for p in write_series(folder, study=study, slices=2)]


def test_a_study_comes_to_the_node(tmp_path: Path) -> None:
    with node(tmp_path) as here, archive(200, body_of(contents(tmp_path / "in"))) as pull:
        config = ClinicConfig.model_construct(
            aet="NODE",
            host="127.0.0.1",
            port=here.port,
            folder=tmp_path / "node",
            pull=pull,
            receive=Receive.model_validate({}),
        )
        assert pull_study(config, pull.sources[0], STUDY) == 2
        assert len(here.files()) == 2
    assert list((tmp_path / "node").iterdir()) == []


def test_only_what_was_asked_for_is_kept(tmp_path: Path) -> None:
    parts = [*contents(tmp_path / "a"), *contents(tmp_path / "b", "1.2.4"), b"no DICOM"]
    spool = Spool(tmp_path / "spool")
    with archive(200, body_of(parts)) as pull:
        retrieved = fetch_study(pull.sources[0], STUDY, spool=spool, longest=LONGEST)
    assert (retrieved.completed, retrieved.failed, spool.studies()) == (2, 3, [STUDY])


@pytest.mark.parametrize(
    ("status", "body", "kind", "error"),
    [
        (500, b"", KIND, OverreadError),
        (302, b"", KIND, OverreadError),
        (200, b"{}", "application/json", OverreadError),
        (200, b"--B\r\n\r\ncut", KIND, UnreachableError),
    ],
)
def test_an_answer_that_is_none(
    tmp_path: Path, status: int, body: bytes, kind: str, error: type[Exception]
) -> None:
    spool = Spool(tmp_path / "spool")
    with archive(status, body, kind, Location="http://192.0.2.1/") as pull, pytest.raises(error):
        fetch_study(pull.sources[0], STUDY, spool=spool, longest=LONGEST)
    assert [p for p in spool.incoming.iterdir() if p.stat().st_size] == []


def test_a_study_that_is_not_there_and_an_archive_that_is_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with archive(404, b"") as pull:
        assert fetch_study(pull.sources[0], STUDY, spool=spool, longest=LONGEST).completed == 0
    with pytest.raises(UnreachableError):
        fetch_study(pull.sources[0], STUDY, spool=spool, longest=LONGEST)
