"""explain: pictures of where the network looked, for test patients whose answers are already in the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.cohort.load import load_case
from overread.files import atomic_path
from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    caption,
    heatmap,
    montage,
    png_bytes,
    slice_of,
    window_to_uint8,
)
from overread.pipeline.train import load_network
from overread.pipeline.workspace import Workspace, console, progress, recording
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome
from overread.runtime.preprocess import prepare, prepare_mask

SHOWN = 8
PIXELS = 224


def explain_stage(folder: Path) -> None:
    """Write ``explain/<case>.png`` (image beside heat map) and ``explain/overview.png``."""
    space = Workspace.open(folder)
    space.record("test")
    network, plan = load_network(space)
    package = Package.load(space.package_file)
    with recording(space, "explain") as result:
        from overread.explain.gradcam import grad_cam

        cases = _chosen(space)
        tiles, written = [], []
        with progress("Grad-CAM", len(cases)) as advance:
            for case in cases:
                image = load_case(case)
                prediction = predict(package, image)
                advance()
                if prediction.outcome is not Outcome.OK:
                    continue
                array = prepare(image, plan.preprocess).array
                if plan.task == "classification":
                    k = plan.labels.index(str(prediction.label))
                    said = f"{prediction.label} {prediction.scores[str(prediction.label)]:.2f}, true {case.label}"
                    window = array
                else:
                    assert prediction.mask is not None
                    k = (
                        int(np.bincount(prediction.mask[prediction.mask > 0], minlength=2).argmax())
                        if prediction.mask.any()
                        else 1
                    )
                    said = plan.labels[k]
                    window = _window(
                        array, plan.patch, prepare_mask(prediction.mask, image, plan.preprocess) == k
                    )
                heat = grad_cam(network, plan.network.name, window, k)
                virtual = ", virtual patient" if space.protocol.virtual else ""
                tile = _picture(window, heat, f"{case.case}: {said}{virtual}")
                name = f"explain/{case.case}.png"
                with atomic_path(folder / name) as temporary:
                    temporary.write_bytes(png_bytes(tile))
                tiles.append(tile)
                written.append(name)
        if tiles:
            with atomic_path(folder / "explain" / "overview.png") as temporary:
                temporary.write_bytes(png_bytes(montage(tiles, columns=2)))
        result.update(method="Grad-CAM", layer=plan.network.name, pictures=written)
    console.print(
        f"  {len(tiles)} pictures in {folder / 'explain'}: what the network weighed, which is no proof of why."
    )


def _chosen(space: Workspace) -> list[Case]:
    """Some test cases of every class, the same ones at every call."""
    cases = sorted(space.cohort().split("test"), key=lambda c: c.case)
    if space.protocol.task == "segmentation":
        return cases[:SHOWN]
    per_class = max(1, SHOWN // len(space.protocol.labels))
    return [c for label in space.protocol.labels for c in [c for c in cases if c.label == label][:per_class]]


def _window(array: NDArray[np.float32], patch: list[int], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The network's own view of the place with the most of what was found."""
    spatial = array.shape[1:]
    centre = [round(float(c.mean())) for c in np.nonzero(mask)] if mask.any() else [n // 2 for n in spatial]
    out = array
    for axis, (c, p, n) in enumerate(zip(centre, patch, spatial, strict=True), 1):
        if n >= p:
            start = min(max(c - p // 2, 0), n - p)
            out = np.take(out, np.arange(start, start + p), axis)
        else:
            out = np.pad(
                out,
                [((p - n) // 2, p - n - (p - n) // 2) if i == axis else (0, 0) for i in range(out.ndim)],
                mode="edge",
            )
    return np.ascontiguousarray(out)


def _picture(array: NDArray[np.float32], heat: NDArray[np.float32], text: str) -> NDArray[np.uint8]:
    if array.ndim == 4:
        k = int(heat.sum((0, 1)).argmax()) if heat.any() else best_slice(np.zeros(heat.shape, bool))
        gray2d, heat2d = (slice_of(Image(a[None], np.eye(4)), k) for a in (array[-1], heat))
    else:
        gray2d, heat2d = array.mean(0), heat
    gray = _enlarge(window_to_uint8(gray2d))
    hot = heatmap(gray, np.asarray(_enlarge((heat2d * 255).astype(np.uint8)), np.float32) / 255)
    pair = np.concatenate([np.repeat(gray[..., None], 3, -1), hot], axis=1)
    return caption(pair, text)


def _enlarge(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image as Pillow

    height, width = gray.shape
    scale = PIXELS / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    padded = np.zeros((PIXELS, PIXELS), np.uint8)
    small = np.asarray(Pillow.fromarray(gray).resize(size, Pillow.Resampling.BILINEAR))
    top, left = (PIXELS - size[1]) // 2, (PIXELS - size[0]) // 2
    padded[top : top + size[1], left : left + size[0]] = small
    return padded
