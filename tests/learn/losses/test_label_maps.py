"""What every loss of label maps promises, for labels and regions; and MONAI's, where it has the same."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import Tensor

from overread.errors import InputError
from overread.learn.losses import build_loss
from overread.learn.losses.dense import IGNORE, DenseLoss, read
from overread.learn.losses.label_maps import LABEL_MAPS
from overread.learn.plan import Named

COMPOUND = Named(
    name="compound", arguments={"parts": [{"name": "dice", "weight": 2}, {"name": "voxel_cross_entropy"}]}
)
NAMED = [*(Named(name=name) for name in LABEL_MAPS), COMPOUND]
losses = pytest.mark.parametrize("named", NAMED, ids=lambda n: n.name)
kinds = pytest.mark.parametrize("kind", ["labels", "regions"])
SIZE, SURE = (12, 10), 40.0


def built(named: Named) -> DenseLoss:
    loss = build_loss(named, answer="label_map")
    assert isinstance(loss, DenseLoss)
    return loss


@functools.cache
def truth(kind: str) -> Tensor:
    """Three channels, two images; in the second a square of the last alone."""
    mask = torch.zeros(2, *SIZE, dtype=torch.uint8)
    mask[0, 1:6, 1:7] = 1
    mask[0, 7:10, 2:8] = 2
    mask[1, 4:8, 3:7] = 2
    if kind == "labels":
        return mask
    # Regions within each other: anything, either of two ways to say so, and the second label.
    return torch.stack([mask > 0, mask > 0, mask == 2], dim=1).to(torch.uint8)


def logits_of(mask: Tensor, sure: float = SURE) -> Tensor:
    """What a network that is so sure of ``mask`` gives."""
    if mask.ndim == len(SIZE) + 1:
        return sure * torch.nn.functional.one_hot(mask.long(), 3).movedim(-1, 1).float()
    return sure * (2 * mask.float() - 1)


def noise(seed: int = 0) -> Tensor:
    return torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(seed))


@losses
@kinds
def test_the_right_answer_costs_nothing_and_a_worse_one_more(named: Named, kind: str) -> None:
    loss, mask = built(named), truth(kind)
    # So far that skeletons leave the mask.
    beside = torch.roll(mask, 3, dims=-1)
    wrong = torch.roll(mask, 5, dims=-2)
    costs = [float(loss({"logits": logits_of(m, 8.0)}, {"mask": mask})) for m in (mask, beside, wrong)]
    perfect = float(loss({"logits": logits_of(mask)}, {"mask": mask}))
    # Skeletons are added 1 voxel above and below; the power of focal Tversky stays a little above 0.
    assert perfect == pytest.approx(0, abs=2e-3)
    assert perfect < costs[0] + 1e-6 and costs[0] < costs[1] < costs[2]


@losses
@kinds
def test_gradients_are_finite_and_lead_downhill(named: Named, kind: str) -> None:
    loss = built(named)
    nothing = torch.zeros_like(truth(kind))
    nobody = torch.full_like(nothing, IGNORE)
    for mask, z in (
        (truth(kind), noise()),
        (truth(kind), logits_of(truth(kind))),
        (nothing, noise()),
        (nobody, noise()),
    ):
        z = z.clone().requires_grad_()
        loss({"logits": z}, {"mask": mask}).backward()
        assert z.grad is not None and torch.isfinite(z.grad).all()
        if mask is nobody:
            assert not z.grad.any()
    z, mask = noise().requires_grad_(), truth(kind)
    before = loss({"logits": z}, {"mask": mask})
    [gradient] = torch.autograd.grad(before, z)
    step = 0.05 / gradient.norm()
    assert loss({"logits": z - step * gradient}, {"mask": mask}) < before


@losses
@kinds
def test_what_nobody_states_counts_neither_in_value_nor_in_gradient(named: Named, kind: str) -> None:
    loss, mask = built(named), truth(kind).clone()
    mask[..., :3, :] = IGNORE
    z, other = noise().requires_grad_(), noise()
    other[..., :3, :] += 7.0
    value = loss({"logits": z}, {"mask": mask})
    value.backward()
    assert z.grad is not None and not z.grad[..., :3, :].any() and z.grad[..., 3:, :].any()
    assert value.item() == pytest.approx(loss({"logits": other}, {"mask": mask}).item(), rel=1e-5)


@losses
def test_a_region_that_an_image_does_not_state_counts_nowhere(named: Named) -> None:
    valid = torch.tensor([[1, 1, 1], [1, 0, 1]], dtype=torch.bool)
    mask = truth("regions")
    other, z = mask.clone(), noise().requires_grad_()
    other[1, 1] = 1 - other[1, 1]
    value = built(named)({"logits": z}, {"mask": mask, "valid": valid})
    value.backward()
    assert z.grad is not None and not z.grad[1, 1].any() and z.grad[0, 1].any()
    again = built(named)({"logits": z}, {"mask": other, "valid": valid})
    assert value.item() == pytest.approx(again.item())


@losses
def test_a_label_that_an_image_does_not_state_may_hide_in_the_background(named: Named) -> None:
    valid = torch.tensor([[1, 1, 1], [1, 0, 1]], dtype=torch.bool)
    mask, loss = truth("labels"), built(named)
    found = mask.clone()
    # Of the second image the truth says nothing of label 1; finding it where the background is stated is no error ...
    found[1, 0:3, 0:3] = 1
    right = loss({"logits": logits_of(found)}, {"mask": mask, "valid": valid}).item()
    assert right == pytest.approx(0, abs=2e-3)
    if named.name != "boundary":  # a label that is not shown has none
        assert loss({"logits": logits_of(found)}, {"mask": mask}).item() > right + 1e-4
    # ... but where another label is, it is one.
    found[1, 4:8, 3:7] = 1
    assert loss({"logits": logits_of(found)}, {"mask": mask, "valid": valid}).item() > right + 1e-3


@pytest.mark.parametrize("named", [Named(name="dice_cross_entropy"), COMPOUND], ids=lambda n: n.name)
@kinds
def test_coarser_outputs_are_compared_with_the_nearest_voxels(named: Named, kind: str) -> None:
    loss, mask = built(named), truth(kind)
    z, half = noise(), noise(1)[..., ::2, ::2]
    outputs = {"logits": z, "logits_1": half}
    together = loss(outputs, {"mask": mask})
    fine = loss({"logits": z}, {"mask": mask})
    coarse = loss({"logits": half}, {"mask": mask[..., 1::2, 1::2]})
    assert together.item() == pytest.approx((2 * fine + coarse).item() / 3, rel=1e-6)


def theirs(name: str, kind: str, **arguments: object):
    """MONAI's loss of labels (background left out) or regions, with its targets."""
    import monai.losses as m

    how = {"softmax": True, "to_onehot_y": True} if kind == "labels" else {"sigmoid": True}
    if name == "FocalLoss":
        how = {"use_softmax": True, "to_onehot_y": True} if kind == "labels" else {}
    loss = getattr(m, name)(**({"include_background": kind == "regions"} | how | arguments))
    return lambda z, mask: loss(z, mask[:, None].long() if kind == "labels" else mask.float())


