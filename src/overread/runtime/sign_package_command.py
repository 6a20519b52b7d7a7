"""`overread keys sign-package`: a person's signature beside a package."""

from __future__ import annotations

from pathlib import Path

from overread.keys.commands import open_person
from overread.runtime.package import Package
from overread.runtime.package_signature import sign_package


def sign_package_command(package: Path, *, who: str, comment: str, passphrase_file: Path | None) -> None:
    """Sign a package, and print what `clinic.yaml` pins it by."""
    loaded = Package.load(package)
    person = open_person(who, passphrase_file)
    path = sign_package(loaded, person, comment=comment)
    print(f"{path}: signed by {person.card.name}")
    print(f"in clinic.yaml, under its route: package_sha256: {loaded.sha256}")
    print(f"                             or: signed_by: [{person.card.id}]")
