"""Losses by name. To add one: a file, and a line here."""

from __future__ import annotations

from overread.errors import InputError
from overread.learn.losses.asymmetric import ASYMMETRIC, FOCAL
from overread.learn.losses.binary_cross_entropy import BINARY_CROSS_ENTROPY
from overread.learn.losses.center_focal import CENTER_FOCAL
from overread.learn.losses.compound import COMPOUND
from overread.learn.losses.corn import CORN
from overread.learn.losses.cross_entropy import CROSS_ENTROPY
from overread.learn.losses.evidential import EVIDENTIAL
from overread.learn.losses.gaussian_nll import GAUSSIAN_NLL
from overread.learn.losses.generalised_cross_entropy import GENERALISED_CROSS_ENTROPY
from overread.learn.losses.label_maps import LABEL_MAPS
from overread.learn.losses.protocol import Loss, LossFunction, made_of
from overread.learn.losses.smooth_l1 import SMOOTH_L1
from overread.learn.losses.symmetric_cross_entropy import SYMMETRIC_CROSS_ENTROPY
from overread.learn.plan import Named
from overread.task import AnswerKind

__all__ = ["LOSSES", "build_loss"]

LOSSES: dict[str, Loss] = {
    "cross_entropy": CROSS_ENTROPY,
    "symmetric_cross_entropy": SYMMETRIC_CROSS_ENTROPY,
    "generalised_cross_entropy": GENERALISED_CROSS_ENTROPY,
    "evidential": EVIDENTIAL,
    "corn": CORN,
    "binary_cross_entropy": BINARY_CROSS_ENTROPY,
    "focal": FOCAL,
    "asymmetric": ASYMMETRIC,
    "gaussian_nll": GAUSSIAN_NLL,
    "smooth_l1": SMOOTH_L1,
    **LABEL_MAPS,
    "compound": COMPOUND,
    "center_focal": CENTER_FOCAL,
}


def build_loss(named: Named, *, answer: AnswerKind, ordered: bool = False) -> LossFunction:
    """The loss of a plan, for a network that gives ``answer``, of ``ordered`` grades or not.

    Raises InputError for an unknown name, one for other answers, or arguments that it does not take.
    """
    fit = [k for k, v in LOSSES.items() if answer in v.answers and v.ordered == ordered]
    if named.name not in fit:
        kind = f"ordered {answer}" if ordered else answer
        raise InputError(
            f"loss: found {named.name!r}, expected one for {kind}: {', '.join(fit) or 'there is none'}"
        )
    return made_of(named.name, LOSSES[named.name], named.arguments)
