"""A ledger as files that need no program of ours: rows as JSON Lines, hashes as sha256sum reads them, signatures as
openssl does. `docs/howto/verify-without-overread.md` says how to check them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from overread.errors import InputError
from overread.files import atomic_path, canonical_json, write_text
from overread.keys.signature import Signature
from overread.ledger.files import KEY
from overread.ledger.ledger import Event
from overread.ledger.signatures import KIND

ROWS, SUMS, SIGNATURES = "ledger.jsonl", "SHA256SUMS", "signatures"


def export(events: Sequence[Event], out: Path) -> list[Path]:
    """Write the rows, the newest hash of every file they name, and each signature into the new folder ``out``.

    ``ledger.jsonl``: a line of canonical JSON for each row, whose ``payload`` is the stored text. ``SHA256SUMS``: paths
    relative to the protocol's folder. ``signatures/<row>.txt``, ``.sig`` and ``.pem``: text, signature and public key.

    Raises
    ------
    InputError
        ``out`` is there and not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; name a new folder with --out")
    write_text(out / ROWS, "".join(f"{canonical_json(asdict(e))}\n" for e in events))
    written = [out / ROWS]
    sums = newest_hashes(events)
    if sums:
        write_text(out / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))
        written.append(out / SUMS)
    for event in events:
        signature = Signature.of(event.data.get("signature")) if event.kind == KIND else None
        if signature is None:
            continue
        parts = {
            "txt": signature.statement.encode(),
            "sig": base64.b64decode(signature.value),
            "pem": signature.pem().encode(),
        }
        for end, data in parts.items():
            with atomic_path(out / SIGNATURES / f"{event.seq}.{end}") as temporary:
                temporary.write_bytes(data)
            written.append(out / SIGNATURES / f"{event.seq}.{end}")
    return written


def newest_hashes(events: Sequence[Event]) -> dict[str, str]:
    """Of every file that rows name, the hash that the newest one recorded."""
    out: dict[str, str] = {}
    for event in events:
        named = event.data.get(KEY)
        if isinstance(named, Mapping):
            out |= {str(name): str(digest) for name, digest in named.items()}
    return out
