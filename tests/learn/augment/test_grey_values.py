"""Each grey-value transform does what it says, by numbers that can be written down."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from overread.errors import InputError
from overread.learn.augment.grey_values import GREY_VALUES


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", GREY_VALUES)
def test_drawn_numbers_are_json_and_shapes_stay(name: str, d: int) -> None:
    transform = GREY_VALUES[name]
    drawn = [transform.draw(0.5, np.random.default_rng(i)) for i in range(40)]
    assert json.loads(json.dumps(drawn)) == drawn and any(drawn)
    x = torch.randn(3, *[9] * d)
    for parameters in filter(None, drawn):
        out = transform.apply(x.clone(), parameters)
        assert out.shape == x.shape and torch.isfinite(out).all()
        assert torch.equal(out, transform.apply(x.clone(), parameters))


@pytest.mark.parametrize("name", GREY_VALUES)
def test_a_wider_range_is_a_stronger_change(name: str) -> None:
    """Parameters scale with the range, or the plan's number would say nothing."""
    transform, x = GREY_VALUES[name], torch.randn(3, 24, 24).abs()
    strength = []
    for most in (0.05, 0.5):
        drawn = [transform.draw(most, np.random.default_rng(i)) for i in range(60)]
        changes = [transform.apply(x.clone(), one) - x for one in drawn if one]
        strength.append(float(torch.stack(changes).abs().mean()) if changes else 0.0)
    assert strength[1] > 1.5 * strength[0]


def test_what_each_keeps() -> None:
    x = torch.randn(1, 30, 30)
    gamma = GREY_VALUES["gamma"].apply(x.clone(), {"power": 1.5})
    assert gamma.mean() == pytest.approx(x.mean().item(), abs=1e-5)
    assert gamma.std() == pytest.approx(x.std().item(), rel=1e-4)
    # A curve: the order of values stays, and it is the power's.
    assert (gamma.flatten()[x.flatten().argsort()].diff() >= 0).all()
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


def disc(d: int = 2, n: int = 32) -> torch.Tensor:
    """A bright ball on black."""
    away = np.linalg.norm(np.indices((n,) * d) - (n - 1) / 2, axis=0)
    return torch.from_numpy((away < n / 5).astype(np.float32))[None]


def test_ghosts_lie_a_fraction_of_the_size_apart() -> None:
    x = disc()
    ghosted = GREY_VALUES["ghosting"].apply(x.clone(), {"weakened": 0.8, "period": 4, "axis": 0.0})
    assert ghosted.mean() == pytest.approx(x.mean().item(), abs=1e-6)
    copies = (ghosted - x)[0, :, 16]
    # Weaker lines are the image less its four copies: the ghosts look alike every quarter of the size.
    assert torch.corrcoef(torch.stack([copies, copies.roll(8)]))[0, 1] > 0.6
    assert torch.equal((ghosted - x).abs()[0].amax(0) > 1e-4, x[0].amax(0) > 0)


def test_a_spike_is_a_point_of_the_spectrum() -> None:
    x = torch.randn(1, 16, 20, 12)
    spike = {"height": 2.0, "phase": 0.4, "frequency": [0.5, -0.3, 0.8]}
    wave = GREY_VALUES["spikes"].apply(x.clone(), {"spikes": [spike]}) - x
    spectrum = torch.fft.fftn(wave[0]).abs()
    assert (spectrum > 1e-2 * spectrum.max()).sum() == 2
    assert wave.amax() == pytest.approx(2 * x.std().item(), rel=0.05)


def test_ringing_overshoots_and_keeps_the_mean() -> None:
    x = disc()
    ringing = GREY_VALUES["gibbs"].apply(x.clone(), {"lost": 0.5})
    assert ringing.mean() == pytest.approx(x.mean().item(), abs=1e-6)
    assert ringing.amax() > 1.05 and ringing.amin() < -0.05


@pytest.mark.parametrize("d", [2, 3])
def test_the_bias_field_is_smooth_and_positive(d: int) -> None:
    x = disc(d) + 1
    drawn = {"coefficients": np.random.default_rng(0).uniform(-0.4, 0.4, 19).tolist()}
    field = GREY_VALUES["bias_field"].apply(x.clone(), drawn) - 1
    inside = field[x > 1.5]
    assert (inside > 0).all() and inside.std() > 0.05
    torch.testing.assert_close(field[x < 1.5], torch.zeros_like(field[x < 1.5]), atol=1e-6, rtol=0)


def test_no_move_is_no_motion_and_the_lowest_frequencies_stay() -> None:
    x = disc()
    still = {"at": 0.1, "degrees": 0.0, "shift": [0.0, 0.0, 0.0]}
    torch.testing.assert_close(
        GREY_VALUES["motion"].apply(x.clone(), {"axis": 0.3, "moves": [still]}), x, atol=1e-5, rtol=0
    )
    moved = GREY_VALUES["motion"].apply(
        x.clone(), {"axis": 0.3, "moves": [still | {"shift": [0.2, 0.0, 0.0]}]}
    )
    centre = (torch.arange(32)[:, None] * moved[0]).sum() / moved.sum()
    assert (moved - x).abs().amax() > 0.1 and centre == pytest.approx(15.5, abs=2)


