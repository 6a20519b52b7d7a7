"""The pages over the network: by https, behind a proxy, and what is believed of whom."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.clinic.receive.test_tls import write_certificate
from tests.clinic.site import CEILING_SECONDS, wait_for
from tests.web.clinic import PASSWORD, Clinic

from overread.clinic.people import Role
from overread.clinic.web_settings import Web
from overread.errors import InputError
from overread.web.serve import server_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def served(clinic: Clinic) -> Iterator[int]:
    clinic.site.users.add("eva", frozenset({Role.READER}), PASSWORD, must_change=False)
    server = server_of(clinic.site)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(timeout=CEILING_SECONDS)


def log_in(connection: http.client.HTTPConnection, **headers: str) -> http.client.HTTPResponse:
    body = urlencode({"name": "eva", "password": PASSWORD})
    with closing(connection):
        connection.request("POST", "/login", body, {**FORM, **headers})
        answer = connection.getresponse()
        answer.read()
    return answer


def test_pages_by_https(tmp_path: Path) -> None:
    write_certificate(tmp_path / "node", "127.0.0.1")
    tls = {"certificate": tmp_path / "node.pem", "key": tmp_path / "node.key"}
    with served(Clinic(tmp_path, tls=tls)) as port:
        context = ssl.create_default_context(cafile=str(tmp_path / "node.pem"))
        context.check_hostname = False
        answer = log_in(
            http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=CEILING_SECONDS)
        )
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert "; Secure" in str(answer.headers["Set-Cookie"])
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=CEILING_SECONDS)
        with pytest.raises((http.client.HTTPException, OSError)):
            log_in(plain)


@pytest.mark.parametrize(
    ("proxies", "believed"), [(["127.0.0.0/8"], True), (["192.0.2.1"], False), ([], False)]
)
def test_a_proxy_is_believed_from_its_own_address_alone(
    tmp_path: Path, proxies: list[str], believed: bool
) -> None:
    clinic = Clinic(tmp_path, proxies=proxies)
    with served(clinic) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CEILING_SECONDS)
        answer = log_in(
            connection, **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.9, 203.0.113.5"}
        )
        assert answer.status == 303
        assert ("; Secure" in str(answer.headers["Set-Cookie"])) == believed
        assert ("Strict-Transport-Security" in answer.headers) == believed
    address = clinic.notes[-1][2]["address"]
    assert address == ("203.0.113.5" if believed else "127.0.0.1"), "the last hop, which the proxy has seen"


def test_a_key_that_does_not_fit_stops_the_start(tmp_path: Path) -> None:
    write_certificate(tmp_path / "node", "a")
    write_certificate(tmp_path / "other", "b")
    tls = {"certificate": tmp_path / "node.pem", "key": tmp_path / "other.key"}
    with pytest.raises(InputError, match=r"web\.tls"):
        server_of(Clinic(tmp_path, tls=tls).site)


@pytest.mark.parametrize(
    ("settings", "open_"),
    [
        ({}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "0.0.0.0", "proxies": ["192.0.2.1"]}, False),
        ({"host": "0.0.0.0", "tls": {"certificate": "a", "key": "b"}}, False),
    ],
)
def test_passwords_in_the_clear_are_known(settings: dict[str, Any], open_: bool) -> None:
    assert Web.model_validate(settings).open_to_listeners == open_
