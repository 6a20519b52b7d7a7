"""What every request passes first, and what is written down of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.web.clinic import Clinic

from overread.web.guard import host_known


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path, login=False, hosts=["pacs-ai.hospital.example"])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("[::1]:8080", 200),
        ("192.0.2.7:8080", 200),
        ("PACS-AI.hospital.example:8080", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_foreign_host_headers_get_no_data(clinic: Clinic, host: str, status: int) -> None:
    clinic.add_study()
    answer = clinic.browser().get("/", headers={"Host": host})
    assert answer.status_code == status
    assert ("Jane" in answer.text) == (status == 200)


def test_hosts() -> None:
    assert host_known("a", {"a"}) and not host_known("b", {"a"})


def test_one_address_asks_so_often_and_no_oftener(tmp_path: Path) -> None:
    browser = Clinic(tmp_path, login=False, requests_per_minute=10).browser()
    answers = [browser.get("/healthz").status_code for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_bodies_are_bounded(clinic: Clinic) -> None:
    browser = clinic.browser()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/login", content=b"x" * 70_000, headers=form).status_code == 413
    endless = browser.post("/login", content=iter([b"a=1"]), headers=form)
    assert endless.status_code == 413
    assert browser.post("/login", content=b"a=1", headers={"Content-Type": "text/xml"}).status_code == 415
    many = "&".join(f"a{n}=1" for n in range(100)).encode()
    assert browser.post("/login", content=many, headers=form).status_code == 400


def test_access_log_names_who_and_what_and_never_what_was_searched_for(
    clinic: Clinic, tmp_path: Path
) -> None:
    clinic.browser().get("/?q=Doe")
    clinic.browser().get("/studies/9.9%0d%0aforged")
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    assert (lines[0]["user"], lines[0]["path"], lines[0]["status"]) == ("local", "/", 200)
    assert len(lines) == 2 and "Doe" not in (tmp_path / "access.log").read_text()


def test_errors_are_plain_and_tell_no_folder(
    clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "clinic.db"))

    browser = clinic.browser(raise_server_exceptions=False)
    clinic.trouble = f"OSError: {tmp_path}/spool/x.dcm: No space left on device"
    page = browser.get("/")
    assert (page.status_code, "No space left" in page.text, str(tmp_path) in page.text) == (200, True, False)
    assert str(tmp_path) not in browser.get("/healthz").text
    monkeypatch.setattr(type(clinic.state), "studies", fail)
    answer = browser.get("/")
    assert (answer.status_code, "went wrong" in answer.text, str(tmp_path) in answer.text) == (
        500,
        True,
        False,
    )
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer = browser.get("/api/studies")
    assert (answer.status_code, answer.json()) == (500, {"detail": "The node's log says what."})


def test_a_full_disk_locks_nobody_out(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    browser = clinic.person("ann")
    (tmp_path / "access.log").unlink(missing_ok=True)
    (tmp_path / "access.log").mkdir()
    assert browser.get("/").status_code == 200
