"""From the planes of a series to stacks: localizers out, repetitions out, several volumes told apart.

A stack is one volume, or several on the same slices: echoes, b-values, time points (PS3.3 C.8.3.1, C.8.13).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from pydicom import Dataset

from overread.errors import InputError
from overread.imaging.dicom.geometry import (
    ORIENTATION_TOLERANCE,
    SPACING_ABSOLUTE,
    normal,
    position,
    same_spacing,
    sort_planes,
)
from overread.imaging.dicom.pixels import read_pixels
from overread.imaging.dicom.planes import Plane
from overread.imaging.dicom.values import first_item, private_value, raw_value, tag_of, text

SAME_POSITION = 1e-3
"""Planes closer than this along the normal, mm, lie at one position."""
NAMED = 6
"""So many names in one message."""

FRAME, CARDIAC = "FrameContentSequence", "CardiacSynchronizationSequence"
TIMING = "MRTimingAndRelatedParametersSequence"
DIFFUSION, GRADIENT = "MRDiffusionSequence", "DiffusionGradientDirectionSequence"
KEYS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("TemporalPositionIdentifier", "time point", ("",)),
    ("TemporalPositionIndex", "time point", (FRAME,)),
    ("EchoTime", "echo time in ms", ("",)),
    ("EffectiveEchoTime", "echo time in ms", ("MREchoSequence",)),
    ("DiffusionBValue", "b-value in s/mm2", ("", DIFFUSION)),
    ("InversionTime", "inversion time in ms", ("",)),
    ("InversionTimes", "inversion time in ms", ("MRModifierSequence",)),
    ("FlipAngle", "flip angle in degrees", ("", TIMING)),
    ("TriggerTime", "trigger time in ms", ("",)),
    ("NominalCardiacTriggerDelayTime", "trigger delay in ms", (CARDIAC,)),
    ("NominalPercentageOfCardiacPhase", "cardiac phase in percent", ("", CARDIAC)),
    ("FrameReferenceTime", "frame reference time in ms", ("",)),
    ("TemporalPositionTimeOffset", "time offset in s", ("TemporalPositionSequence",)),
    ("ImageType", "image type", ("",)),
    ("FrameType", "image type", ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence")),
    ("ComplexImageComponent", "component", ("", "MRImageFrameTypeSequence")),
    ("EchoNumbers", "echo number", ("",)),
    ("KVP", "tube voltage in kV", ("",)),
    ("ConvolutionKernel", "kernel", ("",)),
    ("StackID", "stack", (FRAME,)),
    ("AcquisitionNumber", "acquisition", ("",)),
    ("FrameAcquisitionNumber", "acquisition", (FRAME,)),
    ("FrameAcquisitionDateTime", "acquisition date and time", (FRAME,)),
    ("AcquisitionDateTime", "acquisition date and time", ("",)),
    ("AcquisitionTime", "acquisition time", ("",)),
    ("DiffusionGradientOrientation", "gradient direction", ("", GRADIENT, f"{DIFFUSION}/{GRADIENT}")),
)
"""What tells volumes on the same slices apart: keyword, meaning, and where it may stand ("" for no sequence)."""
PRIVATE = (
    ("b-value in s/mm2", 0x0019, "SIEMENS MR HEADER", 0x0C),
    ("b-value in s/mm2", 0x0043, "GEMS_PARM_01", 0x39),
    ("b-value in s/mm2", 0x2001, "Philips Imaging DD 001", 0x03),
    ("gradient direction", 0x0019, "SIEMENS MR HEADER", 0x0E),
)


@dataclass(frozen=True)
class Stack:
    """Volumes on the same slices, each a list of planes along the normal.

    ``labels`` has one name per volume, ``dimension`` what tells them apart; both are empty for one volume.
    """

    volumes: tuple[tuple[Plane, ...], ...]
    labels: tuple[str, ...] = ()
    dimension: str = ""
    values: tuple[Hashable, ...] = ()
    notes: tuple[str, ...] = ()


def without_localizers(planes: list[Plane]) -> tuple[list[Plane], tuple[str, ...]]:
    """The planes without localizers that lie in the series of others, by Image Type (PS3.3 C.8.2.1.1.1).

    Left alone where all are localizers, or where they are turned and sized like the others.
    """
    scouts = [p for p in planes if _is_localizer(p.dataset)]
    if not scouts or len(scouts) == len(planes):
        return planes, ()
    others = [p for p in planes if not any(p is s for s in scouts)]
    if all(_alike(s, others[0]) for s in scouts):
        return planes, ()
    return others, (f"localizer left out: {_names(scouts)}",)


def _is_localizer(dataset: Dataset) -> bool:
    found = raw_value(dataset, "ImageType")
    return b"LOCALIZER" in found[0] if found else "LOCALIZER" in str(dataset.get("ImageType", ""))


def groups_of(planes: Sequence[Plane]) -> list[list[Plane]]:
    """Planes of one size, orientation and pixel spacing each; what has no place is by itself, file by file."""
    groups: list[list[Plane]] = []
    for plane in planes:
        if plane.position is not None and plane.orientation is not None:
            group = next((g for g in groups if _alike(plane, g[0])), None)
        else:
            group = next((g for g in groups if g[0].dataset is plane.dataset), None)
        if group is None:
            groups.append([plane])
        else:
            group.append(plane)
    return groups


def _alike(plane: Plane, other: Plane) -> bool:
    if plane.orientation is None or other.orientation is None or other.position is None:
        return False
    turned = np.abs(plane.orientation - other.orientation).max() > ORIENTATION_TOLERANCE
    return plane.shape == other.shape and not turned and same_spacing(plane, other)


def stack_of(planes: Sequence[Plane]) -> Stack:
    """Planes that are alike, as one stack.

    Identical repetitions are dropped and noted. Raises InputError where images lie at one position and nothing
    tells volumes apart, or where a volume lacks slices that another has.
    """
    places = _places(planes)
    if all(len(p) == 1 for p in places):
        return Stack((tuple(p[0] for p in places),))
    stack = _by_attributes(places)
    if stack is not None:
        return stack
    places, dropped = _without_doubles(places)
    if all(len(p) == 1 for p in places):
        return Stack((tuple(p[0] for p in places),), notes=dropped)
    stack = _by_attributes(places) or _by_instance_number(places)
    if stack is not None:
        return Stack(stack.volumes, stack.labels, stack.dimension, stack.values, (*dropped, *stack.notes))
    raise _undecided(places)


def _places(planes: Sequence[Plane]) -> list[list[Plane]]:
    """Planes by position along the normal, ascending."""
    ordered = sort_planes(planes)
    heights = np.array([position(p) for p in ordered]) @ normal(ordered[0])
    cuts = np.flatnonzero(np.diff(heights) > SAME_POSITION) + 1
    return [ordered[a:b] for a, b in zip([0, *cuts], [*cuts, len(ordered)], strict=True)]


def _without_doubles(places: list[list[Plane]]) -> tuple[list[list[Plane]], tuple[str, ...]]:
    kept, dropped = [], []
    for place in places:
        left = place[:1]
        for plane in place[1:]:
            if any(_identical(plane, other) for other in left):
                dropped.append(plane)
            else:
                left.append(plane)
        kept.append(left)
    return kept, (f"identical duplicates dropped: {_names(dropped)}",) if dropped else ()


def _identical(plane: Plane, other: Plane) -> bool:
    if np.linalg.norm(position(plane) - position(other)) > SPACING_ABSOLUTE:
        return False
    return np.array_equal(read_pixels(plane)[0], read_pixels(other)[0])


def _by_attributes(places: list[list[Plane]]) -> Stack | None:
    """The volumes, by one attribute or by two that together name each image of a position once."""
    counts = {len(p) for p in places}
    if len(counts) > 1 or not _in_line(places):
        return None
    found: dict[str, list[list[Hashable]]] = {}
    for name, value in _readers():
        values = [[value(plane) for plane in place] for place in places]
        if len({v for row in values for v in row}) > 1 and name not in found:
            found[name] = values
    for names in (*combinations(found, 1), *combinations(found, 2)):
        rows = [list(zip(*(found[n][k] for n in names), strict=True)) for k in range(len(places))]
        wanted = Counter(rows[0])
        if max(wanted.values()) == 1 and all(Counter(row) == wanted for row in rows):
            order = sorted(wanted, key=_sort_key)
            volumes = tuple(
                tuple(place[row.index(value)] for place, row in zip(places, rows, strict=True))
                for value in order
            )
            labels = tuple(", ".join(f"{n} {_word(v)}" for n, v in zip(names, o, strict=True)) for o in order)
            each: tuple[Hashable, ...] = tuple(o[0] if len(o) == 1 else o for o in order)
            dimension = " and ".join(names)
            note = f"{len(order)} volumes on the same slices became channels, told apart by {dimension}"
            return Stack(volumes, labels, dimension, each, (note,))
    return None


def _in_line(places: list[list[Plane]]) -> bool:
    """Whether images at one position also lie on one another, not beside."""
    return all(
        float(np.linalg.norm(position(plane) - position(place[0]))) <= SPACING_ABSOLUTE
        for place in places
        for plane in place[1:]
    )


def _by_instance_number(places: list[list[Plane]]) -> Stack | None:
    """Volumes that follow one another in Instance Number, each running through all slices in one sense."""
    count = len(places[0])
    if {len(p) for p in places} != {count} or not _in_line(places):
        return None
    numbered = []
    for k, place in enumerate(places):
        for plane in place:
            number = text(plane.dataset, "InstanceNumber")
            if not number.lstrip("+-").isdigit():
                return None
            numbered.append((int(number), k, plane))
    if len({n for n, _, _ in numbered}) < len(numbered):
        return None
    numbered.sort(key=lambda x: x[0])
    depth = len(places)
    blocks = [numbered[t * depth : (t + 1) * depth] for t in range(count)]
    runs = {tuple(k for _, k, _ in block) for block in blocks}
    if depth < 2 or len(runs) != 1 or runs.pop() not in (tuple(range(depth)), tuple(range(depth))[::-1]):
        return None
    volumes = tuple(tuple(p for _, _, p in sorted(block, key=lambda x: x[1])) for block in blocks)
    note = (
        f"{count} volumes on the same slices became channels, told apart by InstanceNumber alone: "
        "no attribute says what distinguishes them"
    )
    return Stack(
        volumes,
        tuple(f"volume {t + 1}" for t in range(count)),
        "InstanceNumber",
        tuple(range(count)),
        (note,),
    )


def _undecided(places: list[list[Plane]]) -> InputError:
    counts = Counter(len(p) for p in places)
    usual = counts.most_common(1)[0][0]
    odd = next((p for p in places if len(p) != usual), None)
    if odd is not None and usual > 1:
        return InputError(
            f"incomplete volumes: most positions have {usual} images, but {np.round(position(odd[0]), 3).tolist()} "
            f"has {len(odd)} ({_names(odd)}); send the complete series or give one echo, phase or time point"
        )
    one, two = next(p for p in places if len(p) > 1)[:2]
    return InputError(
        f"duplicate position: {one.name} at {np.round(position(one), 3).tolist()} and "
        f"{two.name} at {np.round(position(two), 3).tolist()} lie in one plane with different "
        "pixels or places; give each echo, phase, time point or tile by itself"
    )


def _readers() -> list[tuple[str, Callable[[Plane], Hashable]]]:
    readers: list[tuple[str, Callable[[Plane], Hashable]]] = []
    for keyword, meaning, where in KEYS:
        readers.append((meaning, lambda p, k=keyword, w=where: _value(p, k, w)))  # type: ignore[misc]
    for meaning, group, creator, element in PRIVATE:
        readers.append((meaning, lambda p, a=(group, creator, element): _private(p, *a)))  # type: ignore[misc]
    return readers


def check_one_sweep(planes: Sequence[Plane]) -> None:
    """Raise InputError where unevenly spaced slices are two stacks pushed into one another.

    Along one stack the instance numbers run one way, and an attribute does not return to a value it had left.
    """
    numbers = [int(n) for p in planes if (n := text(p.dataset, "InstanceNumber")).isdigit()]
    steps = np.sign(np.diff(numbers))
    turns = np.flatnonzero(steps != steps[0]) if len(numbers) == len(planes) and steps.size else np.array([])
    if turns.size and all(p.dataset is not planes[0].dataset for p in planes[1:]):
        raise _mixed(planes, int(turns[0]), "instance number")
    for meaning, value in _readers():
        values = [value(p) for p in planes]
        changes = [k for k in range(1, len(values)) if values[k] != values[k - 1]]
        if len(changes) >= len(set(values)):
            raise _mixed(planes, changes[0] - 1, meaning)


def _mixed(planes: Sequence[Plane], k: int, meaning: str) -> InputError:
    return InputError(
        f"uneven slices of more than one stack: {meaning} goes to and fro along them, as between "
        f"{planes[k].name} and {planes[k + 1].name}; give each stack by itself"
    )


def _value(plane: Plane, keyword: str, paths: tuple[str, ...]) -> Hashable:
    for group in plane.groups:
        for path in paths:
            holder: Dataset | None = group
            for sequence in filter(None, path.split("/")):
                holder = None if holder is None else first_item(holder, sequence)
            if holder is not None and holder.get_item(tag_of(keyword)) is not None:
                return _plain(text(holder, keyword))
    return ""


def _private(plane: Plane, group: int, creator: str, element: int) -> Hashable:
    value = private_value(plane.dataset, group, creator, element)
    return "" if value is None else _plain(value)


def _plain(value: object) -> Hashable:
    """A value that compares: numbers as float, everything else as text."""
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)


def _sort_key(values: tuple[Hashable, ...]) -> list[tuple[bool, float, str]]:
    return [(True, v, "") if isinstance(v, float) else (False, 0.0, str(v)) for v in values]


def _word(value: Hashable) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _names(planes: Sequence[Plane]) -> str:
    more = f" and {len(planes) - NAMED} more" if len(planes) > NAMED else ""
    return ", ".join(p.name for p in planes[:NAMED]) + more
