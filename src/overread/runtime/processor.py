"""Which processor computes: its name, and the instruction sets that decide how numbers are rounded."""

from __future__ import annotations

import platform
from functools import lru_cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
TELLING = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "sve",
    "bf16",
    "i8mm",
)
"""Flags of /proc/cpuinfo on which engines choose their kernels by; others say nothing about results."""


@lru_cache(maxsize=1)
def processor() -> tuple[str, tuple[str, ...]]:
    """Its name and its `TELLING` flags; no flags where the system does not say."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), ()
    return processor_of(text)


def processor_of(cpuinfo: str) -> tuple[str, tuple[str, ...]]:
    """As `processor`, of the text of /proc/cpuinfo."""
    facts: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            facts.setdefault(key.strip(), value.strip())
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    name = facts.get("model name") or facts.get("Model") or platform.machine()
    return " ".join(name.split()), tuple(flag for flag in TELLING if flag in flags)
