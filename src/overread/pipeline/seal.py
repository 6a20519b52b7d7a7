"""The sealed test: the truth of the test cases lies encrypted beside the table, and only the test opens it.

``sealed/seal.json`` is a letter (`overread.keys.letter`) to its holders; masks and boxes lie beside it, each encrypted
under a key that the letter holds. The letter's text has 32 random bytes besides, so that the hash of a few labels says
nothing of them.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from overread.cohort.cohort import SEAL, Cohort
from overread.cohort.columns import VALUE, is_finding, is_reading
from overread.cohort.hashes import file_hashes, without_truth
from overread.cohort.table import Table, read_table, set_columns
from overread.commands import command
from overread.errors import InputError
from overread.files import atomic_path, canonical_json, sha256_bytes, sha256_file, write_json
from overread.keys.card import Card
from overread.keys.letter import seal_letter
from overread.ledger.files import KEY, hashed
from overread.parse import parse_json
from overread.pipeline.openings import EVENT as OPENED
from overread.pipeline.workspace import Workspace

EVENT = "test.sealed"
BEGUN = "sealed/begun.json"
"""There while the truth is being taken out: the hash of the table as it was sealed, which still holds that truth."""
WHAT = "overread.sealed-test 1"
FILES = ("mask", "boxes")
TOLD = ("check.json", "check.html", "files.json")
"""What an earlier check says of the test's truth, or its hashes."""


def is_sealed(folder: Path) -> bool:
    """Whether the truth of the test cases is sealed."""
    return (folder / SEAL).is_file()


def seal_test(space: Workspace, holders: Sequence[Card]) -> dict[str, Any]:
    """Encrypt the truth of the test cases for ``holders``, take it out of the folder, and add a row to the ledger.

    Returns what that row holds. Where an earlier call was interrupted, this one ends it, with the holders of that one.
    Nothing is taken out that is not sealed: truth that came into the table later stays.

    Raises
    ------
    InputError
        Already sealed or opened, no column ``split``, no truth, a truth file outside the folder, with further names or
        shared with other cases; a holder whose key was revoked.
    """
    folder, table = space.folder, read_table(space.folder)
    columns = truth_columns(table.columns, space)
    rows = [n for n, row in enumerate(table.rows) if row.get("split", "").strip() == "test"]
    if not rows:
        raise InputError(
            f"{table.path}: no row has split test; {command('split', folder)} divides the patients, before the seal"
        )
    cells = {table.rows[n]["case"].strip(): {c: table.rows[n][c] for c in columns} for n in rows}
    stated = any(cell.strip() for row in cells.values() for cell in row.values())
    begun = folder / BEGUN
    if is_sealed(folder):
        letter = read_letter(folder)
        files, facts = letter["files"], letter["facts"]
        if begun.is_file():
            _check_begun(table, stated, begun)
        else:
            refuse_lying_open(space)
            if recorded_root(space) == facts["root"]:
                raise InputError(
                    f"{folder / SEAL}: the test is sealed already; {command('test', folder)} opens it"
                )
    else:
        if not stated:
            raise InputError(
                f"{table.path}: the test cases have no truth to seal (columns {', '.join(columns)})"
            )
        _check_unopened(space)
        cohort = space.cohort(missing_channels=True)
        names = _truth_files(table, rows, columns, folder)
        files, facts = _write(space, cohort, cells, names, holders)
    if begun.is_file():
        _clear(table, rows, columns, folder, files)
        begun.unlink()
    space.ledger.append(EVENT, facts | {KEY: hashed(folder, [SEAL])})
    return dict(facts)


def recorded_root(space: Workspace) -> str:
    """The root of the seal that the ledger recorded last; empty for a folder that is not sealed."""
    rows = space.ledger.events(EVENT) if is_sealed(space.folder) else []
    return str(rows[-1].data["root"]) if rows else ""


def refuse_lying_open(space: Workspace) -> None:
    """Raise InputError where truth of test cases lies in the folder beside its seal, as a restored copy brings it."""
    if not is_sealed(space.folder):
        return
    table = read_table(space.folder)
    columns = truth_columns(table.columns, space)
    rows = [row for row in table.rows if row.get("split", "").strip() == "test"]
    open_ = [row["case"].strip() for row in rows if any(row[c].strip() for c in columns)]
    files = [name for name in read_letter(space.folder)["files"] if (space.folder / name).exists()]
    if open_ or files:
        found = f"case {open_[0]}" if open_ else files[0]
        raise InputError(
            f"{table.path}: the test is sealed, and truth of {max(len(open_), len(files))} test cases lies beside the "
            f"seal (such as {found}). Take out what a backup brought back; cases that came later belong to another "
            "part, or into a folder of their own"
        )


def truth_columns(columns: Sequence[str], space: Workspace) -> list[str]:
    """The columns of a table that say what a test asks: label, findings, mask, boxes, readers, a number."""
    number = space.protocol.labels[:1] if space.truth.COLUMN == VALUE else []
    return [c for c in columns if c in ("label", *FILES, *number) or is_finding(c) or is_reading(c)]


