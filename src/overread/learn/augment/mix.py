"""Two training images into one: MixUp, CutMix, and lesions pasted from one into another.

MixUp: Zhang 2018 (arXiv 1710.09412). CutMix: Yun 2019 (doi 10.1109/ICCV.2019.00612). Pasting: Ghiasi 2021 (doi
10.1109/CVPR46437.2021.00294), Zhang 2021 (CarveMix, doi 10.1007/978-3-030-87193-2_19).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from overread.errors import InputError
from overread.learn.augment.grey_values.blur import gaussian
from overread.learn.augment.random import generator
from overread.learn.losses.protocol import Tensors
from overread.learn.plan import Mix
from overread.task import AnswerKind

Kind = Literal["mixup", "cutmix", "paste"]
ANSWERS: dict[AnswerKind, tuple[Kind, ...]] = {
    "classes": ("mixup", "cutmix"),
    "findings": ("mixup", "cutmix"),
    "label_map": ("cutmix", "paste"),
}
"""What can be done to images that are answered so: shares of classes have a meaning, a mean of label maps has none."""
EDGE = 1.0
"""Voxels over which a pasted lesion fades into what is around it."""
RING = 3
"""Voxels around a lesion that say how bright it would be there."""


@dataclass(frozen=True)
class Mixing:
    """How one image is mixed, and with which example: plain numbers that can be stored and replayed.

    ``weight`` is what the image itself keeps; ``low`` and ``high`` are the corners of what CutMix replaces, as shares
    of each of three axes.
    """

    kind: Kind
    partner: int
    weight: float = 1.0
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Mixing:
        """What `as_dict` gave."""
        return cls(**content)


def draw_mixing(
    spec: Mix, *, examples: int, dimensions: int, seed: int, epoch: int, index: int
) -> Mixing | None:
    """How image ``index`` of ``epoch`` is mixed with one of so many ``examples``; None: it is not.

    Of several kinds each is as likely as the others.
    """
    kinds: list[Kind] = [k for k in ("mixup", "cutmix", "paste") if getattr(spec, k) > 0]
    rng = generator(seed, "mix", epoch, index)
    mixed, which, partner = rng.random() < spec.share, rng.random(), int(rng.integers(examples))
    if not kinds or not mixed:
        return None
    kind = kinds[int(which * len(kinds))]
    rng = generator(seed, kind, epoch, index)
    match kind:
        case "mixup":
            return Mixing(kind, partner, float(rng.beta(spec.mixup, spec.mixup)))
        case "cutmix":
            kept, centre = float(rng.beta(spec.cutmix, spec.cutmix)), rng.random(3)
            half = (1 - kept) ** (1 / dimensions) / 2
            low, high = np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
            return Mixing(kind, partner, kept, low.tolist(), high.tolist())
        case "paste":
            return Mixing(kind, partner)


def mix(
    mixing: Mixing, one: tuple[Tensor, Tensors], other: tuple[Tensor, Tensors], spec: Mix
) -> tuple[Tensor, Tensors]:
    """The image ``one`` ``(channels, *size)`` with its targets, mixed with another of the same size.

    Floating-point targets become their weighted mean (NaN, not stated, stays NaN); maps on the image's grid are cut
    and pasted as the image is. Raises InputError for targets that this kind of mixing cannot change.
    """
    match mixing.kind:
        case "mixup":
            shares = {k: _shared(k, t, other[1][k], mixing.weight) for k, t in one[1].items()}
            return torch.lerp(other[0], one[0], mixing.weight), shares
        case "cutmix":
            size = one[0].shape[1:]
            box: tuple[slice, ...] = tuple(
                slice(round(a * n), round(b * n))
                for a, b, n in zip(mixing.low, mixing.high, size, strict=False)
            )
            image = one[0].clone()
            image[(slice(None), *box)] = other[0][(slice(None), *box)]
            replaced = float(np.prod([b.stop - b.start for b in box]) / np.prod(size))
            targets = {}
            for name, target in one[1].items():
                if target.shape == size:
                    targets[name] = target.clone()
                    targets[name][box] = other[1][name][box]
                else:
                    # The edge of the image cuts some boxes: what counts is what was really replaced.
                    targets[name] = _shared(name, target, other[1][name], 1 - replaced)
            return image, targets
        case "paste":
            image, mask = paste(*_masked(one), *_masked(other), labels=spec.labels, onto=spec.onto)
            return image, {**one[1], "mask": mask}


def paste(
    image: Tensor,
    mask: Tensor,
    other_image: Tensor,
    other_mask: Tensor,
    *,
    labels: list[int],
    onto: list[int],
) -> tuple[Tensor, Tensor]:
    """What is labelled in another image, one of ``labels`` (all but 0 without them), laid into ``image``.

    Only where ``image`` has a label of ``onto`` (anything without them). Its edge is soft, and channel by channel it is
    as much brighter or darker than what is around it as it was where it comes from.
    """
    wanted = (
        torch.isin(other_mask, torch.tensor(labels, dtype=other_mask.dtype, device=other_mask.device))
        if labels
        else other_mask > 0
    )
    if onto:
        wanted &= torch.isin(mask, torch.tensor([*onto, *labels], dtype=mask.dtype, device=mask.device))
    if not wanted.any():
        return image, mask
    lesion = wanted.float()[None]
    pool = F.max_pool2d if mask.ndim == 2 else F.max_pool3d
    ring = pool(lesion, 2 * RING + 1, stride=1, padding=RING)[0].bool() & (other_mask == 0) & (mask == 0)
    if onto:
        around = torch.isin(mask, torch.tensor(onto, dtype=mask.dtype, device=mask.device))
        ring = pool(lesion, 2 * RING + 1, stride=1, padding=RING)[0].bool() & around & ~wanted
    if ring.any():
        shift = image[:, ring].mean(dim=1) - other_image[:, ring].mean(dim=1)
        other_image = other_image + shift.view(-1, *[1] * mask.ndim)
    weight = torch.maximum(lesion, gaussian(lesion, [EDGE] * mask.ndim))
    return torch.lerp(image, other_image, weight.expand_as(image)), torch.where(wanted, other_mask, mask)


def _shared(name: str, one: Tensor, other: Tensor, weight: float) -> Tensor:
    if not one.is_floating_point():
        raise InputError(
            f"plan.json: mix: target {name!r} holds whole numbers, which have no shares; switch mixup and cutmix off"
        )
    return other + weight * (one - other)


def _masked(drawn: tuple[Tensor, Tensors]) -> tuple[Tensor, Tensor]:
    if "mask" not in drawn[1]:
        raise InputError("plan.json: mix.paste: found targets without a mask; switch it off")
    return drawn[0], drawn[1]["mask"]