MONAI = {
    "dice": ({}, "DiceLoss", {"batch": True}, 1),
    "dice per image": ({"per_image": True}, "DiceLoss", {}, 1),
    "generalised_dice": (
        {},
        "GeneralizedDiceLoss",
        {"include_background": True, "batch": True, "smooth_nr": 1e-9, "smooth_dr": 1e-9},
        1,
    ),
    "tversky": ({}, "TverskyLoss", {"alpha": 0.3, "beta": 0.7, "batch": True}, 1),
    "voxel_focal": ({"gamma": 1.5}, "FocalLoss", {"gamma": 1.5, "include_background": True}, 3),
    "hausdorff": ({"logarithm": False}, "HausdorffDTLoss", {}, 1),
    "hausdorff in logarithms": ({}, "LogHausdorffDTLoss", {}, 1),
    "boundary": ({}, "BoundaryLoss", {}, 1),
}


@pytest.mark.parametrize("case", MONAI)
@kinds
@pytest.mark.parametrize("dimensions", [2, 3])
def test_it_is_monais_where_every_label_is_shown(case: str, kind: str, dimensions: int) -> None:
    pytest.importorskip("monai")
    arguments, name, others, labels = MONAI[case]
    generator = torch.Generator().manual_seed(dimensions)
    size = (8, 7, 6)[:dimensions]
    mask = torch.randint(3, (2, *size), generator=generator)
    if kind == "regions":
        mask, labels = torch.stack([mask > 0, mask > 1, mask != 1], 1).to(torch.uint8), 1
    a = torch.randn(2, 3, *size, generator=generator).requires_grad_()
    b = a.detach().clone().requires_grad_()
    ours = built(Named(name=case.split()[0], arguments=arguments))({"logits": a}, {"mask": mask})
    expected = labels * theirs(name, kind, **others)(b, mask)
    [ga], [gb] = torch.autograd.grad(ours, a), torch.autograd.grad(expected, b)
    torch.testing.assert_close(ga, gb, rtol=1e-4, atol=1e-6)
    if name == "BoundaryLoss":  # ours is 0 for the right answer
        expected = expected - theirs(name, kind, **others)(1e3 * (logits_of_any(mask) - 0.5), mask)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)


