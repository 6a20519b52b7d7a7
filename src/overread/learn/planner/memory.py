"""What memory a training step takes, counted before anything is trained, and a plan that fits what there is."""

from __future__ import annotations

from pathlib import Path

import torch

from overread.learn.memory import with_less
from overread.learn.plan import Plan
from overread.nets.figures import training_bytes
from overread.nets.networks import build

# What operators take inside themselves, beyond the tensors that are counted. Measured over counted on a processor
# (benchmarks/memory.py): 0.87 (3D U-Net) and 0.97 (DenseNet-121), 0.99 (ViT-tiny, ConvNeXt-atto), 1.14 (ResNet-18),
# 1.20 (planned 3D ResNet).
INSIDE = 1.1
# Of what is available a step may take so much: images, libraries and whatever else runs need the rest.
SHARE = 0.8
CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


def step_bytes(plan: Plan) -> int:
    """Bytes that a step of ``plan`` takes at its peak, above what the process holds before it.

    Counted in float32 from the sizes of all tensors that are alive at once, of one part of the batch
    (`Plan.accumulate`), and what operators take inside themselves (`INSIDE`). Mixed precision takes less.
    """
    at_once = -(-plan.batch // plan.accumulate)
    with torch.device("meta"):
        network = build(
            plan.network.name, plan.dimensions, len(plan.channels), plan.outputs, plan.network.arguments
        ).train()
        counted = training_bytes(network, torch.zeros(at_once, len(plan.channels), *plan.patch))
    return round(INSIDE * counted)


def available_bytes(*, meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int | None:
    """Bytes that a training may still take here; None where the system does not say.

    On a GPU what is free on it. Else the least of what the kernel can give without swapping (``MemAvailable``, which
    counts caches that it would drop) and what the control group has left, as of a container (versions 2 and 1).
    """
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    found = []
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    except (OSError, ValueError):
        pass
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            # "max" is no number, and no limit.
            most = int((cgroup / limit).read_text(encoding="ascii"))
            found.append(
                max(0, most - int((cgroup / used).read_text(encoding="ascii")) + _dropped(cgroup, limit))
            )
        except (OSError, ValueError):
            continue
    return min(found) if found else None


def _dropped(cgroup: Path, limit: str) -> int:
    """Bytes of file caches that count as used in the group and would be given up; 0 where it does not say."""
    try:
        told = (cgroup / limit).with_name("memory.stat").read_text(encoding="ascii").splitlines()
        return sum(
            int(line.split()[1])
            for line in told
            if line.split()[0] in {"inactive_file", "total_inactive_file"}
        )
    except (OSError, ValueError, IndexError):
        return 0


def fit_memory(plan: Plan, available: int | None) -> tuple[Plan, list[str]]:
    """``plan`` so that a step takes at most `SHARE` of ``available`` bytes, with a sentence where it was changed.

    Steps are taken in parts, then patches are made smaller, as `overread.learn.memory.with_less` does where memory
    gives out. Where nothing is left to be made smaller the plan is handed back as far as it got, and the sentence says
    so.
    """
    if available is None:
        return plan, []
    needed, now, changes = step_bytes(plan), plan, []
    asked = needed
    while needed > SHARE * available:
        less = with_less(now, at_once=-(-now.batch // now.accumulate))
        if less is None:
            changes.append("and nothing is left to be halved: choose a smaller size or network")
            break
        now, changed = less
        changes.append(changed)
        needed = step_bytes(now)
    if not changes:
        return plan, []
    return now, [
        f"A step would take {asked / 2**30:.1f} GiB of the {available / 2**30:.1f} GiB that are available here: "
        f"{', '.join(changes)}; now {needed / 2**30:.1f} GiB."
    ]
