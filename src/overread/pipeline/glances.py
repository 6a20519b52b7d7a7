"""Looks at test images outside of the test: `overread predict` on one of them shows what the sealed test would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from overread.files import sha256_file
from overread.imaging.image_files import image_files
from overread.ledger.files import LISTED
from overread.pipeline.evidence import FILE as LEDGER
from overread.pipeline.openings import PATIENTS, identities
from overread.pipeline.protocol import FILE as PROTOCOL
from overread.pipeline.workspace import Workspace

EVENT = "pipeline.glanced"


def note_glances(package: Path, package_sha256: str, images: Sequence[Path]) -> int:
    """Add a row to every protocol whose test images are among ``images``; how many cases these are.

    Protocols are looked for around the package and around the images. An image counts by its content, wherever it lies.

    Raises
    ------
    InputError
        A protocol's ledger does not verify, so that no look can be counted.
    """
    seen = 0
    for folder in _protocols([package, *images]):
        space = Workspace.open(folder)
        tested = _test_files(space)
        wanted = {_hash(p) for path in images for p in image_files(path)}
        found = [case for case, hashes in tested.items() if hashes & wanted]
        if not found:
            continue
        cases = [c for c in space.cohort(missing_channels=True).split("test") if c.case in set(found)]
        space.ledger.append(
            EVENT, {"package": package_sha256, "cases": len(cases), PATIENTS: identities(cases)}
        )
        seen += len(cases)
    return seen


def glances(space: Workspace) -> int:
    """How many test patients `overread predict` has answered."""
    return len({p for e in space.ledger.events(EVENT) for p in e.data.get(PATIENTS, ())})


def _protocols(paths: Iterable[Path]) -> list[Path]:
    """Folders with a protocol and a ledger, two levels or fewer above any of ``paths``."""
    around = {parent for path in paths for parent in list(path.resolve().parents)[:3]}
    return sorted(f for f in around if (f / PROTOCOL).is_file() and (f / LEDGER).is_file())


def _test_files(space: Workspace) -> dict[str, set[str]]:
    """Hashes of the images of each test case, as the check saw them; nothing before the check."""
    listed = space.folder / LISTED
    if not listed.is_file():
        return {}
    hashes: dict[str, str] = json.loads(listed.read_text(encoding="utf-8"))
    out = {}
    for case in space.cohort(missing_channels=True).split("test"):
        files = [p for image in case.images.values() for p in image_files(image)]
        names = [p.relative_to(space.folder) if p.is_relative_to(space.folder) else p for p in files]
        out[case.case] = {hashes[n.as_posix()] for n in names if n.as_posix() in hashes}
    return out


def _hash(path: Path) -> str:
    return sha256_file(path) if path.is_file() else ""
