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
    caption,
    fit_box,
    heatmap,
    montage,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)
from overread.pipeline.stages.train import load_network
from overread.pipeline.workspace import Workspace, console, progress, recording
from overread.runtime.package import Package
from overread.runtime.patch import centre_patch
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
        layers: set[str] = set()
        with progress("Grad-CAM", len(cases)) as advance:
            for case in cases:
                image = load_case(case)
                prediction = predict(package, image)
                advance()
                if prediction.outcome is not Outcome.OK:
                    continue
                prepared = prepare(image, plan.preprocess)
                if plan.task == "classification":
                    k = plan.labels.index(str(prediction.label))
                    said = f"{prediction.label} {prediction.scores[str(prediction.label)]:.2f}, true {case.label}"
                    window = prepared.array
                else:
                    assert prediction.mask is not None
                    k = (
                        int(np.bincount(prediction.mask[prediction.mask > 0], minlength=2).argmax())
                        if prediction.mask.any()
                        else 1
                    )
                    said = plan.labels[k]
                    found = np.nonzero(prepare_mask(prediction.mask, image, plan.preprocess) == k)
                    # The network's own view of the place with the most of what was found.
                    centre = [round(float(c.mean())) for c in found] if found[0].size else None
                    window = centre_patch(prepared.array, plan.patch, centre)
                cam = grad_cam(network, plan.network.name, window, k)
                layers.add(cam.layer)
                virtual = ", virtual patient" if space.protocol.virtual else ""
                pair = _picture(window, prepared.affine, cam.heat, plan.preprocess.color == "rgb")
                tile = caption(pair, f"{case.case}: {said}{virtual}")
                name = f"explain/{case.case}.png"
                with atomic_path(folder / name) as temporary:
                    temporary.write_bytes(png_bytes(tile))
                tiles.append(tile)
                written.append(name)
        if tiles:
            with atomic_path(folder / "explain" / "overview.png") as temporary:
                temporary.write_bytes(png_bytes(montage(tiles, columns=2)))
        result.update(
            method="Grad-CAM", network=plan.network.name, layer=", ".join(sorted(layers)), pictures=written
        )
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


def _picture(
    window: NDArray[np.float32], affine: NDArray[np.float64], heat: NDArray[np.float32], colour: bool
) -> NDArray[np.uint8]:
    """The last channel (colour as grey) beside the same under its heat map, in the patient's proportions.

    3D: the slice with the most heat.
    """
    plane = window.mean(0) if colour else window[-1]
    if window.ndim == 4:
        k = int(heat.sum((0, 1)).argmax()) if heat.any() else heat.shape[2] // 2
        plane, heat = (slice_of(Image(a[None], affine), k) for a in (plane, heat))
    apart = pixel_spacing(Image(window, affine))
    gray = fit_box(window_to_uint8(plane), PIXELS, apart, pad=True)
    warm = fit_box(np.rint(heat * 255).astype(np.uint8), PIXELS, apart, pad=True)
    return np.concatenate(
        [np.repeat(gray[..., None], 3, -1), heatmap(gray, warm.astype(np.float32) / 255)], axis=1
    )
