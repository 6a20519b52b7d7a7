"""Who signed a package, and whether it is the one that somebody pinned: by its hash, or by who signed it.

The signature lies beside the package, in a file of its name with ``.sig`` at the end: the package stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from overread.commands import command
from overread.errors import InputError
from overread.files import write_json
from overread.keys.card import Card, key_id
from overread.keys.meanings import role_for
from overread.keys.ring import Keyring, Person
from overread.keys.signature import Signature, sign, standing
from overread.parse import parse_json
from overread.runtime.package import Package

MEANING = "packaged"


def signature_file(package: Path) -> Path:
    """``NAME.overread.sig`` beside ``NAME.overread``."""
    return package.with_name(f"{package.name}.sig")


def sign_package(package: Package, person: Person, *, comment: str = "") -> Path:
    """Write a person's signature of the package's hash beside it. Raises InputError for a role that may not."""
    manifest = package.manifest
    what = {"package_sha256": package.sha256, "package": f"{manifest.name} {manifest.version}"}
    signature = sign(person, meaning=MEANING, what=what, role=role_for(person.card, MEANING), comment=comment)
    path = signature_file(package.path)
    write_json(path, signature.as_dict())
    return path


def signature_of(package: Package) -> Signature | None:
    """The signature beside a package; None without one.

    Raises
    ------
    InputError
        It does not hold, is of another package, or means something else, as that of a lock does.
    """
    path = signature_file(package.path)
    if not path.is_file():
        return None
    signature = Signature.of(parse_json(path.read_bytes(), str(path)))
    fault = "is no signature" if signature is None else signature.fault()
    if signature is None or fault:
        raise InputError(f"{path}: {fault}; take package and signature from their source again")
    if signature.said.get("meaning") != MEANING:
        raise InputError(
            f"{path}: says {signature.said.get('meaning')!r} of this package, expected {MEANING!r}: a signature of "
            "something else was put beside it; take package and signature from their source again"
        )
    signed = signature.said.get("package_sha256")
    if signed != package.sha256:
        raise InputError(
            f"{path}: is of the package {str(signed)[:12]}, found {package.sha256[:12]} beside it; take both from "
            "their source again"
        )
    return signature


def check_pinned(
    package: Package,
    *,
    sha256: str | None = None,
    signed_by: Sequence[str] = (),
    known: Mapping[str, Card] | None = None,
) -> None:
    """Raise InputError unless the package has this hash (or its beginning) and was signed by one of these key ids.

    ``known`` are the cards by which a name is told; the ring's own without it. A key that the ring calls revoked does
    not count from then on; one that it does not know counts by its id alone.
    """
    if sha256 is not None and not package.sha256.startswith(sha256.lower()):
        raise InputError(
            f"{package.path}: has the hash {package.sha256}, expected {sha256} as it is pinned; install the pinned "
            "package, or pin this one after it was accepted"
        )
    if not signed_by:
        return
    signature = signature_of(package)
    if signature is None:
        raise InputError(
            f"{package.path}: is not signed, expected {signature_file(package.path).name} by {' or '.join(signed_by)}; "
            f"{command('keys', 'sign-package', package.path, '--as', 'NAME')}"
        )
    own = key_id(signature.key)
    cards = Keyring().cards() if known is None else known
    doubt = standing(signature, cards) if own in cards else ""
    if own not in signed_by or doubt:
        raise InputError(
            f"{package.path}: is signed by key {own} ({signature.said.get('name')}), expected {' or '.join(signed_by)}"
            + (f"; {doubt}" if doubt else "")
        )
