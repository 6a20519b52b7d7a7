"""The folder of one run: what was to be answered, the result, and the objects made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from overread.clinic.kept import RESULT, KeptResult, read_result, write_result
from overread.clinic.results.names import OBJECT_FILES
from overread.clinic.tables import Priority
from overread.files import atomic_path, canonical_json, sha256_bytes, write_json

FACTS, PICTURE, DEATHS = "run.json", "overlay.png", "deaths.json"


def sops_sha256(sops: Sequence[str]) -> str:
    """Hash of a set of SOP Instance UIDs."""
    return sha256_bytes(canonical_json(sorted(sops)).encode())


def run_key(study: str, sops: Sequence[str], package_sha256: str) -> str:
    """Names a run: these instances of this study answered by this package. 32 hexadecimal digits."""
    return sha256_bytes(canonical_json([study, sops_sha256(sops), package_sha256]).encode())[:32]


@dataclass(frozen=True)
class RunFacts:
    """What a run is about, fixed when it is made.

    ``created`` is UTC, ISO 8601. ``predecessor``: key of the run whose report this one takes the place of; ``notes``
    are told beside the result; a ``shadow`` is never delivered.
    """

    key: str
    study_uid: str
    sops: tuple[str, ...]
    route: str
    package_name: str
    package_version: str
    package_sha256: str
    virtual: bool
    created: str
    predecessor: str = ""
    notes: tuple[str, ...] = ()
    shadow: bool = False
    priority: str = Priority.NORMAL.value

    @property
    def time(self) -> datetime:
        """``created`` as a time in UTC."""
        return datetime.fromisoformat(self.created).astimezone(UTC)


class RunFolder:
    """Files of one run; every one is written whole or not at all."""

    def __init__(self, results: Path, key: str) -> None:
        self.folder = results / key

    def write_facts(self, facts: RunFacts) -> RunFacts:
        """Keep ``facts``; where there are some already, those count and are returned."""
        path = self.folder / FACTS
        if not path.exists():
            write_json(path, asdict(facts))
        return self.facts()

    def facts(self) -> RunFacts:
        """What the run is about."""
        content = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
        return RunFacts(
            **{**content, "sops": tuple(content["sops"]), "notes": tuple(content.get("notes", ()))}
        )

    def deaths(self, kind: str) -> int:
        """How many processes ended over this run: of ``kind`` "child", or "node" for those of the node itself."""
        try:
            return int(json.loads((self.folder / DEATHS).read_text(encoding="utf-8")).get(kind, 0))
        except (FileNotFoundError, ValueError, AttributeError):
            return 0

    def set_deaths(self, **counts: int) -> None:
        """Keep how many; nothing where all are 0."""
        kept = {k: self.deaths(k) for k in ("child", "node")} | counts
        if any(kept.values()):
            write_json(self.folder / DEATHS, kept)
        else:
            (self.folder / DEATHS).unlink(missing_ok=True)

    def begin_again(self) -> None:
        """Forget the result and the deaths: the run is made as if for the first time."""
        for path in (self.folder / RESULT, self.folder / DEATHS, *self.objects()):
            path.unlink(missing_ok=True)

    def result(self) -> KeptResult | None:
        """The result as it was kept; None where there is none yet, or none that can be read."""
        return read_result(self.folder)

    def write_result(self, result: KeptResult, picture: bytes | None) -> None:
        """Keep the result, its picture first, so that a result that exists is complete."""
        if picture is not None:
            with atomic_path(self.folder / PICTURE) as temporary:
                temporary.write_bytes(picture)
        write_result(self.folder, result)

    def objects(self) -> list[Path]:
        """The DICOM objects that were made, in sending order."""
        return [self.folder / name for name in OBJECT_FILES if (self.folder / name).exists()]
