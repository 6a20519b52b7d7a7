"""Files of a protocol as they are, held against what the ledger recorded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from overread.files import sha256_file
from overread.ledger.files import KEY
from overread.ledger.ledger import Event


class Recorded:
    """Hashes of a folder's files: of each the newest that a row names, and the one it has, read once."""

    def __init__(self, folder: Path, events: Sequence[Event]) -> None:
        self.folder = folder
        self._rows: dict[str, tuple[int, str]] = {}
        for event in events:
            named = event.data.get(KEY)
            if isinstance(named, Mapping):
                self._rows |= {str(k): (event.seq, str(v)) for k, v in named.items()}
        self._now: dict[str, str | None] = {}

    def hash(self, name: str) -> str | None:
        """SHA-256 of a file as it is; None where there is none."""
        path = self.folder / name
        if name not in self._now:
            self._now[name] = sha256_file(path) if path.is_file() else None
        return self._now[name]

    def state(self, name: str, missing: list[str]) -> str:
        """Whether a file is as it was recorded, in words; a sentence is added to ``missing`` where it is not."""
        if name not in self._rows:
            missing.append(f"{name}: no row of the ledger names its hash")
            return "not recorded"
        seq, digest = self._rows[name]
        now = self.hash(name)
        if now == digest:
            return f"as row {seq} of the ledger recorded it"
        said = f"{name}: {'is gone' if now is None else 'was changed'}; row {seq} of the ledger recorded {digest[:12]}"
        if said not in missing:
            missing.append(said)
        return "gone" if now is None else "changed"
