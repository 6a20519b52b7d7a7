"""Who may send: the bearer token says who it is, and is compared in a time that says nothing about it."""

from __future__ import annotations

import hashlib
import hmac

from overread.clinic.receive.allowed import in_networks
from overread.clinic.receive.settings import StowClient
from overread.errors import InputError

SHORTEST_TOKEN = 16


class Callers:
    """The clients of a listener, with their tokens' hashes.

    Raises
    ------
    InputError
        A file with a token that cannot be read or is too short, or two clients with the same token.
    """

    def __init__(self, clients: list[StowClient], *, where: str = "receive.stow") -> None:
        self._clients = [(client, _hash_of(client, where)) for client in clients]
        if len({found for _, found in self._clients}) < len(clients):
            raise InputError(f"{where}.clients: two of them have the same token; give each its own")

    def welcome(self, address: str) -> bool:
        """Whether any client may come from this address."""
        return any(_from_there(client, address) for client, _ in self._clients)

    def identify(self, authorization: str, address: str) -> StowClient | None:
        """The client that an Authorization header (RFC 6750 section 2.1) shows, where it may come from there."""
        scheme, _, token = authorization.partition(" ")
        shown = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
        # All of them are compared, as whole digests.
        found = [client for client, known in self._clients if hmac.compare_digest(known, shown)]
        if scheme.lower() != "bearer" or not found or not _from_there(found[0], address):
            return None
        return found[0]


def _from_there(client: StowClient, address: str) -> bool:
    return not client.addresses or in_networks(address, tuple(client.addresses))


def _hash_of(client: StowClient, where: str) -> bytes:
    try:
        token = client.token_file.read_bytes().strip()
    except OSError as error:
        raise InputError(
            f"{where}: {client.token_file}: cannot be read ({error.strerror}); expected a file with a token"
        ) from error
    if len(token) < SHORTEST_TOKEN:
        raise InputError(
            f"{where}: {client.token_file}: holds {len(token)} characters, expected a random token of at least "
            f"{SHORTEST_TOKEN}"
        )
    return hashlib.sha256(token).digest()