def test_metal_is_the_brightest_and_its_rays_fade() -> None:
    x = disc(n=64)
    rays = np.random.default_rng(0).normal(0, 0.2, (24, 2)).tolist()
    drawn = {"height": 2.0, "place": [0.5, 0.5, 0.5], "rays": rays}
    streaks = (GREY_VALUES["metal_streaks"].apply(x.clone(), drawn) - x)[0]
    assert streaks[31:33, 31:33].amax() == streaks.amax()
    away = torch.from_numpy(np.linalg.norm(np.indices((64, 64)) - 31.5, axis=0))
    assert streaks[(away > 4) & (away < 8)].std() > 1.5 * streaks[away > 28].std()
    volume = torch.zeros(1, 16, 16, 40).add_(torch.randn(1, 1, 1, 1)) + disc(3, 40)[:, 12:28, 12:28]
    changed = (GREY_VALUES["metal_streaks"].apply(volume.clone(), drawn) - volume).abs()[0].amax((0, 1))
    assert changed[20] > 0.3 and changed[0] < 1e-3


def test_noise_of_half_the_dose() -> None:
    x = torch.randn(1, 64, 64, 8)
    noise = GREY_VALUES["ct_dose"].apply(x.clone(), {"dose": 0.5, "seed": 1}) - x
    assert noise.std() == pytest.approx(0.1, rel=0.01)
    # It has no slow part within a slice, and slices are independent.
    slow = torch.nn.functional.avg_pool2d(noise[0].movedim(-1, 0)[None], 16)
    assert slow.std() < 0.5 * 0.1 / 16
    assert abs(float((noise[..., 1:] * noise[..., :-1]).mean())) < 1e-3


def test_exposure_is_noisy_where_it_is_dense_and_veils() -> None:
    x = disc(n=64)
    drawn = {"noise": 0.3, "scatter": 0.0, "seed": 1}
    noise = GREY_VALUES["exposure"].apply(x.clone(), drawn) - x
    assert noise[x > 0.5].std() == pytest.approx(0.3, rel=0.1)
    assert noise[x < 0.5].std() == pytest.approx(0.03, rel=0.1)
    veiled = GREY_VALUES["exposure"].apply(x.clone(), drawn | {"noise": 0.0, "scatter": 0.5})
    assert veiled[x > 0.5].mean() < 0.95 and veiled[x < 0.5].mean() > 0.01


def test_speckle_follows_the_echo_and_lies_across_the_beam() -> None:
    x = disc(n=64)
    speckled = GREY_VALUES["speckle"].apply(x.clone(), {"strength": 0.3, "grain": 0.7, "seed": 1})
    assert torch.equal(speckled[x == 0], x[x == 0])
    grain = (speckled - x)[0, 20:44, 20:44]
    along = (grain[1:] * grain[:-1]).mean()
    assert (grain[:, 1:] * grain[:, :-1]).mean() > along > 0


def test_stains_come_apart_and_white_stays_white() -> None:
    transform = GREY_VALUES["stain"]
    picture = torch.tensor([[230.0, 180, 120], [225, 120, 90], [230, 170, 160]]).view(3, 1, 3).repeat(1, 4, 1)
    picture[:, 0] = 255
    ends = {"black": [0.0] * 3, "white": [255.0] * 3}
    same = {"scaled": [1.0] * 3, "shifted": [0.0] * 3} | ends
    torch.testing.assert_close(transform.apply(picture.clone(), same), picture, atol=0.05, rtol=0)
    more = transform.apply(picture.clone(), same | {"scaled": [1.3, 1.0, 1.0], "shifted": [0.1, 0.1, 0.1]})
    torch.testing.assert_close(more[:, 0], picture[:, 0], atol=0.05, rtol=0)
    assert (more[:, 1:] < picture[:, 1:]).all()
    # More haematoxylin takes red and green away rather than blue.
    darker = picture[:, 1] / transform.apply(picture.clone(), same | {"scaled": [1.3, 1.0, 1.0]})[:, 1]
    assert (darker[1] > darker[2]).all()
    with pytest.raises(InputError, match="found 1 channels, expected the 3"):
        transform.apply(torch.zeros(1, 4, 4), same)


def test_fewer_voxels_keep_the_mean() -> None:
    x = torch.randn(1, 16, 16, 16)
    coarse = GREY_VALUES["low_resolution"].apply(x.clone(), {"factor": 2.0, "axis": -1.0})
    assert coarse.mean() == pytest.approx(x.mean().item(), abs=0.02) and coarse.std() < 0.5 * x.std()
    one = GREY_VALUES["low_resolution"].apply(x.clone(), {"factor": 4.0, "axis": 0.5})
    assert one.diff(dim=2).std() < 0.3 * one.diff(dim=1).std()
