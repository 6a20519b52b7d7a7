"""What counts as out of memory, and what is halved then."""

from __future__ import annotations

import pytest
import torch
from tests.learn.toys import SEGMENTATION, TOYS, plan

from overread.errors import OverreadError
from overread.learn.memory import changed, is_out_of_memory, take_less, with_less


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (
            RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"
            ),
            True,
        ),
        (RuntimeError("could not create a memory object"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_recognised(error: Exception, is_it: bool) -> None:
    assert is_out_of_memory(error) is is_it


def test_a_real_allocation_that_fails_is_recognised() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


def test_parts_before_the_patch_and_the_longest_axis_first() -> None:
    p = plan(**SEGMENTATION | {"patch": [16, 32]})
    less, said = with_less(p, at_once=4)
    assert (less.accumulate, less.patch, said) == (2, [16, 32], "a step in 2 parts instead of 1")
    less, said = with_less(p, at_once=1)
    assert (less.patch, said) == ([16, 16], "patch [16, 16] instead of [16, 32]")
    assert changed(p, less) == {"patch": [16, 16]}
    # Strides of 4 together: the coarsest stage keeps two cells.
    assert with_less(p.model_copy(update={"patch": [4, 8]}), at_once=1) is None
    assert with_less(TOYS["classification"][0], at_once=1) is None


def test_several_processes_end_with_advice() -> None:
    with pytest.raises(OverreadError, match=r"step 7 \(no room\): set accumulate in plan.json to 2"):
        take_less(plan(), step=7, said="no room", processes=2)
