"""Audit messages over TLS: framed as RFC 5425 says, each once, in order, also after the receiver was away."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.clinic.site import free_port, wait_for

from overread.clinic.audit.atna import message
from overread.clinic.audit.settings import Audit
from overread.clinic.audit.syslog import BOM, AuditSender
from overread.ledger.ledger import Ledger
from overread.ledger.pseudonyms import Pseudonyms


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert, secret


def _length(stream: BinaryIO) -> int:
    """Octets of the next message; 0 at the end."""
    digits = b""
    while (one := stream.read(1)) not in (b" ", b""):
        digits += one
    return int(digits or b"0")


@contextmanager
def repository(port: int, cert: Path, key: Path) -> Iterator[list[bytes]]:
    """A receiver of one connection after the other; the messages that it got."""
    got: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listening = socket.create_server(("127.0.0.1", port))

    def run() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listening.accept()
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as taken:
                    stream = taken.makefile("rb")
                    while length := _length(stream):
                        got.append(stream.read(length))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def test_every_event_comes_once_and_in_order(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    ledger, port = Ledger.open(tmp_path / "ledger.db"), free_port()
    settings = Audit(host="localhost", port=port, ca=cert)

    def sender() -> AuditSender:
        position = tmp_path / "position"
        return AuditSender(
            settings, ledger, position, application="NODE", patient_of=lambda study: "P" + study
        )

    ledger.append("web.viewed", {"study": "1"}, actor="ann")
    away = sender()
    with pytest.raises(OSError):
        away.send_new()
    with repository(port, cert, key) as got:
        first = sender()
        assert first.send_new() == 1
        ledger.append("web.viewed", {"study": "2"}, actor="ann")
        assert (first.send_new(), first.send_new()) == (1, 0)
        first.stop()
        ledger.append("web.logout", {}, actor="ann")
        second = sender()
        assert second.send_new() == 1
        second.stop()
        wait_for(lambda: len(got) == 3)
    for sent, words in zip(got, (b'"P1"', b'"P2"', b"Logout"), strict=True):
        head, _, content = sent.partition(BOM)
        assert head.startswith(b"<85>1 2") and head.endswith(b" DICOM+RFC3881 - ")
        assert b" overread " in head
        assert words in content


def test_whatever_goes_wrong_the_rest_is_sent_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overread.clinic.audit.syslog.LOOK_SECONDS", 0.02)
    cert, key = certificate(tmp_path)
    ledger, port = Ledger.open(tmp_path / "ledger.db"), free_port()
    ledger.append("web.viewed", {"study": "1"}, actor="ann")
    away = [True]

    def patient_of(study: str) -> str:
        if away:
            raise RuntimeError("the database is away")
        return "P1"

    settings = Audit(host="localhost", port=port, ca=cert)
    sender = AuditSender(settings, ledger, tmp_path / "p", application="N", patient_of=patient_of)
    with repository(port, cert, key) as got:
        sender.start()
        wait_for(lambda: bool(sender.trouble))
        away.clear()
        wait_for(lambda: len(got) == 1)
        sender.stop()


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    ledger, port = Ledger.open(tmp_path / "ledger.db"), free_port()
    ledger.append("web.logout", {}, actor="ann")
    settings = Audit(host="localhost", port=port)
    with repository(port, cert, key) as got:
        sender = AuditSender(settings, ledger, tmp_path / "p", application="N", patient_of=lambda study: "")
        with pytest.raises(ssl.SSLCertVerificationError):
            sender.send_new()
    assert got == []


def test_patients_names_do_not_travel_in_the_open(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected true"):
        Audit(host="192.0.2.7", tls=False)
    assert Audit(host="127.0.0.1", tls=False).port == 6514


def test_a_study_is_named_in_full_and_its_facts_as_the_chain_has_them(tmp_path: Path) -> None:
    names = Pseudonyms(bytes(32))
    ledger = Ledger.open(tmp_path / "ledger.db")
    event = ledger.append("web.viewed", names.hidden({"study": "1.2.3"}), actor="ann")
    assert "1.2.3" not in event.payload
    known = {names.name("1.2.3"): "1.2.3"}
    sender = AuditSender(
        Audit(host="localhost", port=1),
        ledger,
        tmp_path / "position",
        application="N",
        patient_of=lambda study: f"P{study}",
        study_of=lambda name: known.get(name, ""),
    )
    study = sender._study(event)
    text = message(event, source="s", application="N", patient=f"P{study}", study=study).decode()
    assert 'ParticipantObjectID="1.2.3"' in text and 'ParticipantObjectID="P1.2.3"' in text
    known.clear()
    # A study that was deleted at the node keeps the name that the chain has.
    gone = message(event, source="s", application="N", study=sender._study(event)).decode()
    assert f'ParticipantObjectID="{names.name("1.2.3")}"' in gone and '"1.2.3"' not in gone
