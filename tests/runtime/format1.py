"""Packages of format 1, written by hand as overread wrote them before format 2 existed, and what they answered then.

The numbers and the packages' own hashes come from that version (commit 63c9e0c), run on the same images.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from overread.imaging.image import Image


def write(path: Path, content: dict[str, Any], model: bytes) -> Path:
    """``content`` with its hashes and ``model`` as an .overread file of format 1."""
    content = {**content, "files": {"model.onnx": hashlib.sha256(model).hexdigest()}}
    canonical = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    content["sha256"] = hashlib.sha256(canonical.encode()).hexdigest()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        for name, data in (("package.json", text.encode()), ("model.onnx", model)):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return path


INTENSITY = {
    "method": "fixed",
    "low": None,
    "high": None,
    "mean": 0.0,
    "std": 1.0,
    "preset": "",
    "percentiles": None,
    "landmarks": None,
}
PREPROCESS = {
    "dimensions": 2,
    "color": "gray",
    "orientation": None,
    "bias": None,
    "spacing": None,
    "size": [8, 8],
    "intensity": [INTENSITY],
}
CALIBRATION: dict[str, Any] = {
    "temperature": 1.0,
    "bins": {},
    "conformal_coverage": None,
    "conformal_quantile": None,
    "volume_ratio": {},
    "count_difference": {},
    "cases": 0,
}
LIMITS: dict[str, Any] = {
    "modality": [],
    "body_part": [],
    "age_years": None,
    "size": None,
    "spacing_mm": None,
}
INTERVAL = {
    "estimate": 0.9,
    "low": 0.8,
    "high": 0.95,
    "confidence": 0.95,
    "method": "Wilson",
    "n": 40,
}

CLASSIFICATION: dict[str, Any] = {
    "format": 1,
    "name": "pneumonia",
    "version": "1.0",
    "created": "2026-01-01T00:00:00+00:00",
    "task": "classification",
    "channels": [{"name": "image", "modality": ["CR", "DX"], "match": {"SeriesDescription": "chest"}}],
    "preprocess": PREPROCESS,
    "labels": ["normal", "abnormal"],
    "positive": "abnormal",
    "operating_point": {
        "rule": "sensitivity>=0.95",
        "threshold": 0.7,
        "sensitivity": INTERVAL,
        "specificity": None,
    },
    "calibration": {
        **CALIBRATION,
        "temperature": 1.7,
        "bins": {
            "normal": [{"low": 0.0, "high": 1.0, "observed_low": 0.4, "observed_high": 0.6, "cases": 50}],
            "abnormal": [
                {"low": 0.0, "high": 0.5, "observed_low": 0.01, "observed_high": 0.3, "cases": 25},
                {"low": 0.5, "high": 1.0, "observed_low": 0.6, "observed_high": 0.95, "cases": 25},
            ],
        },
        "conformal_coverage": 0.9,
        "conformal_quantile": 0.75,
        "cases": 50,
    },
    "windows": None,
    "limits": {**LIMITS, "age_years": [0.0, 120.0], "size": [[4, 64], [4, 64]]},
    "counted_labels": [],
    "reference": {"score_quantiles": {"abnormal": [0.1, 0.9]}},
    "model_card": {"status": "research use only"},
    "evidence": {"protocol": "ab"},
}
THREE_CLASSES: dict[str, Any] = {
    **CLASSIFICATION,
    "labels": ["normal", "benign", "malignant"],
    "positive": "malignant",
    "operating_point": {"rule": "youden", "threshold": 0.3, "sensitivity": None, "specificity": None},
    "calibration": CALIBRATION,
    "limits": LIMITS,
}
SEGMENTATION: dict[str, Any] = {
    **CLASSIFICATION,
    "name": "lesion",
    "task": "segmentation",
    "channels": [{"name": "T1", "modality": ["MR"], "match": {}}],
    "preprocess": {
        **PREPROCESS,
        "dimensions": 3,
        "color": "as_is",
        "orientation": "RAS",
        "spacing": [1.5, 1.5, 1.5],
        "size": None,
    },
    "labels": ["background", "lesion"],
    # Nobody read these two in a segmentation.
    "positive": "lesion",
    "operating_point": {"rule": "youden", "threshold": 0.9, "sensitivity": None, "specificity": None},
    "calibration": {
        **CALIBRATION,
        "volume_ratio": {"lesion": {"low": 0.8, "high": 1.25, "coverage": 0.9, "cases": 20, "offset": 0.1}},
        "count_difference": {
            "lesion": {"low": -2.0, "high": 2.0, "coverage": 0.85, "cases": 12, "offset": 0.0}
        },
        "cases": 20,
    },
    "windows": {"size": [16, 16, 16], "overlap": 0.5},
    "limits": LIMITS,
    "counted_labels": ["lesion"],
}


def gray(value: float) -> Image:
    """A picture of one grey value with a ramp on it."""
    ramp = np.linspace(-0.2, 0.2, 12 * 10, dtype=np.float32).reshape(1, 12, 10)
    return Image(np.float32(value) + ramp, np.eye(4))


def volume() -> Image:
    """Two soft bright balls in a volume whose axes run to the left, the front and the feet."""
    affine = np.array([[-1.2, 0, 0, 20], [0, 1.1, 0, -18], [0, 0, -2.0, 22], [0, 0, 0, 1]])
    index = np.stack(np.meshgrid(np.arange(32), np.arange(30), np.arange(20), indexing="ij"), -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    near = [np.linalg.norm(world - np.array(c), axis=-1) - r for c, r in (((6, -4, 5), 7), ((-9, 6, -6), 4))]
    return Image(np.clip(1 - np.minimum(*near) / 2, 0, 1)[None].astype(np.float32), affine, "MR")