def logits_of_any(mask: Tensor) -> Tensor:
    one_hot = torch.nn.functional.one_hot
    return mask.float() if mask.dtype == torch.uint8 else one_hot(mask, 3).movedim(-1, 1).float()


def test_one_label_has_the_cl_dice_of_monai() -> None:
    m = pytest.importorskip("monai.losses")
    mask = (truth("labels") == 1)[:1].to(torch.uint8)
    z = noise()[:1, :2]
    expected = m.SoftclDiceLoss(softmax=True, to_onehot_y=True, include_background=False, smooth=1e-9)(
        z, mask[:, None].long()
    )
    torch.testing.assert_close(built(Named(name="cl_dice"))({"logits": z}, {"mask": mask}), expected)


def test_cross_entropy_is_torchs_with_weights_and_without() -> None:
    mask, z = truth("labels").clone(), noise()
    mask[0, 0] = IGNORE
    for weights in (None, [0.5, 1.0, 4.0]):
        found = built(Named(name="voxel_cross_entropy", arguments={"weights": weights}))(
            {"logits": z}, {"mask": mask}
        )
        w = None if weights is None else torch.tensor(weights)
        expected = torch.nn.functional.cross_entropy(z, mask.long(), weight=w, ignore_index=IGNORE)
        torch.testing.assert_close(found, expected)


def test_a_broken_vessel_costs_more_cl_dice_than_a_thinner_one() -> None:
    """What Dice hardly tells apart: the same voxels missing, along the whole or at one place."""
    mask = torch.zeros(1, 9, 24, dtype=torch.uint8)
    mask[:, 3:6, 2:22] = 1
    thinner, broken = mask.clone(), mask.clone()
    thinner[:, 3, 2:20] = 0
    broken[:, 3:6, 8:14] = 0
    assert thinner.sum() == broken.sum()

    def cost(name: str, found: Tensor) -> float:
        z = SURE * torch.nn.functional.one_hot(found.long(), 2).movedim(-1, 1).float()
        return float(built(Named(name=name))({"logits": z}, {"mask": mask}))

    assert cost("dice", thinner) == pytest.approx(cost("dice", broken), abs=1e-4)
    assert cost("cl_dice", broken) > cost("cl_dice", thinner) + 0.05


def test_distance_losses_know_millimetres() -> None:
    mask = truth("labels")
    z = {"logits": logits_of(torch.roll(mask, 2, dims=-1), 4.0)}
    for name in ("boundary", "hausdorff"):
        near, far = (
            float(built(Named(name=name, arguments={"spacing": s}))(z, {"mask": mask}))
            for s in ([1.0, 1.0], [1.0, 3.0])
        )
        assert far > near


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (Named(name="compound", arguments={"parts": []}), "parts: found none"),
        (
            Named(name="compound", arguments={"parts": [{"name": "dice", "weight": 0}]}),
            r"parts\[0\].weight: found 0",
        ),
        (
            Named(name="compound", arguments={"parts": [{"name": "corn"}]}),
            r"parts\[0\].name: found 'corn', expected one of dice_",
        ),
        (
            Named(name="compound", arguments={"parts": [{"name": "dice", "arguments": {"x": 1}}]}),
            "argument 'x' is unknown",
        ),
        (Named(name="focal_tversky", arguments={"gamma": 0}), "gamma: found|gamma above 0"),
        (Named(name="voxel_focal", arguments={"gamma": -1}), "gamma: found -1"),
        (Named(name="boundary", arguments={"spacing": [1, 0]}), r"spacing: found \[1, 0\]"),
        (Named(name="hausdorff", arguments={"alpha": 0}), "alpha: found 0"),
        (Named(name="cl_dice", arguments={"iterations": -1}), "iterations: found -1"),
    ],
)
def test_arguments_that_are_none_are_named(named: Named, message: str) -> None:
    with pytest.raises(InputError, match=message):
        built(named)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"mask: found \(2, 3\), expected \(2, 12, 10\) of labels"):
        read(noise(), torch.zeros(2, 3))
    with pytest.raises(InputError, match="weights: found 2 numbers, expected 3"):
        built(Named(name="voxel_focal", arguments={"weights": [1, 2]}))(
            {"logits": noise()}, {"mask": truth("labels")}
        )
