"""Grad-CAM looks where the evidence is, whatever the task."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.learn.toys import DETECTION, MULTILABEL, SEGMENTATION, pictures, plan, scenes, sides, squares

from overread.explain.gradcam import Cam, deepest_layer, grad_cam
from overread.learn.example import Example
from overread.learn.fit import fit
from overread.learn.plan import Plan
from overread.learn.tasks import TASKS
from overread.nets.networks import NETWORKS, build
from overread.task import TASKS as FACTS


def cam_of(network: torch.nn.Module, p: Plan, image: np.ndarray, label: int) -> Cam:
    return grad_cam(
        network,
        image,
        label,
        architecture=NETWORKS[p.network.name],
        score=TASKS[p.task].score,
        local=FACTS[p.task].local,
    )


def trained(p: Plan, examples: list[Example]) -> torch.nn.Module:
    return fit(p, examples, []).network


def test_classification_map_lies_on_the_square() -> None:
    p = plan()
    network = trained(p, squares(96))
    cams = [cam_of(network, p, e.image, 1) for e in squares(12, seed=4)[1::2]]
    assert {c.layer for c in cams} == {"body.layer1"}
    heat = np.mean([c.heat for c in cams], axis=0)
    assert heat.shape == (12, 12) and heat.min() >= 0 and heat.max() <= 1
    inside = np.zeros((12, 12), bool)
    inside[2:10, 2:10] = True
    assert heat[inside].mean() > heat[~inside].mean()


def test_what_is_added_to_all_logits_changes_no_map() -> None:
    p = plan()
    network = trained(p, squares(96))
    image = squares(2, seed=4)[1].image
    before = cam_of(network, p, image, 1).heat

    network.register_forward_hook(lambda _m, _i, z: z + 5 * z[:, :1])
    np.testing.assert_allclose(cam_of(network, p, image, 1).heat, before, atol=1e-4)


def test_findings_have_maps_of_their_own() -> None:
    p = plan(**MULTILABEL | {"epochs": 12})
    network = trained(p, sides(96))
    both = np.zeros((1, 12, 12), np.float32)
    both[:, 3:9, 1:5], both[:, 3:9, 7:11] = 1, -1
    bright, dark = (cam_of(network, p, both, k).heat for k in range(2))
    assert bright[:, :6].mean() > bright[:, 6:].mean()
    assert dark[:, 6:].mean() > dark[:, :6].mean()


def test_segmentation_map_lies_on_the_object() -> None:
    p = plan(**SEGMENTATION)
    network = trained(p, pictures(24))
    example = pictures(3)[1]
    image = np.pad(example.image, ((0, 0), (0, 0), (0, 4)))
    cam = cam_of(network, p, image, 1)
    assert cam.layer == "upsamples.1"
    heat = cam.heat[:, :20]
    mask = example.target["mask"]
    assert heat[mask == 1].mean() > 2 * heat[mask == 0].mean()


def test_detection_map_lies_on_the_objects() -> None:
    p = plan(**DETECTION | {"epochs": 16})
    network = trained(p, scenes(48))
    ratios = []
    for example in scenes(20, seed=9):
        squares_there = example.target["labels"] == 0
        if not squares_there.any():
            continue
        cam = cam_of(network, p, example.image[:, :40, :40], 0)
        inside = np.zeros((40, 44), bool)
        for low, high in zip(
            example.target["low"][squares_there].astype(int),
            example.target["high"][squares_there].astype(int),
            strict=True,
        ):
            inside[low[0] : high[0], low[1] : high[1]] = True
        inside = inside[:, :40]
        if inside.any():
            ratios.append(cam.heat[inside].mean() / max(cam.heat[~inside].mean(), 1e-6))
    assert np.median(ratios) > 2


def test_nothing_decided_gives_an_empty_map() -> None:
    p = plan(**SEGMENTATION)
    network = build("unet", 2, 1, 2, p.network.arguments)
    with torch.no_grad():
        network.output_block.conv.conv.bias.copy_(torch.tensor([99.0, -99.0]))
    assert not cam_of(network, p, pictures(1)[0].image[:, :16, :16], 1).heat.any()


@pytest.mark.parametrize(("size", "layer"), [((32, 32), "upsamples.1"), ((32, 32, 4), "upsamples.1")])
def test_thin_volumes_are_looked_at_where_they_are_whole(size: tuple[int, ...], layer: str) -> None:
    d = len(size)
    strides = [[1] * d, ([2, 2, 1])[:d], ([2, 2, 1])[:d]]
    network = build("unet", d, 1, 2, {"widths": [4, 4, 4], "strides": strides, "kernels": [[3] * d] * 3})
    names = NETWORKS["unet"].layers(network)
    assert deepest_layer(network, torch.zeros(1, 1, *size), names) == layer


def test_averaged_maps_are_monais() -> None:
    from monai.visualize.class_activation_maps import GradCAM

    p = plan()
    network = trained(p, squares(96)).requires_grad_()
    image = squares(2, seed=4)[1].image
    # Of two classes the log odds is the difference of the logits.
    score = TASKS["classification"].score

    class Odds(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return score({"logits": self.network(x)}, 1)[:, None]

    theirs = GradCAM(nn_module=Odds(), target_layers="network.body.layer1", postprocessing=lambda x: x)
    expected = np.maximum(theirs(torch.from_numpy(image[None]), class_idx=0).detach().numpy()[0, 0], 0)
    np.testing.assert_allclose(cam_of(network, p, image, 1).heat, expected / expected.max(), atol=1e-4)
