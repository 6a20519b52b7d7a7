"""HTTP as a client: to the address that was configured and to no other, with bounded answers."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from overread.clinic.associate import UnreachableError
from overread.errors import InputError

LONGEST_ANSWER_BYTES = 8 << 20


class Answer(NamedTuple):
    """Status and body, cut where it is longer than anybody needs."""

    status: int
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that sends elsewhere is no success: results go where the administrator said."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def ask(
    method: str,
    url: str,
    *,
    timeout: float,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    ca: Path | None = None,
    token_file: Path | None = None,
) -> Answer:
    """One request; also 4xx and 5xx are answers. Raises UnreachableError where there is none."""
    sent = dict(headers or {})
    if token_file is not None:
        sent["Authorization"] = f"Bearer {secret(token_file).decode()}"
    request = urllib.request.Request(url, data=body, headers=sent, method=method)
    try:
        with opener(ca).open(request, timeout=timeout) as answer:
            return Answer(answer.status, answer.read(LONGEST_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(LONGEST_ANSWER_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UnreachableError(f"{url} cannot be reached ({reason})") from error
    except Exception as error:  # http.client raises types of its own for answers that are none
        raise UnreachableError(f"{url} gives no answer ({type(error).__name__})") from error


def opener(ca: Path | None) -> urllib.request.OpenerDirector:
    """Opens what is asked for and follows to nowhere else. Raises OSError where ``ca`` holds no certificates."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _NoRedirect(), urllib.request.HTTPSHandler(context=context)
    )


def secret(path: Path) -> bytes:
    """The content of a file that holds a secret, without the line's end. Raises InputError where there is none."""
    try:
        found = path.read_bytes().strip()
    except OSError as error:
        raise InputError(
            f"{path.name}: cannot be read ({error.strerror}); expected a file with a secret"
        ) from error
    if not found:
        raise InputError(f"{path.name}: is empty; expected a secret")
    return found
