"""The way back: a file that says who is who, kept apart from the de-identified data and encrypted if asked for.

Encrypted maps: AES-256-GCM under a key that scrypt (RFC 7914) makes from the passphrase; JSON around base64.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.files import alone, fsync_folder
from overread.parse import parse_json

FORMAT = "overread de-identification map"
SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
LARGEST_N = 1 << 20


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
    _write_private(path, plain if passphrase is None else _encrypt(plain, passphrase))


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
        content = _json(_decrypt(content, passphrase, path), path)
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


def _derive(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())


def _encrypt(plain: bytes, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not passphrase:
        raise InputError("the passphrase is empty; give one of several words")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealed = AESGCM(_derive(passphrase, salt, SCRYPT)).encrypt(nonce, plain, FORMAT.encode())
    text = {"salt": salt, "nonce": nonce, "data": sealed}
    envelope = {"format": FORMAT, "cipher": "AES-256-GCM", "kdf": "scrypt", **SCRYPT}
    return json.dumps(
        envelope | {k: base64.b64encode(v).decode() for k, v in text.items()}, indent=1
    ).encode()


def _decrypt(envelope: dict[str, Any], passphrase: str, path: Path) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        salt, nonce, sealed = (base64.b64decode(envelope[k]) for k in ("salt", "nonce", "data"))
        cost = {k: int(envelope[k]) for k in SCRYPT}
        if cost["n"] > LARGEST_N or cost["r"] > 32 or cost["p"] > 16:
            raise InputError(f"{path}: asks for more memory than any map of ours; the file was altered")
        return AESGCM(_derive(passphrase, salt, cost)).decrypt(nonce, sealed, FORMAT.encode())
    except InvalidTag as error:
        raise InputError(f"{path}: wrong passphrase, or the file was altered") from error
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: is damaged; take it from a backup") from error


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
