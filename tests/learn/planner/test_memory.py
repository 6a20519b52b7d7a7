"""What a step takes is foretold, and a plan fits what there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.learn.toys import RESNET, plan_for_network

from overread.learn.planner.memory import INSIDE, SHARE, available_bytes, fit_memory, step_bytes


def plan(batch: int = 8, **changes: object):
    made = plan_for_network("classification", "resnet", RESNET, (32, 32), channels=1, labels=2)
    return made.model_copy(update={"batch": batch, **changes})


def test_a_step_is_weights_four_times_over_and_what_lives_at_once() -> None:
    from overread.nets.networks import build, parameters_of

    weights = 4 * parameters_of(build("resnet", 2, 1, 2, RESNET))
    one, two, four = (step_bytes(plan(n)) / INSIDE for n in (8, 16, 32))
    assert four - two == pytest.approx(2 * (two - one), rel=0.05)
    # Maps of the first stage alone: convolution, norm and activation of 8 channels at full resolution.
    assert two - one > 8 * 3 * 4 * 8 * 32 * 32
    assert one - (two - one) >= 4 * weights


def test_parts_of_a_step_take_as_much_as_small_batches() -> None:
    assert step_bytes(plan(16, accumulate=2)) == step_bytes(plan(8))


def test_a_plan_that_fits_is_left_alone_and_another_takes_parts() -> None:
    asked = plan(32)
    needed = step_bytes(asked)
    assert fit_memory(asked, None) == (asked, []) and fit_memory(asked, 2 * needed) == (asked, [])
    fits, [reason] = fit_memory(asked, round(0.6 * needed / SHARE))
    assert fits.accumulate == 2 and "a step in 2 parts" in reason
    assert step_bytes(fits) <= 0.6 * needed
    least, [reason] = fit_memory(asked, 1000)
    assert least.accumulate == 32 and "nothing is left to be halved" in reason


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has its own memory")
def test_what_is_available_is_the_least_of_kernel_and_control_group(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemFree: 5 kB\nMemAvailable: 60 kB\n")
    here = {"meminfo": meminfo, "cgroup": tmp_path}
    assert available_bytes(**here) == 60 * 1024
    (tmp_path / "memory.current").write_text("30000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(**here) == 60 * 1024
    (tmp_path / "memory.max").write_text("50000\n")
    assert available_bytes(**here) == 20000
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 7000\n")
    assert available_bytes(**here) == 27000
    assert available_bytes(meminfo=tmp_path / "none", cgroup=tmp_path / "none") is None
