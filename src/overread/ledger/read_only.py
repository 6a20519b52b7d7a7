"""A ledger's SQLite file where nothing can be written: a mounted backup, an archive's medium, somebody else's folder.

SQLite reads a database with write-ahead logging by files that it makes beside it, and says that it cannot open the
database where it cannot make them (https://sqlite.org/wal.html#read_only_databases).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL

LOGS = ("-wal", "-journal")


def for_reading(url: URL) -> URL:
    """The URL by which a ledger can be read wherever its file lies; ``url`` itself where its folder can be written.

    A file with transactions in a log beside it is read from a copy of both, which lives as long as the process; without
    a log the file alone is the whole database.
    """
    if url.get_backend_name() != "sqlite":
        return url
    path = Path(url.database or "").resolve()
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return url
    logs = [log for end in LOGS if (log := path.with_name(path.name + end)).exists() and log.stat().st_size]
    if logs:
        folder = Path(tempfile.mkdtemp(prefix="overread-ledger-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for file in (path, *logs):
            shutil.copyfile(file, folder / file.name)
        return url.set(database=str(folder / path.name))
    return URL.create(
        "sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "immutable": "1", "uri": "true"}
    )
