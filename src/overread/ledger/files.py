"""Files that events name by hash: are they still what was recorded?

An event's payload may hold ``files``: paths, relative to the ledger's folder, and their SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from overread.files import sha256_file
from overread.ledger.ledger import Event

KEY = "files"


def hashed(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of those of ``names`` that are there, as ``sha256sum`` prints it."""
    return {name: sha256_file(folder / name) for name in names if (folder / name).is_file()}


def changed_files(folder: Path, events: Iterable[Event]) -> list[str]:
    """What is no longer as the newest event that names it recorded, a sentence each."""
    newest: dict[str, tuple[int, str, str]] = {}
    for event in events:
        named = event.data.get(KEY)
        if isinstance(named, Mapping):
            newest |= {str(name): (event.seq, event.kind, str(digest)) for name, digest in named.items()}
    found = []
    for name, (seq, kind, digest) in sorted(newest.items()):
        path = folder / name
        if not path.is_file():
            found.append(f"{path}: is missing; row {seq} ({kind}) recorded {digest[:12]}")
        elif (now := sha256_file(path)) != digest:
            found.append(f"{path}: was changed; row {seq} ({kind}) recorded {digest[:12]}, found {now[:12]}")
    return found
