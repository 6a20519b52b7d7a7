"""TLS on a second port: versions, client certificates, expiry; DCMTK as the sender."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.clinic.receive.raw import ACCEPT, REJECT, GoneError, Peer, data_set, node
from tests.clinic.site import CEILING_SECONDS, free_port, wait_for, write_series

from overread.clinic.receive.settings import Tls
from overread.clinic.receive.tls import expiry_warnings, server_context
from overread.errors import InputError

SUBJECT = "CT1 in room 3"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`node`, `ct` (both signed by themselves) and `stranger`, each with `.pem` and `.key`."""
    folder = tmp_path_factory.mktemp("keys")
    for name, subject in (("node", "node"), ("ct", SUBJECT), ("stranger", "stranger")):
        write_certificate(folder / name, subject)
    return folder


def write_certificate(path: Path, subject: str, *, days: float = 400) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=500))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.with_suffix(".pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def rows(keys: Path, port: int, **changes: object) -> dict[str, object]:
    return {
        "port": port,
        "certificate": str(keys / "node.pem"),
        "key": str(keys / "node.key"),
        "authorities": str(keys / "ct.pem"),
        **changes,
    }


class Encrypted(Peer):
    def __init__(
        self, port: int, keys: Path, name: str | None, version: ssl.TLSVersion | None = None
    ) -> None:
        super().__init__(port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(keys / "node.pem")
        if name is not None:
            context.load_cert_chain(keys / f"{name}.pem", keys / f"{name}.key")
        if version is not None:
            context.minimum_version = min(version, ssl.TLSVersion.TLSv1_2)
            context.maximum_version = version
        plain = self.socket
        try:
            self.socket = context.wrap_socket(plain)
        except OSError:
            plain.close()
            raise


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_encrypted_association(tmp_path: Path, keys: Path, version: ssl.TLSVersion) -> None:
    port = free_port()
    peers = [{"aet": "ME", "tls": True}]
    with node(tmp_path, tls=rows(keys, port), peers=peers) as here:
        peer = Encrypted(port, keys, "ct", version)
        assert peer.associate()[0] == ACCEPT
        [(conversation, _)] = here.server._running.values()
        assert conversation.caller.encrypted
        assert conversation.caller.certificate == f"commonName={SUBJECT}"
        assert peer.store(data_set(TextValue="y" * 3_000_000)) == 0
        peer.release()
        wait_for(here.nothing_left)
        # Who must come encrypted is rejected on the other port.
        assert Peer(here.port).associate()[0] == REJECT


def associates(port: int, keys: Path, name: str | None) -> bool:
    peer = None
    try:
        peer = Encrypted(port, keys, name)
        return peer.associate()[0] == ACCEPT
    except (OSError, GoneError):
        return False
    finally:
        if peer is not None:
            peer.close()


@pytest.mark.parametrize("name", [None, "stranger"])
def test_a_certificate_is_needed(tmp_path: Path, keys: Path, name: str | None) -> None:
    port = free_port()
    with node(tmp_path, tls=rows(keys, port)) as here:
        # In TLS 1.3 the client hears of it only when it speaks.
        assert not associates(port, keys, name)
        good = Encrypted(port, keys, "ct")
        assert good.associate()[0] == ACCEPT
        good.release()
        here.works()
    port = free_port()
    with node(tmp_path / "open", tls=rows(keys, port, authorities=None)):
        anybody = Encrypted(port, keys, None)
        assert anybody.associate()[0] == ACCEPT
        anybody.release()


def test_old_versions_and_noise_are_turned_away_and_others_served(tmp_path: Path, keys: Path) -> None:
    port = free_port()
    with node(tmp_path, tls=rows(keys, port)) as here:
        context = server_context(here.server.settings.tls)  # type: ignore[arg-type]
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        names = {c["name"] for c in context.get_ciphers()}
        assert all("GCM" in n or "CHACHA20" in n for n in names)
        with socket.create_connection(("127.0.0.1", port), timeout=CEILING_SECONDS) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ConnectionError):
                while noise.recv(1000):
                    pass
        held = [Peer(port) for _ in range(20)]
        good = Encrypted(port, keys, "ct")
        assert good.associate()[0] == ACCEPT
        good.release()
        for peer in held:
            peer.close()


def test_dcmtk_sends_encrypted(tmp_path: Path, keys: Path) -> None:
    if shutil.which("storescu") is None:
        pytest.skip("storescu is not installed")
    files = write_series(tmp_path / "in", slices=2)
    port = free_port()
    with node(tmp_path, tls=rows(keys, port)) as here:
        shown = ["+tls", keys / "ct.key", keys / "ct.pem", "+cf", keys / "node.pem", "-ic"]
        sent = subprocess.run(
            ["storescu", *map(str, shown), "-aec", "NODE", "127.0.0.1", str(port), *map(str, files)],
            capture_output=True,
            text=True,
            timeout=CEILING_SECONDS,
        )
        assert sent.returncode == 0, sent.stderr
        assert len(here.files()) == 2


def test_expiry_is_told_before_and_after(tmp_path: Path, keys: Path) -> None:
    write_certificate(tmp_path / "soon", "soon", days=10.5)
    write_certificate(tmp_path / "gone", "gone", days=-1)
    settings = Tls(
        certificate=tmp_path / "soon.pem", key=tmp_path / "soon.key", authorities=tmp_path / "gone.pem"
    )
    soon, gone = expiry_warnings(settings)
    assert "CN=soon in soon.pem ends on" in soon
    assert "in 10 days" in soon
    assert "CN=gone in gone.pem ended on" in gone
    assert expiry_warnings(settings.model_copy(update={"warn_days": 5})) == [gone]
    assert expiry_warnings(Tls(certificate=keys / "node.pem", key=keys / "node.key")) == []
    assert expiry_warnings(None) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"certificate": "absent.pem"}, "no certificate with its key"),
        ({"key": "ct.key"}, "no certificate with its key"),
        ({"authorities": "node.key"}, "no certificates in PEM"),
    ],
)
def test_what_cannot_be_read_stops_the_start(keys: Path, changes: dict[str, str], words: str) -> None:
    given = rows(keys, 2762, **{k: str(keys / v) for k, v in changes.items()})
    with pytest.raises(InputError, match=words):
        server_context(Tls.model_validate(given))
