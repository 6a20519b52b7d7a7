"""The processes that train together, as `torchrun` starts them: one alone is the usual case."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from overread.errors import InputError

T = TypeVar("T")

FABRIC_PRECISION = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def fabric_of(precision: str) -> Fabric:
    """Devices, precision (``float32`` or ``bfloat16``) and processes of a training: all that `torchrun` started.

    Raises InputError where a host has fewer GPUs than processes.
    """
    kind: Any = FABRIC_PRECISION[precision]
    if not dist.is_torchelastic_launched():
        return Fabric(accelerator="auto", devices=1, precision=kind)
    here, everywhere = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise InputError(
            f"torchrun: found {here} processes on this host and {gpus} GPU{'s' * (gpus > 1)}, expected at most one "
            f"process for each; start it with --nproc-per-node {gpus}"
        )
    return Fabric(
        accelerator="auto", devices=here, num_nodes=everywhere // here, strategy="ddp", precision=kind
    )


def join() -> None:
    """Meet the other processes, where `torchrun` started any; before this every process counts as alone."""
    if dist.is_torchelastic_launched():
        fabric_of("float32").launch()


def rank() -> int:
    """This process's number among those that train together."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def agreed(value: T) -> T:
    """The first process's ``value``, on all of them."""
    if world() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, group=_control())
    return box[0]


def any_of(flag: bool) -> bool:
    """Whether ``flag`` is true on any process."""
    if world() == 1:
        return flag
    box = torch.tensor(int(flag))
    dist.all_reduce(box, op=dist.ReduceOp.MAX, group=_control())
    return bool(box)


def gathered(items: Sequence[T]) -> list[T]:
    """The ``items`` of all processes, on all of them, in the order in which ``all[rank::world]`` dealt them out."""
    if world() == 1:
        return list(items)
    parts: list[Any] = [None] * world()
    dist.all_gather_object(parts, list(items), group=_control())
    most = max(map(len, parts))
    return [part[i] for i in range(most) for part in parts if i < len(part)]


def leave() -> None:
    """End the bond between the processes."""
    if dist.is_initialized():
        _control.cache_clear()
        dist.destroy_process_group()


@cache
def _control() -> Any:
    """Words between processors: where tensors go by NCCL they would have to wait for the GPU."""
    return dist.new_group(backend="gloo")
