"""explain: pictures of where the network looked, for test patients whose answers are already in the report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.load import load_case
from overread.files import atomic_path
from overread.imaging.grid.components import components
from overread.imaging.image import Image
from overread.imaging.picture import (
    caption,
    fit_box,
    heatmap,
    montage,
    pixel_spacing,
    png_bytes,
    slice_of,
)
from overread.pipeline.report.pictures import display
from overread.pipeline.stages.train import load_network
from overread.pipeline.workspace import Workspace, console, progress, stage_record
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.answer_text import quantity
from overread.runtime.package import Package
from overread.runtime.patch import centre_patch
from overread.runtime.predict import predict
from overread.runtime.preprocess import prepare, prepare_boxes, prepare_mask

SHOWN = 8
PIXELS = 224


@dataclass(frozen=True)
class Question:
    """What is explained of an answer: the label's index, what was said, and where (None: the whole image)."""

    label: int
    said: str
    centre: list[int] | None = None


def explain_stage(folder: Path, *, seconds: float | None = None) -> None:
    """Write ``explain/<case>.png`` (image beside heat map) and ``explain/overview.png``.

    With ``seconds`` no further case is begun after so long; one is always explained.
    """
    space = Workspace.open(folder)
    space.record_of("test")
    network, plan = load_network(space)
    package = Package.load(space.package_file)
    with stage_record(space, "explain") as result:
        from overread.explain.gradcam import grad_cam
        from overread.learn.tasks import TASKS as LEARN_TASKS
        from overread.nets.networks import architecture

        made = architecture(plan.network.name)
        cases = _chosen(space)
        tiles: list[NDArray[np.uint8]] = []
        written: list[str] = []
        layers: set[str] = set()
        methods: set[str] = set()
        with progress("Explaining", len(cases)) as advance:
            begun = 0
            for case in in_time(cases, seconds):
                begun += 1
                image = load_case(case)
                prediction = predict(package, image)
                advance()
                if prediction.answer is None:
                    continue
                prepared = prepare(image, plan.preprocess)
                question = question_of(prediction.answer, image, package)
                window = prepared.array
                if package.manifest.windows is not None:
                    # The network's own view of the place that the question is about.
                    window = centre_patch(window, plan.patch, question.centre)
                cam = grad_cam(
                    network,
                    window,
                    question.label,
                    architecture=made,
                    score=LEARN_TASKS[plan.task].score,
                    local=space.protocol.facts.local,
                )
                layers.add(cam.layer)
                methods.add(cam.method)
                virtual = ", virtual patient" if space.protocol.virtual else ""
                pair = _picture(window, prepared.affine, cam.heat, color=plan.preprocess.color == "rgb")
                tile = caption(pair, f"{case.case}: {question.said}{virtual}")
                name = f"explain/{case.case}.png"
                with atomic_path(folder / name) as temporary:
                    temporary.write_bytes(png_bytes(tile))
                tiles.append(tile)
                written.append(name)
        if tiles:
            with atomic_path(folder / "explain" / "overview.png") as temporary:
                temporary.write_bytes(png_bytes(montage(tiles, columns=2)))
        result.update(
            method=", ".join(sorted(methods)),
            network=plan.network.name,
            layer=", ".join(sorted(layers)),
            pictures=written,
            left_out=len(cases) - begun,
        )
    console.print(
        f"  {len(tiles)} pictures in {folder / 'explain'}: what the network weighed, which is no proof of why."
    )


def in_time(cases: Sequence[Case], seconds: float | None) -> Iterator[Case]:
    """The first of ``cases``, and each further one that is asked for within ``seconds`` (None: whenever)."""
    began = time.perf_counter()
    for number, case in enumerate(cases):
        if number and seconds is not None and time.perf_counter() - began > seconds:
            return
        yield case


def question_of(answer: Answer, image: Image, package: Package) -> Question:
    """What there is to explain of an answer: the decision, the strongest finding, the largest part, the best box."""
    manifest = package.manifest
    labels, spec = list(manifest.labels), manifest.preprocess
    match answer:
        case Classes():
            return Question(
                labels.index(answer.decided), f"{answer.decided} {answer.scores[answer.decided]:.2f}"
            )
        case Findings():
            best = max(answer.scores, key=lambda k: answer.scores[k])
            present = "present" if best in answer.present else "not called present"
            return Question(labels.index(best), f"{best} {answer.scores[best]:.2f}, {present}")
        case Value():
            return Question(0, f"{answer.name} {quantity(answer.value, answer.unit)}")
        case LabelMap():
            if not answer.mask.any():
                return Question(1, f"no {labels[1]} found")
            label = int(np.bincount(answer.mask[answer.mask > 0]).argmax())
            return Question(
                label, labels[label], _largest_part(prepare_mask(answer.mask, image, spec) == label)
            )
        case Objects():
            if not len(answer.boxes):
                return Question(0, f"no {labels[0]} found")
            best_box = prepare_boxes(answer.boxes.where(np.array([0])), image, spec)
            label = int(best_box.labels[0])
            centre = [round(float(c)) for c in (best_box.low[0] + best_box.high[0]) / 2]
            return Question(label, f"{labels[label]} {float(best_box.scores[0]):.2f}", centre)
        case _:
            assert_never(answer)


def _largest_part(mask: NDArray[np.bool_]) -> list[int] | None:
    """Centre of the largest connected part: of lesions on both sides, the middle of all would lie between them."""
    if not mask.any():
        return None
    parts, _ = components(mask)
    largest = int(np.bincount(parts.ravel())[1:].argmax()) + 1
    return [round(float(c.mean())) for c in np.nonzero(parts == largest)]


def _chosen(space: Workspace) -> list[Case]:
    """Some test cases that show each label, the same ones at every call."""
    cases = sorted(space.cohort().split("test"), key=lambda c: c.case)
    labels = list(space.protocol.labels)
    per_label = max(1, SHOWN // len(labels))
    chosen: dict[str, Case] = {}
    for label in labels:
        showing = [c for c in cases if c.label == label or c.findings.get(label) == 1]
        chosen |= {c.case: c for c in showing[:per_label]}
    # Where the table's own cells name no label (masks, boxes) the first cases serve.
    return list(chosen.values())[:SHOWN] or cases[:SHOWN]


def _picture(
    window: NDArray[np.float32], affine: NDArray[np.float64], heat: NDArray[np.float32], *, color: bool
) -> NDArray[np.uint8]:
    """The window (colour, or its last channel) beside the same under its heat map, in the patient's proportions.

    3D: the slice with the most heat.
    """
    if window.ndim == 4:
        k = int(heat.sum((0, 1)).argmax()) if heat.any() else heat.shape[2] // 2
        plane, heat = (slice_of(Image(a[None], affine), k) for a in (window[-1], heat))
        base = display(plane[None], color=False)
    else:
        base = display(window, color=color)
    spacing = pixel_spacing(Image(window, affine))
    shown = fit_box(base, PIXELS, spacing, pad=True)
    warm = fit_box(np.rint(heat * 255).astype(np.uint8), PIXELS, spacing, pad=True)
    plain = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, -1)
    return np.concatenate([plain, heatmap(shown, warm.astype(np.float32) / 255)], axis=1)
