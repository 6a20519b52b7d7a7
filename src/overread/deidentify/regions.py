"""Which parts of which images hold burned-in text, as a person has declared it in a YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from overread.errors import InputError
from overread.files import canonical_json
from overread.parse import parse_yaml

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are the first column and row outside."""


@dataclass(frozen=True)
class Region:
    """Boxes of every image whose attributes equal ``match`` (one of the values, where several are given)."""

    match: tuple[tuple[str, frozenset[str]], ...]
    boxes: tuple[Box, ...]

    def fits(self, dataset: Dataset) -> bool:
        """Whether the boxes are declared for this image."""
        return all(_text(dataset.get(keyword)) in wanted for keyword, wanted in self.match)


def load_regions(path: Path) -> tuple[Region, ...]:
    """The regions declared in a YAML file: a list of ``{match: {KEYWORD: VALUE}, boxes: [[x0, y0, x1, y1]]}``.

    Raises
    ------
    InputError
        No such file, no YAML, or an entry of another form.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    entries = parse_yaml(content, str(path))
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: expected a list of entries with match and boxes")
    return tuple(_region(entry, f"{path}: entry {i}") for i, entry in enumerate(entries, 1))


def written(regions: Sequence[Region]) -> str:
    """One text for declarations that blank the same, whatever their order."""
    return canonical_json(
        sorted([sorted((k, sorted(v)) for k, v in r.match), sorted(r.boxes)] for r in regions)
    )


def boxes_for(regions: Sequence[Region], dataset: Dataset) -> tuple[Box, ...]:
    """All boxes declared for an image."""
    return tuple(box for region in regions if region.fits(dataset) for box in region.boxes)


def _region(entry: Any, where: str) -> Region:
    if not isinstance(entry, dict) or set(entry) != {"match", "boxes"}:
        raise InputError(f"{where}: expected the two keys match and boxes")
    match, boxes = entry["match"], entry["boxes"]
    if not isinstance(match, dict) or not match:
        raise InputError(f"{where}: match names no attribute; give at least one, such as Modality: US")
    for keyword in match:
        if not isinstance(keyword, str) or tag_for_keyword(keyword) is None:
            raise InputError(f"{where}: {keyword!r} is not a DICOM keyword")
    if not isinstance(boxes, list) or not boxes:
        raise InputError(f"{where}: boxes is empty; give at least one [x0, y0, x1, y1]")
    for box in boxes:
        whole = isinstance(box, list) and len(box) == 4 and all(type(v) is int and v >= 0 for v in box)
        if not whole or not (box[0] < box[2] and box[1] < box[3]):
            raise InputError(
                f"{where}: box {box!r}; expected [x0, y0, x1, y1] in pixels with x0 < x1 and y0 < y1"
            )
    wanted = tuple(
        (k, frozenset(_text(v) for v in (value if isinstance(value, list) else [value])))
        for k, value in match.items()
    )
    return Region(wanted, tuple((b[0], b[1], b[2], b[3]) for b in boxes))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        return "\\".join(_text(v) for v in value)
    return str(value).strip().casefold()
