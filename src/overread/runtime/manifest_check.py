"""What the parts of a manifest must agree on, one line for each fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, assert_never

from overread.runtime.measures import measure_faults
from overread.runtime.regions import region_faults, structures
from overread.runtime.views import view_faults
from overread.task import TASKS, Task

if TYPE_CHECKING:
    from overread.runtime.manifest import Manifest

INTENSITIES = {"gray": 1, "rgb": 3}
"""Channels that the network sees where colour is converted."""


def faults(manifest: Manifest) -> Iterator[str]:
    """Every fault as ``key: found, expected``; nothing where the manifest is sound."""
    task = TASKS[manifest.task]
    if manifest.channels and manifest.channels[0].prior:
        yield f"channels: found prior on the first, {manifest.channels[0].name!r}, expected it on later ones alone"
    yield from _labels(manifest, task)
    yield from _known_labels(manifest, task)
    yield from _by_answer(manifest, task)
    yield from _grid(manifest, task)
    measured = list(structures(manifest.labels, manifest.regions)) if task.background else []
    yield from measure_faults(manifest.measures, measured, manifest.preprocess.dimensions)
    size = manifest.windows.size if manifest.windows else manifest.preprocess.size
    yield from view_faults(manifest.views, size, dimensions=manifest.preprocess.dimensions)


def _labels(manifest: Manifest, task: Task) -> Iterator[str]:
    labels = manifest.labels
    if len(labels) < task.fewest_labels:
        yield f"labels: found {len(labels)}, a {manifest.task} package names at least {task.fewest_labels}"
    if task.most_labels is not None and len(labels) > task.most_labels:
        yield f"labels: found {len(labels)}, a {manifest.task} package names at most {task.most_labels}"
    twice = [label for label, n in Counter(labels).items() if n > 1]
    if twice:
        yield f"labels: found {_names(twice)} more than once; every label needs a name of its own"
    if "" in labels:
        yield "labels: found one without a name"


def _known_labels(manifest: Manifest, task: Task) -> Iterator[str]:
    calibration = manifest.calibration
    foreground = manifest.labels[1:] if task.background else manifest.labels
    if manifest.regions:
        foreground = list(manifest.regions)
        if task.answer != "label_map":
            yield f"regions: found {_names(manifest.regions)}; only a label map has them"
        yield from region_faults(manifest.regions, manifest.labels)
    named: dict[str, Iterable[str]] = {
        "operating_points": manifest.operating_points,
        "calibration.scales": calibration.scales,
        "calibration.curves": calibration.curves,
        "calibration.bins": calibration.bins,
        "calibration.volume_ratio": calibration.volume_ratio,
        "calibration.count_difference": calibration.count_difference,
        "calibration.volume_ratios": calibration.volume_ratios,
        "calibration.count_differences": calibration.count_differences,
        "calibration.value_residuals": calibration.value_residuals,
        "calibration.reasons": calibration.reasons,
        "calibration.measures": calibration.measures,
        "counted_labels": manifest.counted_labels,
        "postprocess": manifest.postprocess,
        "uncertainty.quality": manifest.uncertainty.quality,
    }
    for key, given in named.items():
        unknown = [label for label in given if label not in foreground]
        if unknown:
            yield f"{key}: found {_names(unknown)}, expected some of {_names(foreground)}"


def _by_answer(manifest: Manifest, task: Task) -> Iterator[str]:
    """What only makes sense with one kind of answer is refused with the others: a number that does nothing misleads."""
    classes, scales = False, False
    match task.answer:
        case "classes":
            classes = True
            yield from _class_points(manifest)
        case "findings" | "objects":
            scales = True
        case "value":
            if manifest.quantity is None:
                yield "quantity: missing; a number needs its unit"
            if manifest.operating_points:
                yield f"operating_points: found {_names(manifest.operating_points)}; a number is not decided"
        case "label_map":
            if manifest.operating_points:
                yield (
                    f"operating_points: found {_names(manifest.operating_points)}; a label map is decided by the "
                    "likeliest label, leave them out"
                )
        case _:
            assert_never(task.answer)
    if task.answer != "value" and manifest.quantity is not None:
        yield f"quantity: found unit {manifest.quantity.unit!r}; only a package that answers with a number has one"
    if not classes and manifest.positive is not None:
        yield f"positive: found {manifest.positive!r}; only a choice between two classes has a positive one"
    if not classes and manifest.calibration.temperature != 1:
        yield f"calibration.temperature: found {manifest.calibration.temperature}; only classes have one"
    if manifest.calibration.vector and (
        not classes or len(manifest.calibration.vector) != len(manifest.labels)
    ):
        yield (
            f"calibration.vector: found {len(manifest.calibration.vector)} scales; only classes have them, one a label"
        )
    curves = manifest.calibration.curves
    if classes and curves and (list(curves) != [manifest.positive] or len(manifest.labels) != 2):
        yield f"calibration.curves: found {_names(curves)}; of classes only the positive one of two has one"
    if not scales and not classes and curves:
        yield f"calibration.curves: found {_names(curves)}; only findings and two classes have them"
    if not scales and manifest.calibration.scales:
        yield f"calibration.scales: found {_names(manifest.calibration.scales)}; only findings and objects have them"


def _class_points(manifest: Manifest) -> Iterator[str]:
    positive, points, labels = manifest.positive, manifest.operating_points, manifest.labels
    if TASKS[manifest.task].ordered:
        yield from _grade_points(manifest)
        return
    if positive is not None and len(labels) != 2:
        yield (
            f"positive: found {positive!r} with {len(labels)} labels; only a choice between two classes has a "
            "positive one"
        )
    elif positive is not None and positive not in labels:
        yield f"positive: found {positive!r}, expected one of {_names(labels)}"
    if len(points) > 1 and (len(labels) == 2 or set(points) != set(labels)):
        yield (
            f"operating_points: found {_names(points)}; a choice between classes has at most one, or one for each of "
            "more than two classes"
        )
    elif len(points) > 1 and min(point.threshold for point in points.values()) <= 0:
        yield "operating_points: found a threshold of 0 or less; of several classes each must be above 0"
    elif positive is not None and points and positive not in points:
        yield f"operating_points: found {_names(points)}, expected the positive class {positive!r}"


def _grade_points(manifest: Manifest) -> Iterator[str]:
    positive, points, higher = manifest.positive, manifest.operating_points, manifest.labels[1:]
    if positive is not None and positive not in higher:
        yield f"positive: found {positive!r}, expected the lowest of the grades that count so, one of {_names(higher)}"
    if set(points) - {positive}:
        yield f"operating_points: found {_names(points)}, expected the positive grade {positive!r} or none"


def _grid(manifest: Manifest, task: Task) -> Iterator[str]:
    spec, limits, windows = manifest.preprocess, manifest.limits, manifest.windows
    if windows is not None and not task.local:
        yield f"windows: found size {windows.size}; a {manifest.task} network sees the whole image, leave them out"
    given = {
        "preprocess.spacing": spec.spacing,
        "preprocess.size": spec.size,
        "windows.size": windows.size if windows else None,
        "limits.size": limits.size,
        "limits.spacing_mm": limits.spacing_mm,
    }
    for key, values in given.items():
        if values is not None and len(values) != spec.dimensions:
            yield f"{key}: found {len(values)} entries, expected one for each of {spec.dimensions} axes"
    expected = INTENSITIES.get(spec.color, len(manifest.channels))
    if len(spec.intensity) != expected:
        yield f"preprocess.intensity: found {len(spec.intensity)} entries, expected {expected}: one a channel"
    if limits.grey_values and len(limits.grey_values) != expected:
        yield f"limits.grey_values: found {len(limits.grey_values)} entries, expected {expected}: one a channel"


def _names(labels: Iterable[str]) -> str:
    return ", ".join(map(repr, labels))
