"""Every kind of destination against a small server of its kind: done only when the receiver has said so."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hl7
import pytest
from pydicom.dataset import Dataset
from tests.clinic.site import write_series

from overread.clinic.config_destinations import Fhir, Hl7, MailTo, Stow, Webhook
from overread.clinic.outward import dicom, fhir, mail, stow, webhook
from overread.clinic.outward import hl7 as outward_hl7
from overread.clinic.outward.parcel import MESSAGE, Parcel
from overread.clinic.outward.signed import HEADER, sign, verify
from overread.clinic.run_folder import RunFacts
from overread.clinic.send import UnreachableError
from overread.clinic.tables import Priority

FACTS = RunFacts(
    "0123456789abcdef" * 2, "1.2.3", (), "r", "finder", "1.2", "0", False, "2026-01-02T03:04:05+00:00"
)
Answer = Callable[[str, bytes], tuple[int, Any]]


class Web:
    """An HTTP server that remembers what it was asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Answer = lambda path, body: (200, {})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path, dict(self.headers), body))
                status, content = outer.answer(self.path, body)
                raw = json.dumps(content).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = _do  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/base"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.stop()


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    files = write_series(tmp_path / "in", slices=2, IssuerOfPatientID="HOSP|A")
    prediction = {
        "headline": "lesion found",
        "lines": [{"name": "lesion volume", "value": "0.216 ml", "interval": "0.2 to 0.3"}],
    }
    return Parcel(FACTS, files, "ME", 300.0, "1", prediction=prediction, hashes={"sr.dcm": "ab"})


def secret(folder: Path) -> Path:
    path = folder / "secret"
    path.write_text("correct horse\n")
    return path


def test_stow_sends_each_object_by_itself(web: Web, parcel: Parcel) -> None:
    there = Stow(kind="stow", name="A", url=web.url)
    failed = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0xA900]}}]}}
    web.answer = lambda path, body: (
        (409, failed) if b"1.2.3.1.2\0" in body or len(web.asked) == 2 else (200, {})
    )
    said = stow.send(parcel, there)
    first, second = (p.name for p in parcel.objects)
    assert said[first].taken
    assert (said[second].refused, "reason 0xa900" in said[second].text) == (True, True)
    for (method, path, headers, body), file in zip(web.asked, parcel.objects, strict=True):
        assert (method, path) == ("POST", "/base/studies")
        assert headers["Content-Type"].startswith('multipart/related; type="application/dicom"; boundary=')
        assert file.read_bytes() in body
    for status in (503, 401, 429):
        web.answer = lambda path, body, status=status: (status, {})
        assert not any(s.refused or s.taken for s in stow.send(parcel, there).values())
    web.answer = lambda path, body: (302, {})
    assert not any(s.taken for s in stow.send(parcel, there).values()), "nothing is sent anywhere else"


def test_stow_confirmed_by_query(web: Web, parcel: Parcel) -> None:
    there = Stow(kind="stow", name="A", url=web.url, confirm="query")
    web.answer = lambda path, body: (200, []) if "instances?" in path else (200, {})
    said = stow.send(parcel, there)
    assert all(s.stored and not s.taken for s in said.values())
    # A longer UID that begins alike is another object, and a word about a UID is no answer that has it.
    stored = replace(parcel, stored=frozenset(p.name for p in parcel.objects))
    for other in (
        lambda uid: [{"00080018": {"Value": [f"{uid}9"]}}],
        lambda uid: {"error": f"nothing known of {uid}"},
        lambda uid: [uid],
    ):
        web.answer = lambda path, body, other=other: (200, other(path.rpartition("=")[2]))
        assert all(s.stored and not s.taken for s in stow.send(stored, there).values())
    web.asked.clear()
    web.answer = lambda path, body: (200, [{"00080018": {"Value": [path.rpartition("=")[2]]}}])
    again = stow.send(stored, there)
    assert all(s.taken for s in again.values())
    assert {method for method, *_ in web.asked} == {"GET"}, "what is stored is not sent again"


