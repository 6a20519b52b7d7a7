"""From an imported model to a package: what is known goes into the manifest, and what is not is said there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import overread
from overread.bridge.imported import Imported
from overread.runtime.manifest import Calibration, Limits, Manifest, Uncertainty
from overread.runtime.manifest_uncertainty import Ensemble, Member
from overread.runtime.measure import SMALLEST_PART
from overread.runtime.package import MODEL, Package, write_package
from overread.runtime.tasks import TASKS as RUNTIME
from overread.settings import validated
from overread.task import TASKS

UNVALIDATED = "no tuning cases: the model was imported"


def write_imported(model: Imported, path: Path, *, intended_use: str = "") -> Package:
    """Write ``model`` as a package at ``path``. Raises InputError as `write_package`."""
    names = [MODEL, *(f"model-{i}.onnx" for i in range(1, len(model.networks)))]
    facts = TASKS[model.task]
    modalities = sorted({m for channel in model.channels for m in channel.modality})
    ensemble = None
    if len(names) > 1:
        folds = model.origin.get("folds") or range(len(names))
        ensemble = Ensemble(
            how=model.together,  # type: ignore[arg-type]
            members=[
                Member(file=name, weight=1 / len(names), origin=f"fold {fold}")
                for name, fold in zip(names, folds, strict=True)
            ],
        )
    sought = list(model.regions) or (model.labels[1:] if facts.background else model.labels)
    manifest = validated(
        Manifest,
        {
            "name": model.name,
            "version": model.version,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "task": model.task,
            "channels": list(model.channels),
            "preprocess": model.preprocess,
            "labels": list(model.labels),
            "positive": model.positive,
            "quantity": model.quantity,
            "decoding": dict(RUNTIME[model.task].DECODING),
            "windows": model.windows,
            "views": list(model.views),
            "limits": Limits(modality=modalities),
            "calibration": Calibration(reasons=dict.fromkeys(sought, UNVALIDATED)),
            "uncertainty": Uncertainty(ensemble=ensemble, notes=["no interval was fixed: " + UNVALIDATED]),
            "smallest_part": SMALLEST_PART,
            "model_card": {
                "intended_use": intended_use or "not stated",
                "status": "research use only",
                "validated": UNVALIDATED
                + "; thresholds, calibration, intervals and limits of size and looks are absent",
                "imported_from": dict(model.origin),
                "imported_by": f"overread {overread.__version__}",
                "difference_from_origin": model.difference,
                "differs_from_origin_in": list(model.notes),
            },
            "evidence": {"origin_" + k: v for k, v in dict(model.origin.get("files") or {}).items()},
            "files": {},
        }
        | ({"regions": dict(model.regions)} if model.regions else {}),
        f"{path}: what is imported as its package.json",
    )
    return write_package(
        path, manifest, model.networks[0], dict(zip(names[1:], model.networks[1:], strict=True))
    )
