"""Pretrained weights into networks of other inputs: what they answered stays where it must."""

from __future__ import annotations

import pytest
import torch

from overread.errors import InputError
from overread.learn.transfer.load import load_weights
from overread.learn.transfer.names import renamed
from overread.learn.weights.find import WEIGHTS, find_weights, is_there, read_weights
from overread.nets.networks import build

NAME = "efficientnet_lite0"
needs_weights = pytest.mark.skipif(not is_there(NAME), reason=f"{WEIGHTS[NAME].package} is not installed")


@pytest.fixture(scope="module")
def weights():
    return read_weights(find_weights(NAME)[0])


def network(dimensions: int, channels: int):
    torch.manual_seed(0)
    return build(NAME, dimensions, channels, 3, {}).eval()


@needs_weights
def test_every_tensor_of_the_body_is_loaded_and_the_head_is_new(weights) -> None:
    loaded = load_weights(network(2, 3), weights, where="test")
    assert loaded.share == 1
    states = set(loaded.states.values())
    assert states == {"loaded", "new: the head"}
    assert loaded.states["head.1.weight"] == "new: the head"
    assert loaded.lines()[0].split() == ["body.stem", "6", "loaded"]


@needs_weights
def test_a_cup_of_coffee_is_an_espresso(weights) -> None:
    """The published network, with the grey values that the weights state: ImageNet's class 967 is espresso."""
    data = pytest.importorskip("skimage.data")
    _, origin = find_weights(NAME)
    made = build(NAME, 2, 3, 1000, {}).eval()
    made.load_state_dict(renamed(weights, made.state_dict()))
    picture = torch.from_numpy(data.coffee()[:, 100:500]).permute(2, 0, 1)[None] / 255
    small = torch.nn.functional.interpolate(picture, (224, 224), mode="bilinear", antialias=True)
    with torch.no_grad():
        p = made((small - origin.mean) / origin.std).softmax(1)[0]
    assert int(p.argmax()) == 967 and p.max() > 0.85


@needs_weights
def test_one_channel_answers_as_three_equal_ones_and_so_do_five(weights) -> None:
    x = torch.randn(2, 1, 64, 64)
    answers = []
    for channels in (3, 1, 5):
        made = network(2, channels)
        loaded = load_weights(made, weights, where="test")
        with torch.no_grad():
            answers.append(made.features(x.expand(-1, channels, -1, -1)))
        adapted = loaded.states["body.stem.0.conv.weight"]
        assert adapted == ("loaded" if channels == 3 else f"adapted: 3 channels to {channels}")
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(answers[2], answers[0], rtol=1e-3, atol=1e-4)


@needs_weights
def test_a_volume_without_change_along_its_first_axis_is_answered_as_its_slice(weights) -> None:
    """Inside the volume: at its ends the padding is empty space, which the slice does not have."""
    plane, volume = network(2, 1), network(3, 1)
    load_weights(plane, weights, where="test")
    loaded = load_weights(volume, weights, where="test")
    assert loaded.states["body.stem.0.conv.weight"] == "adapted: inflated to 3 x 3 x 3, 3 channels to 1"
    x = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        flat = plane.body.stem(x)
        deep = volume.body.stem(x[:, :, None].expand(-1, -1, 16, -1, -1))
    torch.testing.assert_close(deep[:, :, 4], flat, rtol=1e-4, atol=1e-5)


def test_names_of_wrappers_are_taken_off() -> None:
    made = build("resnet", 2, 3, 2, {"widths": [8] * 4, "blocks": [1] * 4, "small_stem": True})
    own = made.state_dict()
    elsewhere = {
        f"module.model.{k.removeprefix('body.')}": v for k, v in own.items() if k.startswith("body.")
    }
    named = renamed(elsewhere, own)
    assert set(named) == {k for k in own if k.startswith("body.")}


def test_weights_of_another_network_are_refused_with_the_table() -> None:
    made = build("resnet", 2, 3, 2, {"widths": [8] * 4, "blocks": [1] * 4, "small_stem": True})
    with pytest.raises(InputError, match=r"plan.json: only 0% .* at least 50%; .*another network\n  body"):
        load_weights(made, {"conv.weight": torch.zeros(3)}, where="plan.json")


def test_faults_of_checkpoints_name_file_and_remedy(tmp_path) -> None:
    with pytest.raises(
        InputError, match=r"found 'resnet99', expected efficientnet_lite0, timm:<model>, or the path"
    ):
        find_weights("resnet99")
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"broken.pt: cannot be read .* without running code"):
        read_weights(broken)
    torch.save({"epoch": 3}, broken)
    with pytest.raises(InputError, match="found no tensors"):
        read_weights(broken)
    torch.save({"epoch": 3, "state_dict": {"a": torch.ones(2)}}, broken)
    assert read_weights(broken)["a"].tolist() == [1, 1]
    assert find_weights(str(broken))[1].licence == "not stated"


@needs_weights
def test_slices_of_volumes_start_from_weights_of_pictures(weights) -> None:
    torch.manual_seed(0)
    plane = {"plane": NAME, "arguments": {}, "axis": 1}
    made = build("slices", 3, 1, 2, plane).eval()
    loaded = load_weights(made, weights, where="test")
    # All but the attention; three neighbours are the picture's three channels.
    assert loaded.share > 0.9 and loaded.states["body.plane.stem.0.conv.weight"] == "loaded"
    picture = network(2, 3)
    load_weights(picture, weights, where="test")
    x = torch.randn(1, 1, 64, 5, 64)
    with torch.no_grad():
        middle = picture.body(x[:, 0, :, 1:4].movedim(2, 1))
        assert torch.allclose(made.body(x)[:, :, :, 2], middle, atol=1e-4)
