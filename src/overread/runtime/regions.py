"""Regions: structures that may lie in one another, each answered yes or no, painted into one label map.

Of a brain tumour the whole, its core and what takes up contrast are what is asked for and judged (Menze 2015, doi
10.1109/TMI.2014.2377694); a network that answers these learns them better than the rings between them (Isensee 2020,
arXiv 2011.00848). The label map is painted region by region, as listed, each over those before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.settings import Strict

HALF = 0.5


class Region(Strict):
    """The ``labels`` of the mask that make one region up, and the one that the region ``paints`` where it is found.

    The first region is the outermost: what a later one paints lies over it.
    """

    labels: list[str]
    paints: str


def as_regions(given: Mapping[str, Any]) -> dict[str, Any]:
    """Regions as a person may write them: a list of labels stands for a region that paints the first that no later
    region has."""
    lists = {name: of for name, of in given.items() if isinstance(of, list)}
    made: dict[str, Any] = {}
    for i, (name, of) in enumerate(given.items()):
        later = [
            label
            for other in list(given.values())[i + 1 :]
            for label in (
                other if isinstance(other, list) else getattr(other, "labels", None) or other["labels"]
            )
        ]
        own = [label for label in of if label not in later] if name in lists else []
        made[name] = {"labels": of, "paints": (own or of or [""])[0]} if name in lists else of
    return made


def judged(labels: Sequence[str], regions: Mapping[str, Region]) -> list[str]:
    """The names of what is measured and judged, the background first: the regions, or the mask's labels."""
    return [labels[0], *regions] if regions else list(labels)


def region_faults(regions: Mapping[str, Region], labels: Sequence[str]) -> Iterator[str]:
    """What is wrong with ``regions`` of the mask's ``labels``, the background first; one sentence each."""
    for name, region in regions.items():
        unknown = [label for label in region.labels if label not in labels[1:]]
        if unknown or not region.labels:
            found = repr(unknown[0]) if unknown else "no labels"
            yield f"regions.{name}: found {found}, expected some of {', '.join(labels[1:])}"
        elif region.paints not in region.labels:
            yield (
                f"regions.{name}: paints {region.paints!r}, expected one of its own labels {', '.join(region.labels)}"
            )
    nameless = [n for n in regions if n in ("", labels[0])]
    if nameless:
        yield f"regions: found the name {nameless[0]!r}, which is the background's; expected one of its own"
    painted = [region.paints for region in regions.values()]
    twice = next((p for p in painted if painted.count(p) > 1), None)
    if twice is not None:
        yield f"regions: {twice!r} is painted by two of them, expected a label of its own for each"
    if regions and len(labels) > 1:
        unseen = [k for k in labels[1:] if not any(k in region.labels for region in regions.values())]
        if unseen:
            yield f"regions: label {unseen[0]!r} is in none of them, expected every label of the mask in one"
    # A region must be read back from the label map as what was found: what lies over it has to be part of it.
    names = list(regions)
    for i, name in enumerate(names):
        for later in names[i + 1 :]:
            over, under = regions[later], regions[name]
            if under.paints in over.labels:
                yield (
                    f"regions.{name}: paints {under.paints!r}, which belongs to {later}, too; expected a label of its "
                    "own, and the outermost region first"
                )
            apart = not set(over.labels) & set(under.labels)
            if not apart and not set(over.labels) <= set(under.labels):
                yield (
                    f"regions.{later}: overlaps {name} and is no part of it; expected regions inside one another or "
                    "apart, the outermost first"
                )


def structures(labels: Sequence[str], regions: Mapping[str, Region]) -> dict[str, tuple[int, ...]]:
    """What is measured and judged, by name, as the values of the mask that make it up: the regions, else each label."""
    if not regions:
        return {name: (value,) for value, name in enumerate(labels) if value}
    at = {name: value for value, name in enumerate(labels)}
    return {name: tuple(sorted(at[k] for k in region.labels)) for name, region in regions.items()}


def spread(mask: NDArray[np.integer], values: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """``(regions, *spatial)``: where each region lies by a label map ``(*spatial)``; ``values`` as of `structures`."""
    return np.stack([np.isin(mask, list(v)) for v in values])


def paint(
    probability: NDArray[np.floating], labels: Sequence[str], regions: Mapping[str, Region]
) -> NDArray[np.uint8]:
    """The label map ``(*spatial)`` of regions found with ``probability (regions, *spatial)`` above a half.

    What is found of an inner region alone is painted, too: it is then part of the outer one by the label map.
    """
    mask = np.zeros(probability.shape[1:], np.uint8)
    for found, region in zip(probability, regions.values(), strict=True):
        mask[found > HALF] = labels.index(region.paints)
    return mask
