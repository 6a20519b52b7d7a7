"""Whether images are answered in mirrored views, too: the mean of several looks is surer than one."""

from __future__ import annotations

from collections.abc import Sequence

from overread.runtime.views import mirrored_views
from overread.task import AnswerKind

SHARE = 0.1
"""Of the time that is left: what answering tuning and test cases in all views may take."""
ANSWERS: frozenset[AnswerKind] = frozenset({"label_map"})
"""Answers that gain from it voxel by voxel. Boxes of several views would have to be matched."""


def choose_views(
    flip: Sequence[int], *, answer: AnswerKind, answered: int, case: float, left: float
) -> tuple[list[str], str]:
    """Every mirrored view of the axes that training mirrors, where time allows, and the reason; nothing otherwise.

    ``answered`` cases take ``case`` seconds each in one view, of ``left`` seconds (nnU-Net's test-time augmentation:
    Isensee 2021, doi 10.1038/s41592-020-01008-z).
    """
    views = mirrored_views(flip)
    if answer not in ANSWERS or not views:
        return [], ""
    cost = answered * case * (1 + len(views))
    if cost > SHARE * left:
        return [], (
            f"Answered as they are: {1 + len(views)} mirrored views of {answered} cases would take {cost:.0f} s. "
            f"State views in plan.json to have them: {', '.join(views)}."
        )
    return views, (
        f"Answered in {1 + len(views)} mirrored views, whose mean counts: that takes {cost:.0f} s for {answered} cases."
    )
