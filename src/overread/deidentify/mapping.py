"""The way back: a file that says who is who, kept apart from the de-identified data and encrypted if asked for.

Encrypted maps: AES-256-GCM under a key that scrypt (RFC 7914) makes from the passphrase; JSON around base64.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.files import alone, fsync_folder
from overread.keys.envelope import seal, unseal
from overread.parse import parse_json

FORMAT = "overread de-identification map"


@dataclass
class Map:
    """What became of patients, UIDs and files. ``check`` tells which key was used, without the key."""

    check: str
    patients: dict[str, dict[str, Any]] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def find(self, value: str) -> list[tuple[str, str, str]]:
        """Everything that ``value``, original or new, belongs to, as (kind, original, new)."""
        wanted = value.strip().casefold()
        rows = self.rows()
        return [
            row
            for row in rows
            if wanted in (row[1].casefold(), row[2].casefold(), Path(row[1]).name.casefold())
        ]

    def rows(self) -> list[tuple[str, str, str]]:
        """Every entry as (kind, original, new): patients by ID and by name, UIDs, files."""
        found = []
        for original, entry in self.patients.items():
            found.append(("patient", original, str(entry["new"])))
            found += [("patient name", name, str(entry["new"])) for name in entry["names"]]
        found += [("UID", old, new) for old, new in self.uids.items()]
        found += [("file", name, str(entry["new"] or "withheld")) for name, entry in self.files.items()]
        return found


def open_map(path: Path, check: str, *, passphrase: str | None) -> Map:
    """The map that a run with the key of fingerprint ``check`` adds to: that of an earlier run, or an empty one.

    Nothing is written. Raises InputError where it is of another key, or encrypted otherwise, and as `read_map`.
    """
    if not path.exists():
        return Map(check)
    if is_encrypted(path) != (passphrase is not None):
        raise InputError(
            f"{path}: exists {'with' if passphrase is None else 'without'} a passphrase; name a new file"
        )
    found = read_map(path, passphrase=passphrase)
    if found.check != check:
        raise InputError(f"{path}: belongs to another key; name a new file")
    return found


def add_to_map(path: Path, content: Map, *, passphrase: str | None) -> None:
    """Add what a run has found to what the file holds by now: several runs may fill one map at the same time.

    Raises InputError as `open_map`.
    """
    with alone(path):
        there = open_map(path, content.check, passphrase=passphrase)
        for original, entry in content.patients.items():
            known = there.patients.setdefault(original, entry)
            known["names"] += [name for name in entry["names"] if name not in known["names"]]
        there.uids.update(content.uids)
        there.files.update(content.files)
        write_map(path, there, passphrase=passphrase)


def write_map(path: Path, content: Map, *, passphrase: str | None) -> None:
    """Write ``content`` to ``path``, readable by its owner only, encrypted where there is a passphrase."""
    plain = json.dumps({"format": FORMAT, **asdict(content)}, ensure_ascii=False, indent=1).encode()
    if passphrase is not None:
        plain = json.dumps(seal(plain, passphrase, what=FORMAT), indent=1).encode()
    _write_private(path, plain)


def read_map(path: Path, *, passphrase: str | None = None) -> Map:
    """The map in ``path``.

    Raises
    ------
    InputError
        No such file, no map, encrypted and no or the wrong passphrase, or altered.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the map that `overread deidentify --map` wrote")
    content = _json(path.read_bytes(), path)
    if "cipher" in content:
        if passphrase is None:
            raise InputError(f"{path}: is encrypted; give its passphrase")
        content = _json(unseal(content, passphrase, str(path), what=FORMAT), path)
    try:
        return Map(content["check"], content["patients"], content["uids"], content["files"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: is incomplete ({error}); name the right file") from error


def is_encrypted(path: Path) -> bool:
    """Whether a map needs a passphrase. Raises InputError where it is no map."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; name the map that `overread deidentify --map` wrote")
    return "cipher" in _json(Path(path).read_bytes(), Path(path))


def _json(data: bytes, path: Path) -> dict[str, Any]:
    content = parse_json(data, str(path))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: not a de-identification map; name the file given to --map")
    return content


def _write_private(path: Path, data: bytes) -> None:
    """As `overread.files.atomic_path`, but nobody else may read the file at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        Path(name).replace(path)
        fsync_folder(path.parent)
    finally:
        Path(name).unlink(missing_ok=True)
