"""Opening the seal of a test, for as long as the test takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from overread.cohort.cohort import FILE, SEAL, Cohort
from overread.cohort.hashes import file_hashes
from overread.cohort.table import read_table, write_csv
from overread.errors import InputError
from overread.files import only_mine, sha256_file
from overread.keys.letter import open_letter
from overread.keys.ring import Person
from overread.pipeline.seal import FILES, WHAT, read_letter, root
from overread.pipeline.workspace import Workspace


@contextmanager
def opened_test(space: Workspace, person: Person) -> Iterator[Cohort]:
    """The cohort with the truth of its test cases, as long as the context lasts; its masks lie in a folder of its own.

    Raises
    ------
    InputError
        Not sealed for this person, altered, or other test images than were sealed.
    """
    letter = read_letter(space.folder)
    plain = open_letter(letter["letter"], person, str(space.folder / SEAL), what=WHAT)
    content = json.loads(plain)
    closed = space.cohort()
    with only_mine(), TemporaryDirectory(prefix="overread-test-") as place:
        here = Path(place)
        names = {k: _unsealed(space.folder, v, content["key"], here) for k, v in letter["files"].items()}
        _write_table(space, content["cells"], names, here)
        opened = Workspace(here, space.protocol).cohort()
        cases = tuple(c for c in opened if c.split == "test")
        truths = {k: sha256_file(p) for k, p in names.items()}
        images = file_hashes(closed.split("test"), space.folder)
        if root(images | truths, plain) != letter["facts"]["root"]:
            raise InputError(
                f"{space.folder}: the test images are not those that were sealed; restore them from a backup"
            )
        by_name = {c.case: c for c in cases}
        known = tuple(by_name.get(c.case, c) for c in closed)
        yield Cohort(space.folder, known, closed.channel_names, closed=closed)


def _unsealed(folder: Path, sealed: str, key: str, place: Path) -> Path:
    """The decrypted file, in ``place``. Raises InputError where it is gone or was altered."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    path = folder / sealed
    name = next(k for k, v in read_letter(folder)["files"].items() if v == sealed)
    try:
        data = path.read_bytes()
        plain = AESGCM(base64.b64decode(key)).decrypt(data[:12], data[12:], name.encode())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, though {SEAL} names it; restore it from a backup") from error
    except InvalidTag as error:
        raise InputError(f"{path}: was altered, and cannot be opened; restore it from a backup") from error
    target = place / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(plain)
    return target


def _write_table(
    space: Workspace, cells: Mapping[str, Mapping[str, str]], names: Mapping[str, Path], place: Path
) -> None:
    """The table with its sealed cells filled in ``place``, every path whole."""
    table = read_table(space.folder)
    rows = []
    for row in table.rows:
        full = {
            k: str((space.folder / v.strip()).absolute())
            if v.strip() and (k.startswith("image") or k in FILES)
            else v
            for k, v in row.items()
        }
        sealed = cells.get(row["case"].strip(), {})
        rows.append(
            full | {k: str(names[v.strip()]) if k in FILES and v.strip() else v for k, v in sealed.items()}
        )
    write_csv(place / FILE, table.columns, rows)
