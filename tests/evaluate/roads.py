"""Real files, tiny real networks: for every task a package, and cases whose truths it mostly finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.runtime.models import mean_logits, package_of, spot_detector, threshold_segmenter

from overread.cohort.case import Case
from overread.imaging.formats.raster import write_png
from overread.runtime.package import Package

SIZE = 24
PLAIN: dict[str, Any] = {"dimensions": 2, "color": "gray", "intensity": [{"method": "fixed", "std": 255}]}
TASKS = ("classification", "multilabel", "segmentation", "detection")


def package_for(task: str, **more: Any) -> Package:
    """A package that is not yet calibrated; grey values reach its network from 0 to 1."""
    match task:
        case "classification":
            model, labels = mean_logits(2, [0.0, 8.0], [0.0, -4.0]), ["dark", "bright"]
            more = {"positive": "bright"} | more
        case "multilabel":
            model, labels = mean_logits(2, [8.0, -8.0], [-4.0, 4.0]), ["bright", "dark"]
        case "segmentation":
            model, labels = threshold_segmenter(1, 2, 0.5), ["background", "spot"]
            more = {"counted_labels": ["spot"]} | more
        case _:
            model, labels = spot_detector(2, stride=8, extent=8.0), ["spot"]
    values = {"task": task, "labels": labels, "preprocess": PLAIN, "positive": None} | more
    return package_of(model, **values)


def cases_for(folder: Path, n: int = 40, seed: int = 0, size: int = SIZE) -> list[Case]:
    """Pictures with the truths of every task: brightness, and a bright spot of 8 x 8 pixels in two of three."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    out = []
    for i in range(n):
        grey = generator.uniform(0.2, 0.8)
        picture = np.full((size, size), grey * 100)
        mask = np.zeros((size, size), np.uint8)
        boxes = []
        if i % 3:
            y, x = 8 * generator.integers(0, 3, 2)
            mask[y : y + 8, x : x + 8] = 1
            picture[y : y + 8 - i % 2, x : x + 8] = 255
            boxes.append({"label": "spot", "box": [int(x), int(y), int(x) + 8, int(y) + 8]})
        path = folder / f"{i:03d}.png"
        write_png(path, picture.round().astype(np.uint8))
        write_png(path.with_name(f"{i:03d}_mask.png"), mask)
        path.with_suffix(".json").write_text(json.dumps(boxes))
        bright = bool(picture.mean() / 255 + generator.normal(0, 0.05) > 0.3)
        stated: int | None = int(bright) if i % 5 else None
        out.append(
            Case(
                f"case{i:03d}",
                f"p{i // 2}",
                {"image": path},
                label="bright" if bright else "dark",
                mask=path.with_name(f"{i:03d}_mask.png"),
                boxes=path.with_suffix(".json"),
                findings={"bright": stated, "dark": int(not bright)},
                attributes={"age": str(20 + i)},
            )
        )
    return out
