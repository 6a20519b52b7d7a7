"""A package that was changed, cut or is something else is refused by name and cause."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.models import manifest, mean_classifier

from overread.errors import InputError
from overread.runtime.manifest import digest_of
from overread.runtime.package import Package, write_package


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return write_package(tmp_path / "p.overread", manifest(), mean_classifier(2))


def test_round_trip(package: Package) -> None:
    loaded = Package.load(package.path)
    assert loaded.manifest == package.manifest
    assert loaded.model == package.model
    assert loaded.sha256 == package.sha256 and len(loaded.sha256) == 64


def test_same_content_gives_same_bytes(package: Package, tmp_path: Path) -> None:
    again = write_package(tmp_path / "again.overread", manifest(), mean_classifier(2))
    assert again.path.read_bytes() == package.path.read_bytes()


def test_folder_is_a_package_too(package: Package, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path / "folder")
    assert Package.load(tmp_path / "folder").sha256 == package.sha256


def unpacked(package: Package, tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


def test_changed_weights_are_refused(package: Package, tmp_path: Path) -> None:
    folder = unpacked(package, tmp_path)
    raw = bytearray((folder / "model.onnx").read_bytes())
    raw[-1] ^= 1
    (folder / "model.onnx").write_bytes(raw)
    with pytest.raises(InputError, match=r"model\.onnx was changed after packaging"):
        Package.load(folder)


def test_changed_threshold_is_refused(package: Package, tmp_path: Path) -> None:
    folder = unpacked(package, tmp_path)
    content = json.loads((folder / "package.json").read_text())
    content["operating_point"] = {"rule": "youden", "threshold": 0.01}
    (folder / "package.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"package\.json was changed after packaging"):
        Package.load(folder)


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"", "not an overread package"), (b"hello", "not an overread package"), (None, "no such package")],
)
def test_something_else_is_refused(tmp_path: Path, content: bytes | None, cause: str) -> None:
    path = tmp_path / "x.overread"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=cause):
        Package.load(path)


def test_a_zip_without_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.overread"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("package.json", "{}")
    with pytest.raises(InputError, match=r"model\.onnx"):
        Package.load(path)


def test_a_package_from_before_a_field_existed_still_loads(package: Package, tmp_path: Path) -> None:
    folder = unpacked(package, tmp_path)
    content = json.loads((folder / "package.json").read_text())
    del content["calibration"]["bins"], content["counted_labels"]
    (folder / "package.json").write_text(json.dumps(content | {"sha256": digest_of(content)}))
    assert Package.load(folder).manifest.counted_labels == []


@pytest.mark.parametrize(
    "text", ['{"format": NaN}', '{"format": 1, "name": "\\ud800"}', "[" * 9999, "[]", "{"]
)
def test_a_manifest_that_is_no_proper_json_is_refused(package: Package, tmp_path: Path, text: str) -> None:
    folder = unpacked(package, tmp_path)
    (folder / "package.json").write_text(text)
    with pytest.raises(InputError, match=r"package\.json"):
        Package.load(folder)


def test_another_format_is_refused(package: Package, tmp_path: Path) -> None:
    folder = unpacked(package, tmp_path)
    content = json.loads((folder / "package.json").read_text()) | {"format": 99}
    (folder / "package.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="format 99"):
        Package.load(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_in_a_compressed_package_is_refused_too(
    package: Package, tmp_path: Path, data: st.DataObject
) -> None:
    squeezed = tmp_path / "squeezed.overread"
    with (
        zipfile.ZipFile(package.path) as source,
        zipfile.ZipFile(squeezed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    raw = bytearray(squeezed.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    squeezed.write_bytes(raw)
    try:
        loaded = Package.load(squeezed)
    except InputError as error:
        assert str(squeezed) in str(error)
    else:
        assert loaded.manifest == package.manifest and loaded.model == package.model


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damaged_byte_is_refused_or_harmless(
    package: Package, tmp_path: Path, data: st.DataObject
) -> None:
    raw = bytearray(package.path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged.overread"
    damaged.write_bytes(raw[: data.draw(st.integers(at, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        loaded = Package.load(damaged)
    except InputError as error:
        assert str(damaged) in str(error)
    else:  # the byte was in the zip's own bookkeeping
        assert loaded.manifest == package.manifest and loaded.model == package.model
