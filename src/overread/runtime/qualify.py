"""Engines compared on one machine: do they agree with the reference, and which is the fastest?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.backends import REFERENCE, EngineName, available
from overread.runtime.engine import Engine, threads_used
from overread.runtime.engine_choice import remember, version_of
from overread.runtime.package import Package

AGREES = 1e-4
"""Largest difference of an output from the reference's, as a share of the largest output, or of 1 if that is less."""
WORTH = 0.95
"""An engine replaces the reference where it takes at most so much of its time."""
REPEATS = 5
SIDE = {2: 224, 3: 64}
"""Voxels per axis of the sample of a network that takes images of any size."""


@dataclass(frozen=True)
class Tried:
    """One engine: milliseconds of one input (median), the largest difference from the reference, and why it is out."""

    engine: str
    version: str
    milliseconds: float | None
    difference: float | None
    refused: str = ""


def qualify(
    package: Package, *, engines: Sequence[EngineName] | None = None, repeats: int = REPEATS
) -> list[Tried]:
    """Every engine of this machine on inputs of the package's size, all its networks one after the other; the best is
    remembered (`overread.runtime.engine_choice`). The best comes first.

    An engine whose outputs differ from the reference's by more than `AGREES` is never chosen. Runs take turns, so that
    whatever else the machine does meanwhile hits all alike.
    """
    samples = samples_of(package)
    loaded: dict[EngineName, list[Engine]] = {}
    tried: dict[EngineName, Tried] = {}
    expected: Sequence[Mapping[str, NDArray[np.float32]]] = []
    for name in engines or available():
        try:
            loaded[name] = [
                Engine(data, file, threads=threads_used(), engine=name)
                for file, data in package.networks.items()
            ]
            found = [network(x) for x in samples for network in loaded[name]]
        except (InputError, RuntimeError) as error:
            if name == REFERENCE:
                raise
            loaded.pop(name, None)
            tried[name] = Tried(name, version_of(name), None, None, str(error).splitlines()[0])
            continue
        expected = expected or found
        apart = max(map(_difference, found, expected))
        refused = "" if apart <= AGREES else f"its outputs differ from the reference's by {apart:.2g}"
        tried[name] = Tried(name, version_of(name), None, apart, refused)
    for name, ms in _interleaved(loaded, samples[0], repeats).items():
        tried[name] = Tried(**(asdict(tried[name]) | {"milliseconds": ms}))
    fine = [t for t in tried.values() if not t.refused and t.milliseconds is not None]
    best = min(fine, key=lambda t: t.milliseconds or 0.0)
    reference = tried[REFERENCE]
    if (best.milliseconds or 0.0) > WORTH * (reference.milliseconds or 0.0):
        best = reference
    rest = [t for t in tried.values() if t is not best]
    found_here: dict[str, Any] = {
        "engine": best.engine,
        "versions": {t.engine: t.version for t in tried.values()},
        "tried": [asdict(t) for t in (best, *rest)],
        "package": f"{package.manifest.name} {package.manifest.version}",
    }
    remember(package.networks_sha256, found_here)
    return [best, *rest]


def samples_of(package: Package) -> list[NDArray[np.float32]]:
    """Inputs as the network sees them: standardised grey values, once as noise and once smooth; always the same."""
    manifest = package.manifest
    dimensions = manifest.preprocess.dimensions
    size = manifest.windows.size if manifest.windows else manifest.preprocess.size
    size = list(size or [SIDE[dimensions]] * dimensions)
    channels = len(manifest.preprocess.intensity)
    noise = np.random.default_rng(0).standard_normal((1, channels, *size)).astype(np.float32)
    smooth = noise
    for axis in range(2, smooth.ndim):
        smooth = (smooth + np.roll(smooth, 1, axis) + np.roll(smooth, -1, axis)) / np.float32(1.7)
    return [noise, np.ascontiguousarray(smooth, np.float32)]


def _difference(
    found: Mapping[str, NDArray[np.float32]], expected: Mapping[str, NDArray[np.float32]]
) -> float:
    worst = 0.0
    for name, want in expected.items():
        apart = float(np.abs(found[name] - want).max()) / max(1.0, float(np.abs(want).max()))
        # NaN is no agreement.
        worst = max(worst, apart if np.isfinite(apart) else np.inf)
    return worst


def _interleaved(
    loaded: Mapping[EngineName, Sequence[Engine]], sample: NDArray[np.float32], repeats: int
) -> dict[EngineName, float]:
    """Median milliseconds of one input through all networks."""
    seconds: dict[EngineName, list[float]] = {name: [] for name in loaded}
    for _ in range(repeats):
        for name, networks in loaded.items():
            began = time.perf_counter()
            for network in networks:
                network(sample)
            seconds[name].append(time.perf_counter() - began)
    return {name: 1000 * statistics.median(s) for name, s in seconds.items()}