def test_fhir_is_done_when_both_resources_are(web: Web, parcel: Parcel) -> None:
    there = Fhir(kind="fhir", name="F", url=web.url)
    done = {"entry": [{"response": {"status": "201 Created"}}, {"response": {"status": "200"}}]}
    web.answer = lambda path, body: (200, done)
    assert fhir.send(parcel, there)[MESSAGE].taken
    bundle = json.loads(web.asked[0][3])
    study, report = (e["resource"] for e in bundle["entry"])
    assert (study["resourceType"], report["resourceType"]) == ("ImagingStudy", "DiagnosticReport")
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]
    assert (report["status"], report["subject"]["identifier"]["value"]) == ("preliminary", "P1")
    assert report["imagingStudy"] == [{"reference": bundle["entry"][0]["fullUrl"]}]
    assert report["conclusion"] == "lesion found\nlesion volume: 0.216 ml (0.2 to 0.3)"
    assert [e["request"]["url"].split("?")[0] for e in bundle["entry"]] == [
        "ImagingStudy",
        "DiagnosticReport",
    ]
    assert fhir.transaction(parcel) == bundle, "the same run makes the same resources"
    web.answer = lambda path, body: (200, {"entry": [{"response": {"status": "201"}}]})
    assert not fhir.send(parcel, there)[MESSAGE].taken
    web.answer = lambda path, body: (422, {"issue": [{"diagnostics": "no such patient"}]})
    said = fhir.send(parcel, there)[MESSAGE]
    assert (said.refused, "no such patient" in said.text) == (True, True)


def test_webhook_is_signed_and_names_nobody(web: Web, parcel: Parcel, tmp_path: Path) -> None:
    there = Webhook(kind="webhook", name="W", url=web.url, secret_file=secret(tmp_path))
    assert webhook.send(parcel, there)[MESSAGE].taken
    _, _, headers, body = web.asked[0]
    signature = headers[HEADER]
    seconds = int(signature.split(",")[0].removeprefix("t="))
    assert verify(body, b"correct horse", signature, now=seconds)
    assert not verify(body + b" ", b"correct horse", signature, now=seconds)
    assert not verify(body, b"wrong", signature, now=seconds)
    assert not verify(body, b"correct horse", signature, now=seconds + 301), "an old message played again"
    assert b"ller" not in body and b"P1" not in body
    assert json.loads(body)["headline"] == "lesion found"
    urgent = there.model_copy(update={"urgent_only": True})
    assert webhook.send(parcel, urgent)[MESSAGE].taken
    assert len(web.asked) == 1
    assert webhook.send(replace(parcel, priority=Priority.URGENT), urgent)[MESSAGE].taken
    assert json.loads(web.asked[1][3])["event"] == "result.urgent"


def test_no_alarm_is_taken_for_one_that_was_told_before(web: Web, parcel: Parcel, tmp_path: Path) -> None:
    there = Webhook(kind="webhook", name="W", url=web.url, secret_file=secret(tmp_path))
    for line in ("disk", "PACS", "PACS"):
        webhook.post({"event": "alarm", "lines": [line]}, there, 5)
    for _ in range(2):
        webhook.send(parcel, there)
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in web.asked]
    assert keys[0] != keys[1] == keys[2] != keys[3] == keys[4]


@pytest.mark.parametrize("signature", ["", "t=,v1=", "v1=ab", "t=x,v1=ab", "t=1", "t=\xb2,v1=0"])
def test_no_signature_at_all(signature: str) -> None:
    assert not verify(b"", b"k", signature, now=1)
    assert verify(b"", b"k", sign(b"", b"k", 1), now=1)


