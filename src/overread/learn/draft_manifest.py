"""The manifest that a plan's network answers by before it is packaged."""

from __future__ import annotations

from collections.abc import Sequence

from overread.files import sha256_bytes
from overread.learn.plan import Plan
from overread.runtime.manifest import Channel, Manifest, Windows
from overread.runtime.tasks import TASKS as RUNTIME
from overread.task import TASKS as FACTS


def draft_manifest(
    plan: Plan,
    name: str,
    *,
    positive: str | None,
    counted: Sequence[str] = (),
    outputs: Sequence[str] = (),
    model: bytes = b"",
) -> Manifest:
    """Preprocessing, windows and decoding of ``plan``, without limits, calibration or thresholds.

    ``outputs`` names the network's outputs in order, as far as ``model`` (ONNX) is answered by an engine.
    """
    return Manifest(
        name=name,
        version="0",
        created="",
        task=plan.task,
        channels=[Channel(name=channel) for channel in plan.channels],
        preprocess=plan.preprocess,
        labels=plan.labels,
        positive=positive,
        outputs=list(outputs),
        quantity=plan.quantity,
        decoding={**RUNTIME[plan.task].DECODING, **plan.decoding},
        windows=Windows(size=plan.answered_at_once, overlap=plan.overlap) if FACTS[plan.task].local else None,
        views=plan.views,
        counted_labels=list(counted),
        regions=plan.regions,
        files={"model.onnx": sha256_bytes(model)},
    )
