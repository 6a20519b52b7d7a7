"""TLS for DICOM: the BCP 195 RFC 8996, 9325 profile (PS3.15 annex B.12), and when certificates end."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from overread.clinic.receive.settings import Certificates
from overread.errors import InputError

# RFC 9325 section 4.2: forward secrecy and authenticated encryption; TLS 1.3 has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!eNULL:!PSK"
log = logging.getLogger(__name__)


def server_context(settings: Certificates, *, where: str = "receive.tls") -> ssl.SSLContext:
    """A context for accepted connections.

    Raises
    ------
    InputError
        A certificate, key or list of authorities that cannot be read, or a key of another certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{where}: {settings.certificate} and {settings.key} are no certificate with its key in PEM, without "
            f"password ({_brief(error)})"
        ) from error
    if settings.authorities is not None:
        try:
            context.load_verify_locations(settings.authorities)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{where}.authorities: {settings.authorities} holds no certificates in PEM ({_brief(error)})"
            ) from error
        required = settings.client_certificates == "required"
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def expiry_warnings(settings: Certificates | None, *, at: datetime | None = None) -> list[str]:
    """One line for each certificate that has ended, or ends within ``warn_days``."""
    if settings is None:
        return []
    at = at or datetime.now(UTC)
    lines = []
    for path in (settings.certificate, settings.authorities):
        if path is None:
            continue
        for name, end in _ends(path):
            if end <= at:
                lines.append(f"certificate {name} in {path.name} ended on {end:%Y-%m-%d}: replace it")
            elif end - at < timedelta(days=settings.warn_days):
                days = (end - at).days
                lines.append(
                    f"certificate {name} in {path.name} ends on {end:%Y-%m-%d}, in {days} days: replace it"
                )
    return lines


def _ends(path: Path) -> list[tuple[str, datetime]]:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        log.warning("%s: its certificates cannot be read (%s)", path.name, error)
        return []
    return [(c.subject.rfc4514_string() or "without a name", c.not_valid_after_utc) for c in found]


def _no_password() -> str:
    raise ValueError("the key has a password")


def _brief(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
