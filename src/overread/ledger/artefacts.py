"""Files kept under their own SHA-256, so that a hash in the ledger leads to the bytes it stands for."""

from __future__ import annotations

import shutil
from pathlib import Path

from overread.errors import InputError
from overread.files import atomic_path, sha256_file


def store_artefact(folder: Path, path: Path) -> str:
    """Copy ``path`` to ``folder/ab/abcd...`` and return the hash; once is enough.

    Raises
    ------
    InputError
        ``path`` is not a readable file.
    """
    try:
        digest = sha256_file(path)
        target = folder / digest[:2] / digest
        if target.is_file() and sha256_file(target) == digest:
            return digest
        with atomic_path(target) as temporary:
            shutil.copyfile(path, temporary)
            if sha256_file(temporary) != digest:
                raise InputError(
                    f"{path}: changed while it was being stored; store it again when it is complete"
                )
    except OSError as error:
        raise InputError(f"{path}: cannot be stored ({error.strerror}); expected a readable file") from error
    return digest
