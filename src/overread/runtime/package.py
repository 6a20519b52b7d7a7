"""Package: a folder or .overread zip with weights and package.json, refused when a byte has changed."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError
from overread.files import atomic_path, sha256_bytes
from overread.runtime.manifest import FORMAT, Manifest, digest_of
from overread.settings import validated

MANIFEST = "package.json"
MODEL = "model.onnx"
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
MAX_MODEL_BYTES = 8 * 1024**3


@dataclass(frozen=True)
class Package:
    """A verified package: its manifest and the bytes of its weights."""

    path: Path
    manifest: Manifest
    model: bytes

    @property
    def sha256(self) -> str:
        """The package's hash; it covers manifest and weights."""
        return self.manifest.sha256

    @classmethod
    def load(cls, path: str | Path) -> Package:
        """Read and verify a package folder or ``.overread`` file.

        Raises
        ------
        InputError
            Not a package, an unknown format, or content that does not match its hashes.
        """
        path = Path(path)
        if path.is_dir():
            raw = {name: _read_file(path / name, path) for name in (MANIFEST, MODEL)}
        elif path.is_file():
            raw = _read_zip(path)
        else:
            raise InputError(f"{path}: no such package; expected a folder or an .overread file")
        manifest, digest = _parse(raw[MANIFEST], path)
        if digest != manifest.sha256:
            raise InputError(
                f"{path}: {MANIFEST} was changed after packaging (its hash is {digest[:12]}, it states "
                f"{manifest.sha256[:12]}); restore the original package"
            )
        found = sha256_bytes(raw[MODEL])
        if manifest.files.get(MODEL) != found:
            raise InputError(
                f"{path}: {MODEL} was changed after packaging (its hash is {found[:12]}, {MANIFEST} states "
                f"{str(manifest.files.get(MODEL))[:12]}); restore the original package"
            )
        return cls(path, manifest, raw[MODEL])


def write_package(path: Path, manifest: Manifest, model: bytes) -> Package:
    """Write an ``.overread`` file (a zip, stored with fixed dates so that equal content gives equal bytes).

    ``manifest.files`` and ``manifest.sha256`` are filled in here.
    """
    manifest = manifest.model_copy(update={"files": {MODEL: sha256_bytes(model)}}).sealed()
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, text.encode()), (MODEL, model)):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return Package(path, manifest, model)


def _read_file(path: Path, package: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{package}: cannot read {path.name} ({error.strerror}); not a complete package"
        ) from error


def _read_zip(path: Path) -> dict[str, bytes]:
    limits = {MANIFEST: MAX_MANIFEST_BYTES, MODEL: MAX_MODEL_BYTES}
    try:
        with zipfile.ZipFile(path) as archive:
            out = {}
            for name, limit in limits.items():
                info = archive.getinfo(name)
                if info.file_size > limit:
                    raise InputError(
                        f"{path}: {name} claims {info.file_size} bytes, at most {limit} are accepted"
                    )
                out[name] = archive.read(info)
            return out
    except KeyError as error:
        raise InputError(
            f"{path}: not an overread package: it has no {error.args[0].split(chr(39))[1]}"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{path}: not an overread package ({error}); expected a zip with {MANIFEST} and {MODEL}"
        ) from error


def _parse(data: bytes, path: Path) -> tuple[Manifest, str]:
    try:
        content = json.loads(data)
        digest = digest_of(content) if isinstance(content, dict) else ""
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: {MANIFEST} is damaged ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise InputError(f"{path}: {MANIFEST} has format {found!r}, this overread reads format {FORMAT}")
    return validated(Manifest, content, f"{path}: {MANIFEST}"), digest
