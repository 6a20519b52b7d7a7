"""A results folder of nnU-Net imported: its preprocessing, its windows, its networks, its folds and views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.bridge.made import architecture, make_nnunet, volume

import overread
from overread.bridge.import_model import import_model
from overread.bridge.nnunet.network import build, own_weights
from overread.errors import InputError
from overread.runtime.engine import engines_of
from overread.runtime.preprocess import prepare

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("forward", [[0, 1, 2], [1, 0, 2], [2, 0, 1]])
def test_networks_see_the_axes_as_nnunet_orders_them(forward: list[int], tmp_path: Path) -> None:
    networks = make_nnunet(
        tmp_path / "model", folds=2, plans={"transpose_forward": forward, "transpose_backward": forward}
    )
    package = import_model(tmp_path / "model", tmp_path / "out.overread")
    manifest = package.manifest
    # nnU-Net reads (z, y, x) and takes its own order of these.
    by_network = np.random.default_rng(0).normal(size=(1, 1, 8, 16, 16)).astype(np.float32)
    back = [0, 1, *(2 + forward.index(axis) for axis in (2, 1, 0))]
    x = np.ascontiguousarray(by_network.transpose(back))
    assert manifest.windows is not None and manifest.windows.size == list(x.shape[2:])
    assert manifest.windows.rule == "nnunet" and manifest.windows.blend == "logits"
    spacing = np.array([2.5, 1.2, 1.2])[[forward.index(axis) for axis in (2, 1, 0)]]
    assert manifest.preprocess.spacing == spacing.tolist()
    mirrored = sorted(2 - forward[axis] for axis in (0, 1))
    assert manifest.views == [
        f"flip{mirrored[0]}",
        f"flip{mirrored[1]}",
        f"flip{mirrored[0]}+flip{mirrored[1]}",
    ]
    for engine, network in zip(engines_of(package).values(), networks, strict=True):
        with torch.no_grad():
            expected = network(torch.from_numpy(by_network)).numpy().transpose(back)
        np.testing.assert_allclose(next(iter(engine(x).values())), expected, atol=1e-4)
    ensemble = manifest.uncertainty.ensemble
    assert ensemble is not None and ensemble.how == "stacked"
    assert [m.origin for m in ensemble.members] == ["fold 0", "fold 1"]


def test_a_2d_network_sees_a_volume_slice_by_slice(tmp_path: Path) -> None:
    network = make_nnunet(tmp_path / "model", dimensions=2, residual=True)[0]
    package = import_model(tmp_path / "model", tmp_path / "out.overread")
    assert package.manifest.windows is not None and package.manifest.windows.size == [16, 16, 1]
    assert package.manifest.preprocess.spacing == [1.2, 1.2, 0.0]
    assert package.manifest.views == ["flip0", "flip1", "flip0+flip1"]
    slices = np.random.default_rng(0).normal(size=(1, 1, 16, 16)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(slices)).numpy()
    found = next(iter(engines_of(package).values()))(slices.transpose(0, 1, 3, 2)[..., None])
    np.testing.assert_allclose(next(iter(found.values()))[..., 0].transpose(0, 1, 3, 2), expected, atol=1e-4)
    answer = overread.predict(package, volume((20, 18, 5)).with_(modality="MR")).answer
    assert isinstance(answer, overread.LabelMap) and answer.mask.shape == (20, 18, 5)


def test_grey_values_crop_and_grid_are_nnunet_s(tmp_path: Path) -> None:
    make_nnunet(tmp_path / "model")
    spec = import_model(tmp_path / "model", tmp_path / "out.overread").manifest.preprocess
    image = volume((20, 20, 10))
    array = np.zeros((1, 26, 24, 14), np.float32)
    array[0, 3:23, 2:22, 1:11] = image.array[0]
    prepared = prepare(image.with_(array=array), spec)
    assert [b.start for b in prepared.box] == [3, 2, 1]
    assert abs(prepared.array.mean()) < 1e-2 and abs(prepared.array.std() - 1) < 1e-2
    np.testing.assert_allclose(
        prepared.array[0], (image.array[0] - image.array.mean()) / image.array.std(), rtol=1e-4, atol=1e-5
    )


def test_regions_are_painted_in_nnunet_s_order(tmp_path: Path) -> None:
    make_nnunet(
        tmp_path / "model",
        dataset={
            "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3},
            "regions_class_order": [1, 2, 3],
        },
    )
    manifest = import_model(tmp_path / "model", tmp_path / "out.overread").manifest
    assert manifest.labels == ["background", "label 1", "label 2", "label 3"]
    assert {k: (r.labels, r.paints) for k, r in manifest.regions.items()} == {
        "whole": (["label 1", "label 2", "label 3"], "label 1"),
        "core": (["label 2", "label 3"], "label 2"),
        "enhancing": (["label 3"], "label 3"),
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"configuration": {"normalization_schemes": ["Secret"]}}, "normalisation 'Secret'"),
        ({"configuration": {"previous_stage": "3d_lowres"}}, "takes the answer of another network"),
        ({"configuration": {"resampling_fn_data": "resample_torch_fornnunet"}}, "resampling_fn_data"),
        ({"plans": {"image_reader_writer": "MyReader"}}, "read by MyReader"),
        ({"dataset": {"labels": {"background": 0, "liver": 1, "spleen": 3}}}, r"values \[0, 1, 3\]"),
        ({"dataset": {"channel_names": {}}}, "no channel_names"),
    ],
)
def test_what_a_package_cannot_say_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    make_nnunet(tmp_path / "model", **changes)
    with pytest.raises(InputError, match=said):
        import_model(tmp_path / "model", tmp_path / "out.overread")


def test_nothing_that_a_plan_names_is_imported() -> None:
    told = architecture(3)
    with pytest.raises(InputError, match=r"network os\.system, expected PlainConvUNet"):
        build("os.system", told["arch_kwargs"], 1, 2, "plans")
    with pytest.raises(InputError, match="conv_op"):
        build(told["network_class_name"], told["arch_kwargs"] | {"conv_op": "os.system"}, 1, 2, "plans")
    with pytest.raises(InputError, match="squeeze_excitation"):
        build(told["network_class_name"], told["arch_kwargs"] | {"squeeze_excitation": True}, 1, 2, "plans")


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_our_networks_are_dynamic_network_architectures(residual: bool, dimensions: int) -> None:
    unet = pytest.importorskip(
        "dynamic_network_architectures.architectures.unet",
        reason="dynamic_network_architectures is not installed",
    )
    told = architecture(dimensions, residual=residual)
    name = told["network_class_name"].rsplit(".", 1)[1]
    kinds = {"conv_op": f"Conv{dimensions}d", "norm_op": f"InstanceNorm{dimensions}d", "nonlin": "LeakyReLU"}
    arguments = told["arch_kwargs"] | {k: getattr(torch.nn, v) for k, v in kinds.items()}
    theirs = getattr(unet, name)(input_channels=2, num_classes=3, **arguments).eval()
    ours = build(name, told["arch_kwargs"], 2, 3, "plans").eval()
    ours.load_state_dict(own_weights(theirs.state_dict()))
    x = torch.randn(1, 2, *[16] * dimensions)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))
