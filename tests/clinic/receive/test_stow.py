"""STOW-RS: what is kept and what is answered, and what is refused before anything of a body is taken."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from tests.clinic.receive.test_multipart import body_of
from tests.clinic.receive.test_tls import write_certificate
from tests.clinic.site import CEILING_SECONDS, free_port, wait_for, write_series

from overread.clinic.keeping.arriving import Arriving
from overread.clinic.receive.settings import Receive, StowIn
from overread.clinic.spool import Spool, Status, Stored
from overread.clinic.storage import start_storage
from overread.errors import InputError

TOKEN = "a-token-of-enough-length"
KIND = 'multipart/related; type="application/dicom"; boundary=B'
REFERENCED, FAILED, OTHER = "00081199", "00081198", "0008119A"


@dataclass
class Stow:
    spool: Spool
    port: int
    server: Any
    stored: list[Stored] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)
    released: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    def post(
        self, body: Any, path: str = "/dicom-web/studies", method: str = "POST", **heads: str
    ) -> tuple[int, Any]:
        sent = {"Content-Type": KIND, "Authorization": f"Bearer {TOKEN}"}
        sent |= {k.replace("_", "-"): v for k, v in heads.items()}
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data=body, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=CEILING_SECONDS) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
                is_json = error.headers["Content-Type"] == "application/dicom+json"
                return error.code, json.loads(content) if is_json else content.decode()

    def files(self) -> list[str]:
        return sorted(p.name for p in self.spool.folder.glob("*/*.dcm"))


@contextmanager
def stow(
    folder: Path, *, maximum_object_mb: int = 4096, least_free_bytes: int = 0, **settings: Any
) -> Iterator[Stow]:
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    client = {"name": "CLOUD", "token_file": token, **settings.pop("client", {})}
    here = Stow(Spool(folder / "spool"), free_port(), None)

    def arrived(stored: Stored, sender: str) -> None:
        here.stored.append(stored)
        here.senders.add(sender)

    values = {"port": here.port, "clients": [client], **settings}
    here.server = start_storage(
        here.spool,
        aet="NODE",
        host="127.0.0.1",
        port=0,
        on_stored=arrived,
        on_released=lambda title, studies: here.released.append((title, studies)),
        settings=Receive.model_validate({"stow": values, "maximum_object_mb": maximum_object_mb}),
        least_free_bytes=least_free_bytes,
    )
    try:
        yield here
    finally:
        here.server.shutdown(drain_seconds=0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return [p.read_bytes() for p in write_series(tmp_path_factory.mktemp("series"), slices=3)]


def failures(content: Any, sequence: str = FAILED) -> list[int]:
    return [item["00081197"]["Value"][0] for item in content[sequence]["Value"]]


def test_instances_are_kept_and_named(tmp_path: Path, files: list[bytes]) -> None:
    with stow(tmp_path) as here:
        status, content = here.post(body_of(files), "/dicom-web/studies/1.2.3")
        assert status == 200
        named = [item["00081155"]["Value"][0] for item in content[REFERENCED]["Value"]]
        assert sorted(f"{n}.dcm" for n in named) == here.files()
        assert FAILED not in content
        assert here.released == [("CLOUD", frozenset({"1.2.3"}))]
        assert here.senders == {"CLOUD"}
        # Again: kept once, and success.
        assert here.post(body_of(files))[0] == 200
        assert [s.new for s in here.stored] == [True] * 3 + [False] * 3
        assert here.server.arriving() == frozenset()
        for sent in map(dcmread, map(BytesIO, files)):
            assert dcmread(here.spool.path("1.2.3", sent.SOPInstanceUID)) == sent


def test_what_cannot_be_kept_is_told_of_each(tmp_path: Path, files: list[bytes]) -> None:
    with stow(tmp_path) as here:
        wrong = files[1].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0", 1)
        status, content = here.post(body_of([files[0], b"no DICOM", wrong, files[2][:-10]]))
        assert status == 202
        assert len(content[REFERENCED]["Value"]) == 1
        assert failures(content, OTHER) == [Status.CANNOT_UNDERSTAND]
        assert failures(content) == [Status.SYNTAX_NOT_SUPPORTED, Status.CANNOT_UNDERSTAND]
        assert here.released == []
        status, content = here.post(body_of(files[1:]), "/dicom-web/studies/9.9")
        assert (status, failures(content)) == (409, [Status.DOES_NOT_MATCH] * 2)
        changed = files[0][:-2] + b"\x01\x02"
        assert failures(here.post(body_of([changed]))[1]) == [Status.OTHER_CONTENT]
        assert len(here.files()) == 1
        assert [p for p in here.spool.incoming.iterdir() if p.stat().st_size] == []


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (401, {"Authorization": "Bearer wrong-token-of-this-length"}),
        (401, {"Authorization": ""}),
        (401, {"Authorization": f"Basic {TOKEN}"}),
        (404, {"path": "/studies"}),
        (404, {"path": "/dicom-web/studies/../x"}),
        (405, {"method": "GET", "body": None}),
        (415, {"Content_Type": "application/dicom"}),
        (415, {"Content_Type": 'multipart/related; type="application/dicom+xml"; boundary=B'}),
        (415, {"Content_Encoding": "gzip"}),
        (400, {"Content_Type": 'multipart/related; type="application/dicom"'}),
        (400, {"body": b"nothing"}),
        (400, {"body": b"--B--\r\n"}),
        (413, {"body": b"--B" + bytes(1 << 20)}),
    ],
    ids=lambda v: str(v)[:60],
)
def test_refused(tmp_path: Path, files: list[bytes], status: int, change: dict[str, Any]) -> None:
    with stow(tmp_path, maximum_body_mb=1) as here:
        assert here.post(change.pop("body", body_of(files)), **change)[0] == status
        assert here.files() == []
        assert here.post(body_of(files))[0] == 200


def test_a_body_without_length_has_a_limit_too(tmp_path: Path, files: list[bytes]) -> None:
    with stow(tmp_path, maximum_body_mb=1, maximum_parts=3) as here:
        assert here.post(iter([body_of(files)]))[0] == 200
        assert here.post(iter([b"--B\r\n\r\n", *[bytes(1 << 16)] * 24]))[0] == 413
        assert here.post(body_of([*files, files[0]]))[0] == 202


def test_a_full_disk(tmp_path: Path, files: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Arriving) -> str:
        raise OSError(28, "No space left on device")

    with stow(tmp_path) as here:
        with monkeypatch.context() as patch:
            patch.setattr(Arriving, "to_disk", full)
            status, content = here.post(body_of(files))
        assert (status, failures(content)) == (507, [Status.OUT_OF_RESOURCES] * 3)
        assert here.files() == []
        assert here.post(body_of(files))[0] == 200
    with stow(tmp_path, least_free_bytes=1 << 62) as here:
        assert here.post(body_of(files))[0] == 507


def test_a_sender_that_goes_in_mid_body_leaves_nothing(tmp_path: Path, files: list[bytes]) -> None:
    head = (
        f"POST /dicom-web/studies/1.2.3 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {KIND}\r\nContent-Length: 100000\r\n\r\n"
    )
    with stow(tmp_path) as here:
        peer = socket.create_connection(("127.0.0.1", here.port), timeout=CEILING_SECONDS)
        peer.sendall(head.encode() + body_of(files)[:-20])
        wait_for(lambda: len(here.stored) == 2)
        # A study of which a request is open is still coming.
        assert here.server.arriving() == {"1.2.3"}
        peer.close()
        wait_for(lambda: not here.server.arriving())
        assert len(here.files()) == 2
        assert [p for p in here.spool.incoming.iterdir() if p.stat().st_size] == []
        assert here.released == []


def test_a_body_that_stands_still_is_ended(tmp_path: Path) -> None:
    head = (
        f"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {KIND}\r\nContent-Length: 100000\r\n\r\n--B\r\n"
    )
    with stow(tmp_path, idle_seconds=0.2) as here:
        peer = socket.create_connection(("127.0.0.1", here.port), timeout=CEILING_SECONDS)
        peer.sendall(head.encode())
        assert peer.recv(100).startswith(b"HTTP/1.1 408")
        peer.close()


def test_a_request_that_is_never_made_is_closed(tmp_path: Path, files: list[bytes]) -> None:
    with stow(tmp_path, head_seconds=1.0, maximum_connections=4) as here:
        silent = [
            socket.create_connection(("127.0.0.1", here.port), timeout=CEILING_SECONDS) for _ in range(6)
        ]
        for peer in silent:
            with suppress(ConnectionResetError):
                assert peer.recv(1) == b""
            peer.close()
        assert here.post(body_of(files))[0] == 200


def test_an_address_that_is_not_allowed(tmp_path: Path, files: list[bytes]) -> None:
    # A closed connection shows itself while the request is sent (URLError) or while its answer is read: both OSError.
    with stow(tmp_path, client={"addresses": ["192.0.2.0/24"]}) as here:
        with pytest.raises(OSError, match=r"(?i)reset|closed|broken pipe|abort"):
            here.post(body_of(files))
        assert here.files() == []


def test_in_tls(tmp_path: Path, files: list[bytes]) -> None:
    write_certificate(tmp_path / "node", "127.0.0.1", days=3)
    tls = {"certificate": tmp_path / "node.pem", "key": tmp_path / "node.key"}
    trust = ssl.create_default_context(cafile=str(tmp_path / "node.pem"))
    trust.check_hostname = False
    with stow(tmp_path, tls=tls) as here:
        request = urllib.request.Request(
            f"https://127.0.0.1:{here.port}/dicom-web/studies",
            data=body_of(files),
            headers={"Content-Type": KIND, "Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=CEILING_SECONDS, context=trust) as answer:
            assert answer.status == 200
        assert "ends on" in here.server.certificate_warnings()[0]


def test_settings_and_tokens_that_would_let_anybody_in(tmp_path: Path) -> None:
    token = tmp_path / "short"
    token.write_text("short")
    row = {"name": "A", "token_file": token}
    for wrong in ({"clients": []}, {"clients": [row], "host": "0.0.0.0"}, {"clients": [row, row]}):
        with pytest.raises(ValueError, match=r"clients|tls"):
            StowIn.model_validate(wrong)
    with pytest.raises(InputError, match="at least 16"), stow(tmp_path, client={"token_file": token}):
        pass
