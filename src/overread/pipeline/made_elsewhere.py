"""A package that was made elsewhere, tested on patients of this folder: its training is not evidenced here.

All of the test stays as it is: what is locked, how often it is opened, goals, intervals. Absent is what only a training
of this folder leaves: plan, history, and that the package comes of them.
"""

from __future__ import annotations

from pathlib import Path

from overread.errors import InputError
from overread.files import atomic_path, sha256_file
from overread.pipeline.workspace import Workspace
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package

NOT_EVIDENCED = "made elsewhere: its training is not evidenced"


def made_elsewhere(space: Workspace) -> bool:
    """Whether nothing was ever trained in this folder, so that its package comes from elsewhere."""
    return not space.ledger.events("pipeline.train")


def locked_elsewhere(space: Workspace) -> bool:
    """Whether the locked package was made elsewhere. Raises InputError as `Workspace.record_of`."""
    return bool(space.record_of("lock")["result"].get("made_elsewhere"))


def bring(space: Workspace, source: Path) -> None:
    """Copy the package file at ``source`` to where the folder keeps its own.

    Raises
    ------
    InputError
        A folder that trained or has another package, a source that is no package file, or one whose task, labels or
        channels are not the protocol's.
    """
    place = space.package_file
    if not made_elsewhere(space):
        raise InputError(
            f"{space.folder}: has trained a model of its own; test a package made elsewhere in a folder of its own"
        )
    if not source.is_file():
        raise InputError(f"{source}: no such file; expected a package (.overread)")
    check_agreement(space, Package.load(source).manifest, source)
    if place.is_file():
        if sha256_file(place) == sha256_file(source):
            return
        raise InputError(f"{place}: another package is there; take a folder of its own for {source.name}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(place) as beside:
        beside.write_bytes(source.read_bytes())


def check_agreement(space: Workspace, manifest: Manifest, path: Path) -> None:
    """Raise InputError unless the package answers what the protocol asks, from the images that the table has."""
    protocol = space.protocol
    for what, asked, found in (
        ("task", protocol.task, manifest.task),
        ("labels", list(protocol.labels), list(manifest.labels)),
        ("positive", protocol.positive, manifest.positive),
        ("dimensions", protocol.dimensions, manifest.preprocess.dimensions),
        ("channels", [c.name for c in protocol.channels], [c.name for c in manifest.channels]),
    ):
        if asked != found:
            raise InputError(
                f"{path}: {what} of the package: {_text(found)}; protocol.yaml has {_text(asked)}. Write the package's "
                "into protocol.yaml (and name the columns of cohort.csv by its channels)"
            )


def made_of(manifest: Manifest) -> dict[str, str]:
    """For the report: what the package says of where it comes from."""
    origin = dict(manifest.model_card.get("imported_from") or {})
    told = {k: str(origin[k]) for k in ("framework", "source", "licence") if origin.get(k)}
    return {"package": f"{manifest.name} {manifest.version}", **told}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
