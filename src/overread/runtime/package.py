"""Package: a folder or .overread zip with weights and package.json, refused when a byte has changed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from overread.errors import InputError
from overread.files import atomic_path, sha256_bytes
from overread.parse import parse_json, short
from overread.runtime import manifest_v1
from overread.runtime.manifest import FORMAT, Manifest, digest_of
from overread.runtime.onnx_file import OnnxFacts, onnx_facts
from overread.runtime.package_check import faults
from overread.runtime.package_zip import read_folder, read_zip
from overread.runtime.tasks import TASKS
from overread.runtime.uncertainty.arrays import from_bytes
from overread.settings import validated

MANIFEST = "package.json"
MODEL = "model.onnx"
ARRAYS = "uncertainty.npz"
LIMITS = {MANIFEST: 16 * 1024**2, MODEL: 2 * 1024**3}
"""Largest accepted size of each file in bytes; an ONNX file without weights elsewhere cannot be larger (protobuf)."""
FURTHER = re.compile(rf"model-[1-9][0-9]?\.onnx|{re.escape(ARRAYS)}")
"""Other files that a package may have: further networks, and arrays (`overread.runtime.uncertainty.arrays`)."""


@dataclass(frozen=True)
class Package:
    """A verified package: its manifest, the bytes of its weights, and those of further files by name."""

    path: Path
    manifest: Manifest
    model: bytes
    further: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The package's hash; it covers manifest and weights."""
        return self.manifest.sha256

    @cached_property
    def model_sha256(self) -> str:
        """The hash of the weights as they are: also of a draft, whose manifest does not state it yet."""
        return sha256_bytes(self.model)

    @property
    def networks(self) -> dict[str, bytes]:
        """The bytes of every network by its file's name, the first first."""
        return {MODEL: self.model} | {k: v for k, v in sorted(self.further.items()) if k != ARRAYS}

    @cached_property
    def networks_sha256(self) -> str:
        """Of all networks, as they are."""
        return sha256_bytes("".join(sha256_bytes(v) for v in self.networks.values()).encode())

    @cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The content of `ARRAYS`, in float64; empty without it. Raises InputError where it is damaged."""
        data = self.further.get(ARRAYS)
        return {} if data is None else from_bytes(data, f"{self.path}: {ARRAYS}")

    @classmethod
    def load(cls, path: str | Path) -> Package:
        """Read and verify a package folder or ``.overread`` file, of format 2 or 1.

        Raises
        ------
        InputError
            Not a package, an unknown format, content that does not match its hashes, or a network that keeps weights
            in other files or lacks an output that the task reads.
        """
        path = Path(path)
        if path.is_dir():
            read = read_folder
        elif path.is_file():
            read = read_zip
        else:
            raise InputError(f"{path}: no such package; expected a folder or an .overread file")
        raw = read(path, LIMITS)
        model = raw[MODEL]
        content = _verified(raw[MANIFEST], model, path)
        further = read(path, _further(content, path))
        for name, data in further.items():
            _check_file(name, data, content["files"], path)
        facts = _own_weights(model, path)
        where = f"{path}: {MANIFEST}"
        if content["format"] == manifest_v1.FORMAT:
            content = manifest_v1.upgraded(content, facts.outputs[0], where)
        manifest = validated(Manifest, content, where)
        _check_reading(manifest, facts, path)
        package = cls(path, manifest, model, further)
        check_further(package)
        return package


def write_package(
    path: Path, manifest: Manifest, model: bytes, further: Mapping[str, bytes] | None = None
) -> Package:
    """Write an ``.overread`` file (a zip, stored with fixed dates so that equal content gives equal bytes).

    ``manifest.files`` and ``manifest.sha256`` are filled in here, and the network's ``outputs`` where none are named.
    Raises InputError for what `Package.load` would refuse.
    """
    facts = _own_weights(model, path)
    files = {MODEL: model} | dict(further or {})
    read = [name for name in facts.outputs if name != manifest.uncertainty.features]
    manifest = manifest.model_copy(
        update={
            "files": {name: sha256_bytes(data) for name, data in files.items()},
            "outputs": manifest.outputs or read,
        }
    ).sealed()
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    manifest = validated(Manifest, json.loads(text), f"{path}: {MANIFEST}")
    _check_reading(manifest, facts, path)
    package = Package(path, manifest, model, {k: v for k, v in files.items() if k != MODEL})
    check_further(package)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {MANIFEST: text.encode(), **files}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return package


def _verified(data: bytes, model: bytes, path: Path) -> Mapping[str, Any]:
    """The manifest's content, whatever its format, once its own hash and the weights' are right."""
    content = parse_json(data, f"{path}: {MANIFEST}")
    try:
        digest = digest_of(content) if isinstance(content, dict) else ""
    except ValueError as error:
        raise InputError(f"{path}: {MANIFEST} is damaged ({short(str(error))})") from error
    if not isinstance(content, dict) or content.get("format") not in (manifest_v1.FORMAT, FORMAT):
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise InputError(
            f"{path}: {MANIFEST} has format {found!r}, this overread reads formats {manifest_v1.FORMAT} and {FORMAT}"
        )
    stated, files = content.get("sha256"), content.get("files")
    if digest != stated:
        raise InputError(
            f"{path}: {MANIFEST} was changed after packaging (its hash is {digest[:12]}, it states "
            f"{str(stated)[:12]}); restore the original package"
        )
    _check_file(MODEL, model, files, path)
    return content


def _check_file(name: str, data: bytes, files: Any, path: Path) -> None:
    """Raise InputError unless a file is the one that the manifest states."""
    there, expected = sha256_bytes(data), files.get(name) if isinstance(files, dict) else None
    if there != expected:
        raise InputError(
            f"{path}: {name} was changed after packaging (its hash is {there[:12]}, {MANIFEST} states "
            f"{str(expected)[:12]}); restore the original package"
        )


def _further(content: Mapping[str, Any], path: Path) -> dict[str, int]:
    """Names of the further files, with their largest sizes. Raises InputError for a name that is none of a package."""
    names = [name for name in content["files"] if name != MODEL]
    for name in names:
        if not FURTHER.fullmatch(name):
            raise InputError(
                f"{path}: {MANIFEST} names a file {name!r}, expected {MODEL}, model-1.onnx to model-99.onnx or {ARRAYS}"
            )
    return dict.fromkeys(names, LIMITS[MODEL])


def check_further(package: Package) -> None:
    """Raise InputError unless further networks and arrays are those that ``manifest.uncertainty`` reads."""
    for fault in faults(package.manifest, package.networks, package.arrays, str(package.path)):
        raise InputError(f"{package.path}: {fault}")


def _own_weights(model: bytes, path: Path) -> OnnxFacts:
    """What the network says of itself. Raises InputError where it keeps weights elsewhere: no hash covers those."""
    facts = onnx_facts(model, f"{path}: {MODEL}")
    if facts.external:
        raise InputError(
            f"{path}: {MODEL} keeps {len(facts.external)} of its tensors in other files (such as {facts.external[0]}), "
            "which the package's hash does not cover; export it with all weights inside"
        )
    return facts


def _check_reading(manifest: Manifest, facts: OnnxFacts, path: Path) -> None:
    """Raise InputError unless the network gives what the task reads, and the task knows how it is told to read it."""
    task, named = TASKS[manifest.task], manifest.outputs
    missing = [name for name in named if name not in facts.outputs]
    if missing:
        raise InputError(
            f"{path}: {MANIFEST} names outputs {', '.join(missing)}, but {MODEL} gives {', '.join(facts.outputs)}"
        )
    one = len(task.OUTPUTS) == 1
    if (len(named) != 1) if one else not set(task.OUTPUTS) <= set(named):
        raise InputError(
            f"{path}: found outputs {', '.join(named)}, a {manifest.task} network gives "
            f"{'one' if one else ', '.join(task.OUTPUTS)}; name them in {MANIFEST}"
        )
    unknown = [key for key in manifest.decoding if key not in task.DECODING]
    if unknown:
        raise InputError(
            f"{path}: {MANIFEST} has decoding.{unknown[0]}; a {manifest.task} package knows "
            f"{', '.join(task.DECODING) or 'none'}"
        )
