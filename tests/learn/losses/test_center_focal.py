"""The focal loss against its formula, and what NaN leaves out."""

from __future__ import annotations

import math

import pytest
import torch

from overread.learn.losses.center_focal import center_focal

NAN = math.nan


def targets() -> dict[str, torch.Tensor]:
    """One centre in cell (1, 1) of 4 x 4, a half-way cell beside it, and an unknown row."""
    heat = torch.zeros(1, 1, 4, 4)
    heat[0, 0, 1, 1], heat[0, 0, 1, 2] = 1, 0.5
    heat[0, 0, 3] = NAN
    size, offset = torch.full((1, 2, 4, 4), NAN), torch.full((1, 2, 4, 4), NAN)
    size[0, :, 1, 1], offset[0, :, 1, 1] = torch.tensor([2.0, 3.0]), torch.tensor([0.25, 0.75])
    return {"heat": heat, "size": size, "offset": offset}


def outputs(seed: int = 0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    shapes = {"heat": 1, "size": 2, "offset": 2}
    return {k: torch.randn(1, n, 4, 4, generator=rng).requires_grad_() for k, n in shapes.items()}


def test_value_is_the_papers() -> None:
    out, want = outputs(), targets()
    p = out["heat"].sigmoid()[0, 0]
    expected = -((1 - p[1, 1]) ** 2 * p[1, 1].log())
    for i in range(3):
        for j in range(4):
            if (i, j) != (1, 1):
                beside = (1 - want["heat"][0, 0, i, j]) ** 4
                expected = expected - beside * p[i, j] ** 2 * (1 - p[i, j]).log()
    for name in ("size", "offset"):
        expected = expected + (out[name][0, :, 1, 1] - want[name][0, :, 1, 1]).abs().mean()
    assert center_focal()(out, want).item() == pytest.approx(expected.item(), rel=1e-5)


def test_what_is_unknown_has_no_gradient() -> None:
    out = outputs()
    center_focal()(out, targets()).backward()
    grads = {k: v.grad for k, v in out.items()}
    assert all(g is not None and torch.isfinite(g).all() for g in grads.values())
    assert (grads["heat"][0, 0, 3] == 0).all() and (grads["heat"][0, 0, :3] != 0).all()
    for name in ("size", "offset"):
        elsewhere = grads[name].clone()
        elsewhere[0, :, 1, 1] = 0
        assert (elsewhere == 0).all() and (grads[name][0, :, 1, 1] != 0).all()


def test_an_image_without_objects_is_learnt_from() -> None:
    out = outputs()
    empty = {
        "heat": torch.zeros(1, 1, 4, 4),
        "size": torch.full((1, 2, 4, 4), NAN),
        "offset": torch.full((1, 2, 4, 4), NAN),
    }
    value = center_focal()(out, empty)
    value.backward()
    assert value > 0 and (out["heat"].grad > 0).all()
