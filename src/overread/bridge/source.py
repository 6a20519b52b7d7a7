"""Where a model made elsewhere lies: a folder, a file, or a zip that is unpacked within bounds."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from overread.errors import InputError
from overread.files import sha256_file
from overread.parse import parse_json, parse_yaml
from overread.zips import check_member

MEMBER = 8 * 1024**3
TOTAL = 32 * 1024**3
"""Largest accepted size of one file in a zip, and of all together, in bytes unpacked."""


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """The folder or file that ``source`` names; a zip of a model is unpacked into a folder that goes away again.

    Raises InputError for what is not there, and for a zip as `unpack`.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    if source.is_dir() or source.suffix.lower() != ".zip":
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="overread-import-") as folder:
        unpack(source, Path(folder))
        yield _only_folder(Path(folder))


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into ``folder``, and nowhere else.

    Raises InputError for a member whose path leaves the folder, a link, one that is encrypted, compressed in another
    way than stored or deflated or larger than is accepted, and for a damaged zip.
    """
    try:
        with zipfile.ZipFile(archive) as found:
            members = found.infolist()
            for member in members:
                check_member(member, MEMBER, str(archive))
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
                    raise InputError(
                        f"{archive}: {member.filename!a} leaves the folder it is unpacked to; not read"
                    )
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise InputError(f"{archive}: {member.filename!a} is a link; not read")
            total = sum(member.file_size for member in members)
            if total > min(TOTAL, shutil.disk_usage(folder).free):
                raise InputError(
                    f"{archive}: unpacks to {total} bytes, more than is accepted or free in {folder}"
                )
            for member in members:
                found.extract(member, folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{archive}: is no whole zip ({error}); copy it again") from error


def _only_folder(folder: Path) -> Path:
    """The folder itself, or the only one in it, as far down as that goes."""
    inside = [p for p in folder.iterdir() if not p.name.startswith("__MACOSX")]
    return _only_folder(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def read_object(path: Path) -> dict[str, Any]:
    """The content of a JSON or YAML file that holds one object. Raises InputError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if path.suffix.lower() == ".json":
        found = parse_json(data, str(path))
    else:
        try:
            found = parse_yaml(data.decode("utf-8"), str(path))
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is not text in UTF-8") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: found {type(found).__name__}, expected an object with keys")
    return found


def hashes(folder: Path, files: list[Path]) -> dict[str, str]:
    """SHA-256 of each file by its path in ``folder``."""
    return {f.relative_to(folder).as_posix(): sha256_file(f) for f in files}


def plain(value: Any) -> Any:
    """What of a foreign configuration goes into a model card: itself where it is small, else its beginning."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= 2000 else text[:2000] + " ..."
