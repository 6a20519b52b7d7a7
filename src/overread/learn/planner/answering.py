"""How long an image takes to be answered, measured by answering one: the untrained network, exported, in `predict`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.learn.draft_manifest import draft_manifest
from overread.learn.export import export_onnx
from overread.learn.plan import Plan
from overread.nets.networks import build
from overread.runtime.package import Package
from overread.runtime.patch import centre_patch
from overread.runtime.predict import predict
from overread.runtime.preprocess import prepare


@dataclass(frozen=True)
class Answering:
    """Seconds to export the network, and to read and answer one image."""

    export: float
    case: float


def measure_answering(plan: Plan, cases: Sequence[Case], *, positive: str | None = None) -> Answering:
    """Answer ``cases``, one at least, by the plan's network as it is before it is trained.

    The road is that of every later answer: file, `prepare`, ONNX Runtime, windows, label map on the image's own grid.
    The first case also warms up, and counts only where it is alone. Raises as `predict` and `export_onnx`.
    """
    began = time.perf_counter()
    torch.manual_seed(plan.seed)
    network = build(
        plan.network.name, plan.dimensions, len(plan.channels), plan.outputs, plan.network.arguments
    )
    first = prepare(load_case(cases[0]), plan.preprocess).array
    exported = export_onnx(network, plan, [np.ascontiguousarray(centre_patch(first, plan.answered_at_once))])
    manifest = draft_manifest(
        plan, "untrained", positive=positive, outputs=exported.outputs, model=exported.model
    ).sealed()
    package = Package(Path("untrained.overread"), manifest, exported.model)
    done, seconds = time.perf_counter() - began, []
    for case in cases:
        at = time.perf_counter()
        predict(package, load_case(case))
        seconds.append(time.perf_counter() - at)
    return Answering(done, float(np.median(seconds[1:] or seconds)))
