"""One reader in a real browser: wrong password, reading list, slices by keyboard, feedback, an expired session."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import uvicorn
from tests.clinic.results.made import in_slice_order
from tests.clinic.site import CEILING_SECONDS, wait_for, write_segmenter, write_series
from tests.web.clinic import KEY, PASSWORD, Clinic

from overread.clinic.people import Role
from overread.clinic.receive.connections import limited
from overread.clinic.receive.limits import Associations
from overread.clinic.results.view import write_view
from overread.clinic.results.volume import write_volume
from overread.runtime.predict import predict

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Clinic, str]]:
    clinic = Clinic(tmp_path)
    package = write_segmenter(tmp_path / "p.overread")
    image, _, _ = in_slice_order(write_series(tmp_path / "in"))
    clinic.add_study()
    clinic.add_run()
    (clinic.results / KEY).mkdir(parents=True)
    answer = predict(package, image, maps=True)
    write_view(clinic.results / KEY, image, answer)
    write_volume(clinic.results / KEY, image, answer, package.manifest.labels[1:])
    clinic.site.users.add("ann", frozenset({Role.READER}), PASSWORD, must_change=False)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config = uvicorn.Config(
            clinic.app,
            log_level="error",
            access_log=False,
            ws="none",
            http=limited(Associations(total=20, per_address=20), 60),
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        yield clinic, f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=CEILING_SECONDS)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_reader(served: tuple[Clinic, str]) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    clinic, address = served
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(1000 * CEILING_SECONDS)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        page.fill("[name=name]", "ann")
        page.fill("[name=password]", "not the password")
        page.press("[name=password]", "Enter")
        page.wait_for_selector("text=Wrong name or password")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.click("text=Doe, Jane")
        page.wait_for_selector(".viewer")
        page.focus(".stack")
        before = int(page.inner_text("output").split()[0])
        page.keyboard.press("ArrowDown")
        assert int(page.inner_text("output").split()[0]) == before + 1
        page.check(".show-heat")
        # Waiting for a condition in the page would need eval, which the page's own policy forbids.
        while page.evaluate("document.querySelector('.layer.heat').naturalWidth") == 0:
            page.wait_for_timeout(50)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0, "nothing is wider than a phone"
        page.click("text=Three planes")
        page.wait_for_selector(".planes canvas:focus")
        slice_before = page.inner_text(".here").split(":")[0]
        assert slice_before.endswith("of 6")
        page.keyboard.press("ArrowUp")
        while page.inner_text(".here").split(":")[0] == slice_before:
            page.wait_for_timeout(50)
        page.fill(".planes .width", "100")
        page.press(".planes .width", "Enter")
        assert page.locator(".planes canvas").count() == 3
        assert page.evaluate(wide) == 0, "nor are the planes"
        page.check("[value=reject]")
        page.select_option("[name=reason]", "false_positive")
        page.click("text=Keep")
        page.wait_for_selector(".opinion.reject")
        clinic.site.sessions.end_all("ann")
        page.goto(address)
        page.wait_for_selector("text=Your session has ended")
        browser.close()
    assert faults == []
    assert [f.reason for f in clinic.site.feedback.feedback()] == ["false_positive"]


def test_idle_connections_are_few_and_do_not_last(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, login=False)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            clinic.app,
            log_level="error",
            access_log=False,
            ws="none",
            http=limited(Associations(total=5, per_address=5), 0.5),
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        # Those above the limit are hung up on at once, the others when they have asked nothing for long.
        for connection in held:
            connection.settimeout(CEILING_SECONDS)
            with closing(connection), suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        with closing(socket.create_connection(("127.0.0.1", port))) as one:
            one.settimeout(CEILING_SECONDS)
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert one.recv(12) == b"HTTP/1.1 200"
        server.should_exit = True
        thread.join(timeout=CEILING_SECONDS)