class Line:
    """A TCP server for one exchange after another; ``talk`` gets a connection."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._talk = talk
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def stop(self) -> None:
        # A close alone would leave the thread that accepts holding the port.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def test_hl7_is_done_when_it_is_acknowledged(parcel: Parcel) -> None:
    messages: list[str] = []
    acknowledgements = ["AA", "AE", "AA-of-another", "garbage", "", "AR"]

    def talk(wire: socket.socket) -> None:
        raw = b""
        while not raw.endswith(b"\x1c\r"):
            raw += wire.recv(65536)
        messages.append(raw[1:-2].decode())
        code = acknowledgements[len(messages) - 1]
        control = messages[-1].split("|")[9] if "another" not in code else "OTHER"
        if code and code != "garbage":
            answer = f"MSH|^~\\&|P|H|OVERREAD|1|20260101||ACK|1|P|2.5.1\rMSA|{code[:2]}|{control}|why\r"
            wire.sendall(b"\x0b" + answer.encode() + b"\x1c\r")
        elif code:
            wire.sendall(b"\x0b\xff\x00garbage\x1c\r")

    line = Line(talk)
    there = Hl7(kind="hl7", name="H", host="127.0.0.1", port=line.port)
    urgent = replace(parcel, priority=Priority.URGENT)
    assert outward_hl7.send(urgent, there)[MESSAGE].taken
    refused = outward_hl7.send(parcel, there)[MESSAGE]
    assert (refused.refused, "why" in refused.text) == (True, True)
    for _ in range(2):
        odd = outward_hl7.send(parcel, there)[MESSAGE]
        assert not odd.taken and not odd.refused
    with pytest.raises(UnreachableError):
        outward_hl7.send(parcel, there)
    assert outward_hl7.send(parcel, there)[MESSAGE].refused
    line.stop()
    message = hl7.parse(messages[0])
    assert str(message["MSH"][0][9]) == "ORU^R01^ORU_R01"
    assert str(message["PID"][0][5]) == "M\xfcller^Eva"
    assert str(message["PID"][0][3]) == "P1^^^HOSP\\F\\A", "a separator in a value is escaped"
    assert str(message["OBR"][0][18]) == "A1"
    findings = message.segments("OBX")
    assert [str(s[8]) for s in findings][:3] == ["", "AA", ""]
    assert all(str(s[11]) in ("P", "O") for s in findings)
    assert "lesion found" in messages[0]


def test_mail_is_done_when_the_server_has_taken_it(parcel: Parcel, tmp_path: Path) -> None:
    bodies: list[str] = []
    last = ["250 ok"]

    def talk(wire: socket.socket) -> None:
        file = wire.makefile("rwb", buffering=0)
        file.write(b"220 hello\r\n")
        while (line := file.readline()) and not line.upper().startswith(b"QUIT"):
            if line.upper().startswith(b"DATA"):
                file.write(b"354 go on\r\n")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += file.readline()
                bodies.append(body.decode())
                file.write(f"{last[0]}\r\n".encode())
            else:
                file.write(b"250 ok\r\n")
        file.write(b"221 bye\r\n")

    line = Line(talk)
    there = MailTo(
        kind="mail",
        name="M",
        host="127.0.0.1",
        port=line.port,
        sender="node@example.org",
        to=["ward@example.org"],
        secret_file=secret(tmp_path),
    )
    assert mail.send(parcel, there)[MESSAGE].taken
    assert "Study: 1.2.3" in bodies[0] and HEADER in bodies[0]
    assert "ller" not in bodies[0] and "P1" not in bodies[0]
    last[0] = "451 later"
    assert not mail.send(parcel, there)[MESSAGE].refused
    last[0] = "554 never"
    assert mail.send(parcel, there)[MESSAGE].refused
    line.stop()
    with pytest.raises(UnreachableError):
        mail.send(parcel, there)


def test_commitment_reports_are_kept_and_a_failure_is_undone_by_a_success(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    for transaction in ("1.2", "1.3"):
        asked(folder / "P", transaction, "8.1", "8.2")
    assert dicom.keep_report(folder, "1.2", {"8.1"}, {"8.2"})
    assert dicom.kept_reports(folder / "P") == ({"8.1"}, {"8.2"})
    assert dicom.keep_report(folder, "1.3", {"8.2"}, set())
    assert dicom.kept_reports(folder / "P") == ({"8.1", "8.2"}, set())
    assert {p.name for p in (folder / "P").iterdir()} == {"1.2.json", "1.3.json"}
    assert dicom.kept_reports(tmp_path / "none") == (set(), set())


def test_reports_that_were_used_or_that_nothing_uses_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    asked(folder / "P", "1.2", "8.1", "8.2")
    asked(folder / "P", "1.3", "8.3")
    asked(folder / "P", "1.4", "8.4")
    dicom.keep_report(folder, "1.2", {"8.1"}, {"8.2"})
    dicom.keep_report(folder, "1.3", {"8.3"}, set())
    dicom.forget_reports(folder / "P", {"8.1", "8.3", "8.9"})
    assert dicom.kept_reports(folder / "P") == (set(), {"8.2"})
    assert {p.name for p in (folder / "P").iterdir()} == {"1.2.json", "1.4.asked"}
    old = folder / "P" / "1.4.asked"
    os.utime(old, (1000, 1000))
    assert dicom.clear_reports(folder, 2000.0) == 1
    assert [p.name for p in (folder / "P").iterdir()] == ["1.2.json"]
    assert dicom.clear_reports(tmp_path / "none", 2000.0) == 0


def test_a_report_counts_for_whom_and_for_what_it_was_asked(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    asked(folder / "P", "1.2", "8.1")
    asked(folder / "Q", "1.3", "8.1")
    for forged in ("1.4", "", "*", "../P/1.2", "1.2\n", "\xb2"):
        assert not dicom.keep_report(folder, forged, {"8.1"}, set())
    assert dicom.keep_report(folder, "1.2", {"8.1", "8.9"}, set())
    assert not dicom.keep_report(folder, "1.2", set(), {"8.1"}), "it was answered already"
    assert [dicom.kept_reports(folder / name)[0] for name in "PQ"] == [{"8.1"}, set()]


def asked(folder: Path, transaction: str, *sops: str) -> None:
    heads = []
    for sop in sops:
        heads.append(Dataset())
        heads[-1].SOPInstanceUID = sop
    dicom._note_asked(folder, transaction, heads)
