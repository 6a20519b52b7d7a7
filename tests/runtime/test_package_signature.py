"""A package is taken into use only if it is the pinned one: by its hash, or by who signed it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.sealed_road import WORDS

from overread.errors import InputError
from overread.files import write_json
from overread.keys.ring import Keyring
from overread.keys.signature import sign
from overread.runtime.package import Package
from overread.runtime.package_signature import check_pinned, sign_package, signature_file, signature_of


@pytest.fixture
def ring() -> Keyring:
    found = Keyring()
    for name, role in (("Ann", "analyst"), ("Bob", "quality"), ("Cat", "reviewer")):
        found.new(name, [role], WORDS)  # type: ignore[list-item]
    return found


@pytest.fixture
def package(small_road: Path, tmp_path: Path) -> Package:
    return Package.load(shutil.copy(next((small_road / "package").glob("*.overread")), tmp_path))


def test_a_hash_pins_a_package(package: Package) -> None:
    check_pinned(package, sha256=package.sha256)
    check_pinned(package, sha256=package.sha256[:12].upper())
    with pytest.raises(InputError, match="expected 000000000000 as it is pinned"):
        check_pinned(package, sha256="0" * 12)


def test_a_key_pins_a_package(package: Package, ring: Keyring) -> None:
    ann, bob = ring.find("Ann"), ring.find("Bob")
    with pytest.raises(InputError, match=f"is not signed, expected .* by {ann.id}"):
        check_pinned(package, signed_by=[ann.id])
    sign_package(package, ring.open("Ann", WORDS))
    signature = signature_of(package)
    assert signature is not None and signature.said["package_sha256"] == package.sha256
    check_pinned(package, signed_by=[bob.id, ann.id])
    # Where the ring does not know her, her key's id counts alone.
    check_pinned(package, signed_by=[ann.id], known={})
    with pytest.raises(InputError, match=rf"is signed by key {ann.id} \(Ann\), expected {bob.id}"):
        check_pinned(package, signed_by=[bob.id])
    with pytest.raises(InputError, match="Cat is reviewer; 'packaged' is signed by analyst or quality"):
        sign_package(package, ring.open("Cat", WORDS))


def test_a_signature_of_another_package_or_altered_does_not_hold(package: Package, ring: Keyring) -> None:
    path = sign_package(package, ring.open("Ann", WORDS))
    assert path == signature_file(package.path)
    text = path.read_text()
    path.write_text(text.replace("Ann", "Bob"))
    with pytest.raises(InputError, match="not of this text and key"):
        signature_of(package)
    path.write_text(text)
    other = Package(
        package.path, package.manifest.model_copy(update={"name": "other"}).sealed(), package.model
    )
    with pytest.raises(InputError, match="beside it; take both"):
        signature_of(other)
    path.write_text("{}")
    with pytest.raises(InputError, match="is no signature"):
        signature_of(package)


def test_a_signature_that_means_something_else_is_none_of_a_package(package: Package, ring: Keyring) -> None:
    """The lock is signed over the same hash, before the test: that is no word on taking the package into use."""
    ann = ring.open("Ann", WORDS)
    locked = sign(ann, meaning="locked", what={"row": 7, "package_sha256": package.sha256})
    write_json(signature_file(package.path), locked.as_dict())
    with pytest.raises(InputError, match="says 'locked' of this package, expected 'packaged'"):
        check_pinned(package, signed_by=[ann.card.id])


def test_a_key_revoked_before_it_signed_does_not_count(package: Package, ring: Keyring) -> None:
    sign_package(package, ring.open("Ann", WORDS))
    ann = ring.find("Ann")
    card = ring.revoke("Ann", "phone was lost")
    assert card.revoked is not None
    early = card.revoked.model_copy(update={"time": card.revoked.time.replace(year=2020)})
    with pytest.raises(InputError, match="was revoked on 2020"):
        check_pinned(package, signed_by=[ann.id], known={ann.id: card.model_copy(update={"revoked": early})})
