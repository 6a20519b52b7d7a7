"""The network: all outputs by name, from its own bytes alone, from several threads alike."""

from __future__ import annotations

import gc
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.external_data_helper import convert_model_to_external_data
from tests.runtime.models import mean_classifier, package_of, spot_detector

from overread.errors import InputError
from overread.runtime.engine import KEPT, Engine, engine_of, use_threads


def test_every_output_by_name() -> None:
    engine = Engine(spot_detector(2, 4, 6.0), "spots")
    out = engine(np.zeros((3, 1, 8, 12), np.float32))
    assert engine.outputs == tuple(out) == ("heat", "size", "offset")
    assert [a.shape for a in out.values()] == [(3, 1, 2, 3), (3, 2, 2, 3), (3, 2, 2, 3)]
    np.testing.assert_allclose(out["size"], np.log(6), rtol=1e-6)


def test_threads_get_their_own_answers() -> None:
    engine = Engine(mean_classifier(2), "mean")

    def ask(value: float) -> float:
        return float(engine(np.full((1, 1, 8, 8), value, np.float32))["logits"][0, 1])

    values = list(np.linspace(0, 1, 50))
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_allclose(list(pool.map(ask, values)), 4 * np.array(values), rtol=1e-5, atol=1e-6)


def product() -> onnx.ModelProto:
    """The image times a matrix: a network whose weights ONNX Runtime leaves as they are while it loads."""
    shape = ["batch", 1, 8, 8]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["image", "w"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(np.ones((8, 8), np.float32), "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def test_weights_in_the_working_directory_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = product()
    assert (
        Engine(model.SerializeToString(), "inside")(np.ones((1, 1, 8, 8), np.float32))["y"][0, 0, 0, 0] == 8
    )
    convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    onnx.save(model, tmp_path / "model.onnx")
    assert (tmp_path / "weights.bin").exists()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"tiny: ONNX Runtime cannot load"):
        Engine((tmp_path / "model.onnx").read_bytes(), "tiny")


def test_no_network_is_refused() -> None:
    with pytest.raises(InputError, match="nothing: ONNX Runtime cannot load its network"):
        Engine(b"nothing", "nothing")


def test_a_package_keeps_its_engine() -> None:
    package = package_of(mean_classifier(2))
    assert engine_of(package) is engine_of(package)
    assert engine_of(package_of(spot_detector(2, 2, 3.0))) is not engine_of(package)
    # A draft states no hash of its weights: those of another are not taken for them.
    assert package_of(mean_classifier(2)).sha256 == package_of(spot_detector(2, 2, 3.0)).sha256


def test_networks_are_let_go_and_the_bytes_are_not_held() -> None:
    packages = [package_of(spot_detector(2, 2, 3.0 + k)) for k in range(KEPT + 1)]
    first, *_ = [engine_of(p) for p in packages]
    assert engine_of(packages[-1]) is engine_of(packages[-1])
    assert engine_of(packages[0]) is not first
    held = [o for o in gc.get_referrers(packages[0].model) if o is not packages[0].__dict__]
    assert not any(isinstance(o, (tuple, OrderedDict)) for o in held)


def test_threads_are_a_setting() -> None:
    package = package_of(mean_classifier(2))
    every = engine_of(package)
    use_threads(1)
    try:
        one = engine_of(package)
        assert one is not every and one.threads == 1
    finally:
        use_threads(0)
    assert engine_of(package) is every and every.threads == 0
    with pytest.raises(ValueError, match="threads: found -1"):
        use_threads(-1)
