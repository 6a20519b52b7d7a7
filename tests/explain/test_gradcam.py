"""Grad-CAM looks where the evidence is, in classification and in segmentation."""

from __future__ import annotations

import numpy as np
from tests.learn.test_fit import SEGMENTATION, pictures, plan, squares

from overread.explain.gradcam import grad_cam
from overread.learn.fit import fit


def test_classification_map_lies_on_the_square() -> None:
    network = fit(plan(), squares(96), []).network
    cams = [grad_cam(network, "resnet", e.image, 1) for e in squares(12, seed=4)[1::2]]
    assert {c.layer for c in cams} == {"layer1"}
    heat = np.mean([c.heat for c in cams], axis=0)
    assert heat.shape == (12, 12) and heat.min() >= 0 and heat.max() <= 1
    inside = np.zeros((12, 12), bool)
    inside[2:10, 2:10] = True
    assert heat[inside].mean() > heat[~inside].mean()


def test_segmentation_map_lies_on_the_object() -> None:
    network = fit(plan(**SEGMENTATION), pictures(24), []).network
    example = pictures(3)[1]
    image = np.pad(example.image, ((0, 0), (0, 0), (0, 4)))
    cam = grad_cam(network, "unet", image, 1)
    assert cam.layer in dict(network.named_modules())
    heat = cam.heat[:, :20]
    assert heat[example.target == 1].mean() > 2 * heat[example.target == 0].mean()
