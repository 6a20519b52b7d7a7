"""An export is trusted when every output equals torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import DETECTION, RESNET, plan, scenes, squares

from overread.errors import OverreadError
from overread.learn.export import export_onnx
from overread.nets.networks import build
from overread.runtime.engine import Engine


def test_an_export_that_answers_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build("resnet", 2, 1, 2, RESNET)
    monkeypatch.setattr("overread.learn.export.TOLERANCE", -1.0)
    with pytest.raises(
        OverreadError, match=r"differs from the trained one by .* output logits on 1 real inputs"
    ):
        export_onnx(network, plan(), [squares(1)[0].image])


def test_one_wrong_output_of_three_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    p = plan(**DETECTION)
    network = build("centernet", 2, 1, 2, p.network.arguments)

    class Shifted(Engine):
        def __call__(self, batch):
            out = super().__call__(batch)
            return out | {"size": out["size"] + 0.1}

    monkeypatch.setattr("overread.learn.export.Engine", Shifted)
    with pytest.raises(OverreadError, match=r"differs .* by 0\.1 \(largest difference of its output size"):
        export_onnx(network, p, [scenes(1)[0].image[:, :32, :32]])


def test_several_outputs_have_names_differences_and_any_batch() -> None:
    p = plan(**DETECTION)
    torch.manual_seed(0)
    network = build("centernet", 2, 1, 2, p.network.arguments).train()
    images = np.stack([e.image[:, :32, :32] for e in scenes(5)])
    exported = export_onnx(network, p, list(images))
    assert exported.outputs == ["heat", "size", "offset"] and exported.inputs == 5
    assert exported.largest_difference == max(exported.differences.values()) < 1e-4
    out = Engine(exported.model, "test")(images)
    assert {k: v.shape for k, v in out.items()} == {
        "heat": (5, 2, 16, 16),
        "size": (5, 2, 16, 16),
        "offset": (5, 2, 16, 16),
    }


def test_numbers_that_are_none_are_no_agreement() -> None:
    network = build("resnet", 2, 1, 2, RESNET)
    with torch.no_grad():
        network.head.bias.fill_(float("nan"))
    with pytest.raises(OverreadError, match="differs from the trained one"):
        export_onnx(network, plan(), [squares(1)[0].image])
