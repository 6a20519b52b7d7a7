"""A protocol's chain of evidence: its ledger, and whether the records beside it are what the stages wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from overread.commands import command
from overread.errors import InputError
from overread.files import canonical_json, sha256_bytes
from overread.ledger.heads import forgotten
from overread.ledger.ledger import Ledger

FILE = "ledger.db"
DIGEST = "record_sha256"
"""Key of an event: SHA-256 over the canonical JSON of the record's ``result``."""


def chain(folder: Path) -> Ledger:
    """The ledger of ``folder``; made where no stage has run yet.

    Raises
    ------
    InputError
        There is none, but records of stages that wrote into it: a new chain would hide that the old one is gone.
    """
    file = folder / FILE
    if not file.is_file():
        left = sorted((folder / "record").glob("*.json"))
        if left:
            raise InputError(
                f"{file}: no such file, though {left[0]} names a row of it; restore it from a backup (with "
                f"{FILE}-wal, if there is one), or begin anew in another folder with cohort.csv and protocol.yaml"
            )
    return Ledger.open(file)


def verify_chain(folder: Path) -> None:
    """Raise InputError where the ledger of ``folder`` does not verify, naming the first broken row."""
    file = folder / FILE
    if file.is_file():
        found = Ledger.open(file, create=False).verify()
        if not found.ok:
            raise InputError(
                f"{file}: {found.detail}; nothing that rests on it can be shown. Restore it from a backup"
            )
        if fault := forgotten(folder, Ledger.open(file, create=False).events()):
            raise InputError(f"{file}: {fault}; restore the newest copy, or begin anew in another folder")


def digest_of(result: Mapping[str, Any]) -> str:
    """SHA-256 of a record's ``result`` as it will be read back from JSON."""
    return sha256_bytes(canonical_json(json.loads(json.dumps(dict(result)))).encode())


def check_record(path: Path, record: Mapping[str, Any], ledger: Ledger, stage: str) -> None:
    """Raise InputError unless ``record``, read from ``path``, is what the last run of ``stage`` left in ``ledger``."""
    folder = path.parent.parent
    again = f"run {command(stage, folder)} again, or restore the file from a backup"
    rows = ledger.events(f"pipeline.{stage}")
    where = record.get("ledger") or {}
    row = next((r for r in rows if r.seq == where.get("seq")), None)
    if row is None or row.hash != where.get("hash"):
        raise InputError(
            f"{path}: names row {where.get('seq')} of the ledger, which holds no such row; {again}"
        )
    if row.seq != rows[-1].seq:
        raise InputError(
            f"{path}: is of an earlier run (row {row.seq}); the last one is row {rows[-1].seq} of {folder / FILE}; "
            f"{again}"
        )
    told = row.data.get(DIGEST)
    # Rows of earlier versions hold no digest.
    if told is not None and told != digest_of(record.get("result") or {}):
        raise InputError(
            f"{path}: was changed after the stage wrote it: its result does not have the hash of row {row.seq}; {again}"
        )
