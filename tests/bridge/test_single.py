"""A plain ONNX or TorchScript file with its YAML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tests.runtime.models import mean_classifier, threshold_segmenter

import overread
from overread.bridge.import_model import import_model
from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.engine import engine_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SETTINGS = {
    "name": "bright",
    "task": "segmentation",
    "channels": [{"name": "CT", "modality": ["CT"]}],
    "labels": ["background", "bright"],
    "preprocess": {
        "dimensions": 3,
        "spacing": [1, 1, 1],
        "intensity": [{"method": "fixed", "mean": 100, "std": 50}],
    },
    "windows": {"size": [8, 8, 8], "overlap": 0.5},
    "licence": "CC0",
}


def _settings(path: Path, **changes: object) -> None:
    path.write_text(yaml.safe_dump(SETTINGS | changes))


def _image() -> Image:
    array = np.zeros((1, 12, 12, 10), np.float32)
    array[0, 3:9, 2:8, 4:7] = 300
    return Image(array, np.diag([-1.0, -1, 1, 1]), modality="CT")


def test_an_onnx_file_answers_as_its_settings_say(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(threshold_segmenter(1, 3, 1.0))
    _settings(tmp_path / "net.yaml")
    package = import_model(tmp_path / "net.onnx", tmp_path / "net.overread")
    answer = overread.predict(package, _image()).answer
    assert isinstance(answer, overread.LabelMap)
    np.testing.assert_array_equal(answer.mask, _image().array[0] > 0)
    assert package.manifest.model_card["imported_from"]["licence"] == "CC0"
    assert set(package.manifest.model_card["imported_from"]["files"]) == {"net.onnx", "net.yaml"}


def test_a_torchscript_file_of_one_channel(tmp_path: Path) -> None:
    network = torch.nn.Conv3d(1, 1, 1).eval()
    with torch.no_grad():
        network.weight.fill_(10)
        network.bias.fill_(-10)  # type: ignore[union-attr]
    torch.jit.save(torch.jit.script(network), tmp_path / "net.ts")
    _settings(tmp_path / "other.yaml", one_channel=True)
    package = import_model(tmp_path / "net.ts", tmp_path / "net.overread", settings=tmp_path / "other.yaml")
    answer = overread.predict(package, _image()).answer
    assert isinstance(answer, overread.LabelMap)
    np.testing.assert_array_equal(answer.mask, _image().array[0] > 0)


def test_a_classifier(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(mean_classifier(2))
    _settings(
        tmp_path / "net.yaml",
        task="classification",
        labels=["dark", "light"],
        positive="light",
        channels=[{"name": "photograph"}],
        preprocess={"dimensions": 2, "color": "gray", "size": [8, 8], "intensity": [{"method": "fixed"}]},
        windows=None,
    )
    package = import_model(tmp_path / "net.onnx", tmp_path / "net.overread")
    answer = overread.predict(package, Image(np.full((1, 8, 8), 1.0, np.float32), np.eye(4))).answer
    assert isinstance(answer, overread.Classes)
    assert answer.scores["light"] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-5)
    assert list(engine_of(package).outputs) == ["logits"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ["background", "a", "b"]}, "3 labels"),
        ({"labls": ["a"]}, "labls"),
        ({"output": "scores"}, "output 'scores'"),
        ({"one_channel": True, "labels": ["a", "b", "c"]}, "one_channel"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(threshold_segmenter(1, 3, 1.0))
    _settings(tmp_path / "net.yaml", **changes)
    with pytest.raises(InputError, match=said):
        package = import_model(tmp_path / "net.onnx", tmp_path / "net.overread")
        overread.predict(package, _image())


def test_without_settings_it_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(threshold_segmenter(1, 3, 1.0))
    with pytest.raises(InputError, match=r"net\.yaml.*import-model\.md"):
        import_model(tmp_path / "net.onnx", tmp_path / "net.overread")
