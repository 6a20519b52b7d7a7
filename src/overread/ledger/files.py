"""Files that events name by hash: are they still what was recorded? Also those that such a file lists.

An event's payload may hold ``files``: paths, relative to the ledger's folder, and their SHA-256.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from overread.files import sha256_file
from overread.ledger.ledger import Event

KEY = "files"
LISTED = "files.json"
"""Images and masks by path with their SHA-256, as the check saw them; the lock records its hash."""


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


def changed_images(folder: Path, events: Iterable[Event]) -> list[str]:
    """Which of the files in ``files.json`` are no longer as the check saw them, a sentence each.

    Nothing where no row recorded that list, or it was changed itself, which `changed_files` tells.
    """
    path = folder / LISTED
    rows = [named for e in events if isinstance(named := e.data.get(KEY), Mapping)]
    recorded = [named[LISTED] for named in rows if LISTED in named]
    if not recorded or not path.is_file() or sha256_file(path) != recorded[-1]:
        return []
    hashes: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        now = list(pool.map(lambda name: _sha256(folder / name), hashes))
    return [
        f"{folder / name}: {'is missing' if found is None else 'was changed'}; the check saw {digest[:12]}"
        for (name, digest), found in zip(hashes.items(), now, strict=True)
        if found != digest
    ]


def _sha256(path: Path) -> str | None:
    return sha256_file(path) if path.is_file() else None
