"""Each grey-value transform does what it says, by numbers that can be written down."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from overread.learn.augment.grey_values import GREY_VALUES


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", GREY_VALUES)
def test_drawn_numbers_are_json_and_shapes_stay(name: str, d: int) -> None:
    transform = GREY_VALUES[name]
    drawn = [transform.draw(0.5, np.random.default_rng(i)) for i in range(40)]
    assert json.loads(json.dumps(drawn)) == drawn and any(drawn)
    x = torch.randn(2, *[9] * d)
    for parameters in filter(None, drawn):
        out = transform.apply(x.clone(), parameters)
        assert out.shape == x.shape and torch.isfinite(out).all()
        assert torch.equal(out, transform.apply(x.clone(), parameters))


def test_what_each_keeps() -> None:
    x = torch.randn(1, 30, 30)
    gamma = GREY_VALUES["gamma"].apply(x.clone(), {"power": 1.5})
    assert gamma.mean() == pytest.approx(x.mean().item(), abs=1e-5)
    assert gamma.std() == pytest.approx(x.std().item(), rel=1e-4)
    # A curve: the order of values stays, and it is the power's.
    assert torch.equal(gamma.flatten().argsort(), x.flatten().argsort())
    curve = ((x - x.amin()) / (x.amax() - x.amin())) ** 1.5
    assert torch.corrcoef(torch.stack([gamma.flatten(), curve.flatten()]))[0, 1] == pytest.approx(1, abs=1e-6)
    flat = torch.full((1, 5, 5), 1.7)
    torch.testing.assert_close(GREY_VALUES["gamma"].apply(flat.clone(), {"power": 0.7}), flat)
    contrast = GREY_VALUES["contrast"].apply(x.clone(), {"factor": 2.0})
    assert contrast.mean() == pytest.approx(x.mean().item(), abs=1e-5)
    assert contrast.std() == pytest.approx(2 * x.std().item(), rel=1e-4)
    torch.testing.assert_close(GREY_VALUES["brightness"].apply(x.clone(), {"added": 0.3}), x + 0.3)
    noisy = GREY_VALUES["noise"].apply(x.clone(), {"deviation": 0.5, "seed": 3})
    assert (noisy - x).std() == pytest.approx(0.5, rel=0.1)


def test_blur_is_a_gaussian() -> None:
    from scipy.ndimage import gaussian_filter

    x = torch.randn(1, 20, 24, 18)
    blurred = GREY_VALUES["blur"].apply(x.clone(), {"sigma": 0.8})[0].numpy()
    np.testing.assert_allclose(
        blurred, gaussian_filter(x[0].numpy(), 0.8, mode="nearest", radius=2), atol=1e-5
    )
