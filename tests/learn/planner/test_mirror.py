"""Mirrored is what has no side."""

from __future__ import annotations

import pytest

from overread.learn.planner.mirror import choose_mirror


@pytest.mark.parametrize(
    ("dimensions", "modality", "body_part", "labels", "outlined", "flip"),
    [
        (2, [], ["SKIN"], ["naevus", "melanoma"], False, [0, 1]),
        (2, ["SM"], [], ["tumour", "normal"], False, [0, 1]),
        (2, ["GM"], ["Microscopy"], ["background", "cell"], True, [0, 1]),
        (2, ["US"], [], ["background", "head"], True, [0, 1]),
        (2, [], [], ["background", "vessel"], True, [0, 1]),
        (2, ["DX"], ["CHEST"], ["background", "lung"], True, []),
        (2, ["DX"], [], ["background", "left lung", "right lung"], True, []),
        (2, ["DX"], [], ["background", "lung_l"], True, []),
        (2, ["OP"], ["EYE"], ["no", "yes"], False, []),
        (2, ["CR"], [], ["no", "yes"], False, []),
        (3, ["MR"], [], ["background", "lesion"], True, []),
        (3, ["MR"], ["HEAD"], ["background", "lesion"], True, [0]),
        (3, ["MR"], ["HEAD"], ["background", "left hippocampus"], True, []),
        (3, ["MR"], ["HEAD"], ["no", "yes"], False, []),
        (3, ["CT"], ["HEAD", "CHEST"], ["background", "lesion"], True, []),
    ],
)
def test_choice(dimensions, modality, body_part, labels, outlined, flip) -> None:
    found, why = choose_mirror(
        dimensions=dimensions, modality=modality, body_part=body_part, labels=labels, outlined=outlined
    )
    assert found == flip and why.endswith(".")
