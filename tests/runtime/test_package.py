"""A package that was changed, cut or is something else is refused by name and cause."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.models import manifest, mean_classifier, mean_logits, spot_detector

from overread.errors import InputError
from overread.runtime import package as package_module
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
    content["operating_points"] = {"abnormal": {"rule": "youden", "threshold": 0.01}}
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


def test_outputs_are_those_of_the_network(tmp_path: Path) -> None:
    classes = write_package(tmp_path / "a.overread", manifest(), mean_logits(2, [1, 2], [0, 0], output="y"))
    assert classes.manifest.outputs == ["y"]
    objects = write_package(
        tmp_path / "b.overread",
        manifest(task="detection", positive=None, labels=["spot"], decoding={"overlap": 0.1}),
        spot_detector(2, 2, 3.0),
    )
    assert Package.load(objects.path).manifest.outputs == ["heat", "size", "offset"]


@pytest.mark.parametrize(
    ("changes", "model", "cause"),
    [
        ({"outputs": ["heat"]}, mean_classifier(2), r"names outputs heat, but model\.onnx gives logits"),
        (
            {"outputs": ["heat", "size", "offset"]},
            spot_detector(2, 2, 3.0),
            "found outputs heat, size, offset, a classification network gives one",
        ),
        (
            {"task": "detection", "positive": None, "labels": ["x"], "outputs": ["logits"]},
            mean_classifier(2),
            "found outputs logits, a detection network gives heat, size, offset",
        ),
        (
            {"decoding": {"overlap": 0.1}},
            mean_classifier(2),
            r"decoding\.overlap; a classification package knows none",
        ),
        ({}, b"no network", r"model\.onnx is not an ONNX file"),
    ],
)
def test_what_could_not_be_read_is_neither_written_nor_loaded(
    package: Package, tmp_path: Path, changes: dict[str, Any], model: bytes, cause: str
) -> None:
    path = tmp_path / "q.overread"
    with pytest.raises(InputError, match=cause):
        write_package(path, manifest(**changes), model)
    assert not path.exists()
    folder = sealed(package, tmp_path, model, changes)
    with pytest.raises(InputError, match=cause):
        Package.load(folder)


def sealed(package: Package, tmp_path: Path, model: bytes, changes: dict[str, Any]) -> Path:
    """A folder with ``changes`` and another model, all hashes right."""
    folder = unpacked(package, tmp_path)
    (folder / "model.onnx").write_bytes(model)
    content = json.loads((folder / "package.json").read_text()) | changes
    content["files"] = {"model.onnx": hashlib.sha256(model).hexdigest()}
    (folder / "package.json").write_text(json.dumps(content | {"sha256": digest_of(content)}))
    return folder


def test_weights_in_other_files_are_refused_though_every_hash_is_right(
    package: Package, tmp_path: Path
) -> None:
    model = onnx.load_model_from_string(mean_classifier(2))
    tensor = model.graph.initializer[0]
    np.frombuffer(tensor.raw_data, np.float32).tofile(tmp_path / "w.bin")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", str(tmp_path / "w.bin")
    outside = model.SerializeToString()
    with pytest.raises(InputError, match=r"keeps 1 of its tensors in other files \(such as w\)"):
        Package.load(sealed(package, tmp_path, outside, {}))
    with pytest.raises(InputError, match="in other files"):
        write_package(tmp_path / "q.overread", manifest(), outside)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compressions_are_refused(package: Package, tmp_path: Path, method: int) -> None:
    path = tmp_path / "rare.overread"
    with zipfile.ZipFile(package.path) as source, zipfile.ZipFile(path, "w", method) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    with pytest.raises(InputError, match=rf"package\.json is compressed by method {method}"):
        Package.load(path)


def test_a_member_that_is_there_twice_is_refused(package: Package, tmp_path: Path) -> None:
    path = tmp_path / "twice.overread"
    path.write_bytes(package.path.read_bytes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("package.json", "{}")
    with pytest.raises(InputError, match=r"more than one package\.json"):
        Package.load(path)


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_files_that_are_too_large_are_refused(
    package: Package, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = package.path if kind == "zip" else unpacked(package, tmp_path)
    monkeypatch.setitem(package_module.LIMITS, "model.onnx", len(package.model) - 1)
    with pytest.raises(InputError, match=rf"model\.onnx (claims|has) {len(package.model)} bytes, at most"):
        Package.load(path)


def test_no_more_is_read_than_the_directory_claims(package: Package, tmp_path: Path) -> None:
    path = tmp_path / "liar.overread"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.json", b"{" + b" " * 40_000_000)
        archive.writestr("model.onnx", package.model)
    raw = path.read_bytes()
    assert raw.count(struct.pack("<I", 40_000_001)) == 2
    path.write_bytes(raw.replace(struct.pack("<I", 40_000_001), struct.pack("<I", 100)))
    with pytest.raises(InputError, match=r"liar\.overread: not an overread package"):
        Package.load(path)


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
