"""Engines: the same logits; the choice measured, remembered by networks and processor, said with every answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.runtime.models import mean_classifier, package_of, spot_detector, threshold_segmenter

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime import backends, engine_choice
from overread.runtime.backends import REFERENCE, available, opened
from overread.runtime.engine import Engine, engine_of, engines_of
from overread.runtime.predict import predict
from overread.runtime.processor import processor, processor_of
from overread.runtime.qualify import AGREES, qualify, samples_of

SEGMENTER = {
    "task": "segmentation",
    "positive": None,
    "labels": ["background", "ball"],
    "windows": {"size": [8, 8, 8], "overlap": 0.5},
    "preprocess": {"dimensions": 3, "intensity": [{"method": "fixed"}]},
}


@pytest.fixture(autouse=True)
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "engines.json"
    monkeypatch.setenv("OVERREAD_ENGINES", str(path))
    return path


def test_all_engines_give_the_same_logits_in_float32() -> None:
    pytest.importorskip("openvino")
    x = np.random.default_rng(0).normal(size=(2, 1, 16, 16)).astype(np.float32)
    model = spot_detector(2, 4, 6.0)
    expected = Engine(model, "spots")(x)
    for name in available():
        engine = Engine(model, "spots", engine=name)
        assert engine.outputs == ("heat", "size", "offset") and engine.computed.precision == "float32"
        for key, value in engine(x).items():
            np.testing.assert_allclose(value, expected[key], atol=1e-4)


def test_openvino_is_told_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own choice is bfloat16 where the processor has it."""
    openvino = pytest.importorskip("openvino")
    asked: list[dict] = []
    compile_model = openvino.Core.compile_model

    def spied(self: object, model: object, device: str, settings: dict) -> object:
        asked.append(settings)
        return compile_model(self, model, device, settings)

    monkeypatch.setattr(openvino.Core, "compile_model", spied)
    opened("OpenVINO", mean_classifier(2), "mean", threads=1)
    assert asked[0]["INFERENCE_PRECISION_HINT"] == "f32" and asked[0]["INFERENCE_NUM_THREADS"] == 1


def test_what_no_engine_can_load_is_refused() -> None:
    for name in available():
        with pytest.raises(InputError, match="nothing"):
            opened(name, b"nothing", "nothing", threads=1)


def test_the_reference_answers_until_another_was_found_faster(own_file: Path) -> None:
    package = package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER)
    assert engine_of(package).computed.engine == REFERENCE and not own_file.exists()
    tried = qualify(package, repeats=1)
    assert {t.engine for t in tried} == set(available()) and own_file.exists()
    assert all(t.difference is not None and t.difference <= AGREES for t in tried)
    assert engine_of(package).computed.engine == tried[0].engine


def test_the_fastest_that_agrees_is_remembered_for_this_processor_and_version(
    own_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    package = package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER)
    engine_choice.remember(
        package.networks_sha256,
        {"engine": "OpenVINO", "versions": {"OpenVINO": engine_choice.version_of("OpenVINO")}},
    )
    engines = engines_of(package)
    assert {e.computed.engine for e in engines.values()} == {"OpenVINO"}
    content = json.loads(own_file.read_text())
    (key,) = content
    assert package.networks_sha256 in key and processor()[0] in key
    # Another version was not measured.
    engine_choice.remember(package.networks_sha256, {"engine": "OpenVINO", "versions": {"OpenVINO": "1"}})
    assert engine_of(package).computed.engine == REFERENCE
    # Nor was another package, nor another processor.
    assert engine_of(package_of(mean_classifier(2))).computed.engine == REFERENCE
    monkeypatch.setattr(engine_choice, "processor", lambda: ("another", ()))
    assert engine_choice.remembered(package.networks_sha256) is None


def test_a_damaged_file_is_no_choice(own_file: Path) -> None:
    own_file.parent.mkdir(parents=True)
    own_file.write_text("{", encoding="utf-8")
    assert engine_of(package_of(mean_classifier(2))).computed.engine == REFERENCE


def test_an_engine_that_computes_something_else_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    real = backends.opened

    def rounded(engine: backends.EngineName, model: bytes, name: str, *, threads: int) -> backends.Opened:
        one = real(engine, model, name, threads=threads)
        if engine == REFERENCE:
            return one
        return backends.Opened(lambda b: [v * np.float32(1.01) for v in one.run(b)], one.outputs, "1", 1)

    monkeypatch.setattr("overread.runtime.engine.opened", rounded)
    tried = qualify(package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER), repeats=1)
    assert tried[0].engine == REFERENCE
    assert all("differ from the reference's" in t.refused for t in tried[1:])


def test_samples_have_the_package_s_size() -> None:
    first, second = samples_of(package_of(threshold_segmenter(1, 3, 0.5), **SEGMENTER))
    assert first.shape == second.shape == (1, 1, 8, 8, 8) and not np.array_equal(first, second)
    assert samples_of(package_of(mean_classifier(2)))[0].shape == (1, 1, 8, 8)


def test_every_answer_says_what_computed_it() -> None:
    found = predict(package_of(mean_classifier(2)), Image(np.zeros((1, 8, 8), np.float32), np.eye(4)))
    assert found.computed is not None
    assert found.computed.engine == REFERENCE and found.computed.precision == "float32"
    assert found.computed.processor == processor()[0] and "float32" in str(found.computed)


def test_flags_that_decide_kernels_are_told() -> None:
    text = "processor: 0\nmodel name\t: Some  CPU\nflags\t\t: fpu avx2 fma avx512_bf16 amx_bf16\n\nprocessor: 1\n"
    assert processor_of(text) == ("Some CPU", ("avx2", "fma", "avx512_bf16", "amx_bf16"))