def refuse_unsealed(space: Workspace) -> None:
    """Raise InputError where the protocol asks for a seal, and the test has none that was made before the training."""
    refuse_lying_open(space)
    if not space.protocol.seal:
        return
    # Of several seals that of now counts: an earlier one may have been undone, and what it hid used.
    now = read_letter(space.folder)["facts"]["root"] if is_sealed(space.folder) else ""
    sealed = [e.seq for e in space.ledger.events(EVENT) if e.data.get("root") == now]
    if not sealed:
        raise InputError(
            f"{space.folder}: protocol.yaml says seal: true, and the truth of the test cases lies open; "
            f"{command('seal', space.folder, '--for', 'NAME')}"
        )
    trained = [e.seq for e in space.ledger.events("pipeline.train")]
    if trained and trained[-1] < sealed[0]:
        raise InputError(
            f"{space.folder}: was trained (row {trained[-1]}) before the test was sealed (row {sealed[0]}); train again"
        )


def root(hashes: Mapping[str, str], plain: bytes) -> str:
    """SHA-256 over a line ``<SHA-256>  <path>`` for every file of the test, sorted, and one for the sealed truth."""
    lines = sorted(f"{digest}  {name}\n" for name, digest in hashes.items())
    return sha256_bytes("".join([*lines, f"{sha256_bytes(plain)}  truth\n"]).encode())


def _write(
    space: Workspace,
    cohort: Cohort,
    cells: Mapping[str, Mapping[str, str]],
    names: Sequence[str],
    holders: Sequence[Card],
) -> tuple[dict[str, str], dict[str, Any]]:
    """Write the sealed files and then the letter; names of the sealed files by those of the truth, and the facts."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    folder, key = space.folder, AESGCM.generate_key(256)
    files = {name: f"sealed/{number}.bin" for number, name in enumerate(names)}
    for name, sealed in files.items():
        nonce = os.urandom(12)
        data = AESGCM(key).encrypt(nonce, (folder / name).read_bytes(), name.encode())
        with atomic_path(folder / sealed) as temporary:
            temporary.write_bytes(nonce + data)
    content = {"salt": _text(os.urandom(32)), "key": _text(key), "cells": cells}
    plain = canonical_json(content).encode()
    images = file_hashes(without_truth(cohort.split("test")), folder)
    truths = {name: sha256_file(folder / name) for name in names}
    facts = {
        "root": root(images | truths, plain),
        "cases": len(cells),
        "patients": len({c.patient for c in cohort.split("test")}),
        "files": len(names),
        "holders": [{"name": c.name, "key": c.id} for c in holders],
    }
    letter = seal_letter(plain, holders, what=WHAT)
    write_json(folder / BEGUN, {"table": sha256_file(read_table(folder).path)})
    write_json(folder / SEAL, {"files": files, "facts": facts, "letter": letter})
    return files, facts


def _clear(
    table: Table, rows: Sequence[int], columns: Sequence[str], folder: Path, files: Mapping[str, str]
) -> None:
    """Take what is sealed out of the folder, and what earlier stages said of it."""
    gone = set(rows)
    empty = {c: ["" if n in gone else row[c] for n, row in enumerate(table.rows)] for c in columns}
    set_columns(table, empty)
    for name in (*files, *TOLD):
        (folder / name).unlink(missing_ok=True)


def _truth_files(table: Table, rows: Sequence[int], columns: Sequence[str], folder: Path) -> list[str]:
    """Masks and boxes of the test rows. Raises InputError for one that cannot be taken out of the folder."""
    ours, others = set(rows), set[Path]()
    found: dict[str, None] = {}
    for column in [c for c in FILES if c in columns]:
        for n, row in enumerate(table.rows):
            name = row[column].strip()
            if name and n in ours:
                found[name] = None
            elif name:
                others.add((folder / name).resolve())
    for name in found:
        path = (folder / name).resolve()
        if path.is_file() and (
            path != (folder.resolve() / os.path.normpath(name)) or path.stat().st_nlink > 1
        ):
            raise InputError(
                f"{table.path}: {name}: is a link, or has further names (hard links), under which it would stay; put a "
                "copy in its place"
            )
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise InputError(
                f"{table.path}: {name}: expected a file inside {folder}, which the seal takes away; copy it there"
            )
        if path in others:
            raise InputError(
                f"{table.path}: {name}: is the truth of a test case and of another; give each its own file"
            )
    return list(found)


def read_letter(folder: Path) -> dict[str, Any]:
    """The seal of a folder: ``files`` (sealed by name), ``facts`` and ``letter``. Raises InputError."""
    content = parse_json((folder / SEAL).read_bytes(), str(folder / SEAL))
    if not isinstance(content, dict) or not {"files", "facts", "letter"} <= set(content):
        raise InputError(f"{folder / SEAL}: is damaged; restore it from a backup")
    return content


def _check_begun(table: Table, stated: bool, begun: Path) -> None:
    """Raise InputError where the table holds other truth than when the seal was begun: it would be lost."""
    then = parse_json(begun.read_bytes(), str(begun))
    if stated and (not isinstance(then, dict) or sha256_file(table.path) != then.get("table")):
        raise InputError(
            f"{table.path}: was changed since the seal was begun, which was interrupted; put it back as it was then, "
            "and seal again"
        )


def _check_unopened(space: Workspace) -> None:
    opened = space.ledger.events(OPENED)
    if opened:
        raise InputError(
            f"{space.folder}: the test was opened before (row {opened[-1].seq}), so that predictions.csv and "
            "report.json tell its truth; a seal hides it only in a new folder with cases that nobody has seen"
        )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
