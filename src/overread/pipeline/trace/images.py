"""Images and truths of cases, held against the hashes of the check: each is looked at once, however many ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from overread.cohort.case import Case
from overread.errors import InputError
from overread.files import sha256_file
from overread.imaging.image_files import image_files

FILE = "files.json"
"""Where the check writes the hashes of the images."""


class Images:
    """The files of a protocol's cases; what is known of a case is kept, for the figures that share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: Mapping[str, str] | None = None
        self._known: dict[tuple[str, bool], tuple[list[dict[str, str]], list[str]]] = {}

    @property
    def listed(self) -> bool:
        """Whether the check left a list of hashes."""
        return (self.folder / FILE).is_file()

    def look(self, cases: Iterable[Case], advance: Callable[[], None] = lambda: None) -> None:
        """Compare the files of ``cases`` beforehand, with a call of ``advance`` after each case."""
        for case in cases:
            self.of(case, rehash=True)
            advance()

    def of(self, case: Case, *, rehash: bool) -> tuple[list[dict[str, str]], list[str]]:
        """A case's files with their recorded hashes and states, and a sentence for each that is not as recorded."""
        key = (case.case, rehash)
        if key not in self._known:
            told: list[dict[str, str]] = []
            missing: list[str] = []
            for path in _paths(case, missing):
                one = self._one(case, path, rehash=rehash)
                told.append(one)
                if one["state"] == "gone" and not one["sha256"]:
                    missing.append(f"{path}: is gone")
                elif not one["sha256"]:
                    missing.append(f"{path}: was not there at the check")
                elif one["state"] in ("changed", "gone"):
                    missing.append(f"{path}: is {one['state']}; the check recorded {one['sha256'][:12]}")
            self._known[key] = told, missing
        return self._known[key]

    def _one(self, case: Case, path: Path, *, rehash: bool) -> dict[str, str]:
        name = (path.relative_to(self.folder) if path.is_relative_to(self.folder) else path).as_posix()
        recorded, state = self._recorded.get(name, ""), "not compared"
        if rehash:
            now = _hash(path)
            state = "gone" if now is None else "as recorded" if now == recorded else "changed"
        return {"case": case.case, "file": name, "sha256": recorded, "state": state}

    @property
    def _recorded(self) -> Mapping[str, str]:
        if self._hashes is None:
            self._hashes = json.loads((self.folder / FILE).read_text(encoding="utf-8"))
        return self._hashes


def _paths(case: Case, missing: list[str]) -> Iterator[Path]:
    """Every file of a case; of an image whose files cannot be listed its own path, and why in ``missing``."""
    for path in (*case.images.values(), *(p for p in (case.mask, case.boxes) if p)):
        try:
            yield from image_files(path)
        except InputError as error:
            if path.exists():
                missing.append(str(error))
            yield path


def _hash(path: Path) -> str | None:
    """SHA-256 of a file as it is; None where there is none."""
    try:
        return sha256_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
