"""What the machine that trains can do."""

from __future__ import annotations

import os
from typing import Any

import torch

from overread.learn.processes import world

MOST_THREADS = 8


def lacks_bfloat16() -> str:
    """Why this machine had better not compute in bfloat16; empty where it can.

    GPUs have it from Ampere on (compute capability 8.0), processors with AVX512-BF16 or AMX-BF16.
    """
    if torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability()
        name = torch.cuda.get_device_name()
        return "" if major >= 8 else f"{name} (compute capability {major}.{minor}) only emulates bfloat16"
    able = torch.cpu.get_capabilities()
    if able.get("avx512_bf16") or able.get("amx_bf16"):
        return ""
    return "this processor has neither AVX512-BF16 nor AMX-BF16"


def drawing_threads() -> int:
    """How many threads draw batches while the network computes: one where it needs the cores itself."""
    if not torch.cuda.is_available():
        return 1
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(MOST_THREADS, (os.cpu_count() or 1) // here - 1))


def surroundings(device: torch.device) -> dict[str, Any]:
    """What the last bits of a training depend on, beside plan and data."""
    return {
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "processes": world(),
    }
