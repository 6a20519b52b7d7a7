"""Time stamps of an authority (RFC 3161): requests, replies, and what a reply proves of an anchor."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from overread.errors import InputError, OverreadError

WAIT_SECONDS = 60
MOST_BYTES = 1 << 20


def request_of(data: bytes) -> bytes:
    """A request to stamp ``data`` (its SHA-256), with the authority's certificate in the reply. Raises InputError."""
    client = _client()
    builder = client.TimestampRequestBuilder().data(data).hash_algorithm(client.HashAlgorithm.SHA256)
    content: bytes = builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()
    return content


def ask(url: str, request: bytes) -> bytes:
    """The reply of the authority at ``url``, by HTTP or HTTPS (RFC 3161, 3.4). Raises OverreadError without one."""
    if not url.startswith(("http://", "https://")):
        raise InputError(
            f"--url: found {url!r}, expected the http:// or https:// address of a time stamp authority"
        )
    kinds = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        with urlopen(Request(url, data=request, headers=kinds), timeout=WAIT_SECONDS) as answer:
            content: bytes = answer.read(MOST_BYTES)
    except (URLError, OSError, ValueError) as error:
        raise OverreadError(
            f"{url}: no reply ({error}); the anchor's file was written all the same"
        ) from error
    return content


def stamped(reply: bytes, data: bytes, roots: bytes, where: str) -> datetime:
    """When the authority saw ``data``; its certificate must be of one of ``roots`` (PEM).

    Raises
    ------
    InputError
        No reply, one that refuses, of other data, or of an authority that the roots do not know.
    """
    client = _client()
    from cryptography.x509 import load_pem_x509_certificates

    try:
        found: Any = client.decode_timestamp_response(reply)
        if found.status not in (client.PKIStatus.GRANTED, client.PKIStatus.GRANTED_WITH_MODS):
            raise InputError(f"{where}: the authority refused (status {found.status})")
        own = load_pem_x509_certificates(roots)
        builder = client.VerifierBuilder()
        for certificate in own:
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(found, data)
    except client.VerificationError as error:
        raise InputError(
            f"{where}: is no time stamp of this anchor by a known authority ({error})"
        ) from error
    except ValueError as error:
        # The library reads DER alone; some authorities send what is not quite that.
        raise InputError(
            f"{where}: cannot be read as the reply of a time stamp authority ({error}); `openssl ts -verify` may"
        ) from error
    when: datetime = found.tst_info.gen_time
    return when


def beside(anchor: Path, end: str) -> Path:
    """``anchor.tsq`` or ``anchor.tsr`` of ``anchor.json``."""
    return anchor.with_suffix(f".{end}")


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise InputError("time stamps need rfc3161-client; pip install 'overread[timestamp]'") from error
    return rfc3161_client
