"""Backup of a node while it runs, and its return: databases as they are at one moment, then every file.

Files of the spool and of results are written whole and never changed, so a copy made after the databases holds at least
all that those name. A copy is for its own user alone, as the node's folder is. Hard links are used where the backup
lies on the same disk.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from overread.errors import InputError
from overread.files import fsync_folder, new_folder_beside, only_mine, write_json

NOT_COPIED = (".lock", ".incoming", ".doctor", ".priors-", ".pull-")
MANIFEST = "backup.json"
FORMAT = 1


@only_mine()
def backup(folder: Path, out: Path, on_file: Callable[[int], None] = lambda count: None) -> int:
    """Copy a node's folder to the new folder ``out``; how many files.

    Raises InputError where there is no node's folder, or ``out`` is there already.
    """
    if not (folder / "spool").is_dir():
        raise InputError(f"{folder}: holds no spool; expected the folder of a node")
    if out.exists():
        raise InputError(f"{out}: is there already; give the backup a name of its own")
    temporary = new_folder_beside(out)
    count = 0
    try:
        for database in sorted(folder.rglob("*.db")):
            _copy_database(database, temporary / database.relative_to(folder))
            count += 1
            on_file(count)
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if any(part.startswith(NOT_COPIED) or part.startswith(".worker-") for part in relative.parts):
                continue
            if not path.is_file() or path.name.endswith((".db", ".db-wal", ".db-shm", ".part")):
                continue
            _copy_file(path, temporary / relative)
            count += 1
            on_file(count)
        write_json(temporary / MANIFEST, {"format": FORMAT, "files": count})
        fsync_folder(temporary)
        temporary.rename(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return count


@only_mine()
def restore(backup_folder: Path, folder: Path) -> int:
    """Copy a backup to the folder of a node that is not there, or is empty; how many files."""
    if not (backup_folder / MANIFEST).is_file():
        raise InputError(
            f"{backup_folder}: is no backup of a node, or one that was not finished ({MANIFEST} is missing)"
        )
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; move it away first, nothing is overwritten")
    temporary = new_folder_beside(folder)
    count = 0
    try:
        for path in sorted(backup_folder.rglob("*")):
            if path.is_file() and path.name != MANIFEST:
                target = temporary / path.relative_to(backup_folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
                count += 1
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_folder(folder.parent)
    return count


def _copy_database(path: Path, target: Path) -> None:
    """One moment of a database that others write to (SQLite's online backup)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()


def _copy_file(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileNotFoundError:
        # Removed by retention meanwhile.
        return
    except OSError:
        shutil.copy2(path, target)
