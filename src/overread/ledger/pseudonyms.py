"""UIDs of DICOM in a ledger: under a keyed hash, whose key lies elsewhere and can be destroyed.

A row is never removed, and a Study Instance UID leads to a patient for whoever may ask an archive. So the chain holds
HMAC-SHA-256 (RFC 2104) of it: the same study has the same name, which nobody turns back without the key. Who destroys
the key has taken the studies out of the chain, and it still verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.files import alone, atomic_path, only_mine

FIELDS = ("study", "priors", "subject", "objects")
"""Keys of a payload under which UIDs stand: as texts, in lists, as keys of a mapping."""
UID = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){2,}")
MARK = "uid:"
DIGITS = 32
FILE = "uids.key"


class Pseudonyms:
    """Names for UIDs under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_folder(cls, folder: Path) -> Pseudonyms:
        """Those of the key in ``folder/uids.key``, which is made for this user alone where there is none.

        Raises InputError for a file that is no key.
        """
        path = folder / FILE
        with alone(path):
            if not path.is_file():
                with only_mine(), atomic_path(path) as temporary:
                    temporary.write_text(f"{secrets.token_hex(32)}\n", encoding="ascii")
            text = path.read_text(encoding="utf-8", errors="replace").strip()
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise InputError(f"{path}: is no key of 64 hexadecimal digits; restore it from a backup")
        return cls(bytes.fromhex(text))

    def name(self, uid: str) -> str:
        """The name of a UID in the chain."""
        return MARK + hmac.new(self._key, uid.encode(), hashlib.sha256).hexdigest()[:DIGITS]

    def hidden(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """``payload`` with every UID under `FIELDS` replaced by its name."""
        return {k: self._hidden(v) if k in FIELDS else v for k, v in payload.items()}

    def find(self, name: str, uids: Iterable[str]) -> str:
        """The one of ``uids`` that has this name; empty where none has."""
        return next((uid for uid in uids if self.name(uid) == name), "")

    def _hidden(self, value: Any) -> Any:
        match value:
            case str():
                return self.name(value) if UID.fullmatch(value) else value
            case Mapping():
                return {self._hidden(k): v for k, v in value.items()}
            case list() | tuple():
                return [self._hidden(v) for v in value]
            case _:
                return value
