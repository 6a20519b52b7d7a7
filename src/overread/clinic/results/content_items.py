"""Content items as plain data sets, for trees that refer to their own nodes (PS3.3 C.17.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom.sr.coding import Code
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat


def coded(code: Code) -> Dataset:
    """Code Sequence item (PS3.3 table 8.8-1)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = (
        code.value,
        code.scheme_designator,
        code.meaning,
    )
    return item


def node(kind: str, relation: str, name: Code | None = None, children: Sequence[Dataset] = ()) -> Dataset:
    """A content item of Value Type ``kind`` under its parent by ``relation``; the root has no relation."""
    item = Dataset()
    if relation:
        item.RelationshipType = relation
    item.ValueType = kind
    if name is not None:
        item.ConceptNameCodeSequence = [coded(name)]
    if kind == "CONTAINER":
        item.ContinuityOfContent = "SEPARATE"
    if children:
        item.ContentSequence = list(children)
    return item


def container(relation: str, name: Code, children: Sequence[Dataset]) -> Dataset:
    """CONTAINER item."""
    return node("CONTAINER", relation, name, children)


def code_item(relation: str, name: Code, value: Code, children: Sequence[Dataset] = ()) -> Dataset:
    """CODE item."""
    item = node("CODE", relation, name, children)
    item.ConceptCodeSequence = [coded(value)]
    return item


def text_item(relation: str, name: Code, value: str) -> Dataset:
    """TEXT item."""
    item = node("TEXT", relation, name)
    item.TextValue = value
    return item


def number_item(relation: str, name: Code, value: float, unit: Code) -> Dataset:
    """NUM item of six significant digits."""
    measured = Dataset()
    measured.NumericValue = DSfloat(float(f"{value:.6g}"), auto_format=True)
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    item = node("NUM", relation, name)
    item.MeasuredValueSequence = [measured]
    return item


def date_item(relation: str, name: Code, kind: str, value: str) -> Dataset:
    """DATE or TIME item."""
    item = node(kind, relation, name)
    setattr(item, kind.title(), value)
    return item


def image_item(relation: str, header: Dataset, children: Sequence[Dataset] = ()) -> Dataset:
    """IMAGE item without a name."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = (
        header.SOPClassUID,
        header.SOPInstanceUID,
    )
    item = node("IMAGE", relation, None, children)
    item.ReferencedSOPSequence = [reference]
    return item


def points_item(
    relation: str, name: Code, kind: str, points: NDArray[Any], children: Sequence[Dataset]
) -> Dataset:
    """SCOORD item of ``(n, 2)`` points ``(column, row)``."""
    item = node("SCOORD", relation, name, children)
    item.GraphicType = kind
    item.GraphicData = np.asarray(points, np.float32).ravel().tolist()
    return item


def reference(relation: str, path: Sequence[int]) -> Dataset:
    """By-reference relationship to the node at ``path``, counted from 1 with the root as 1 (C.17.3.2.5)."""
    item = Dataset()
    item.RelationshipType = relation
    item.ReferencedContentItemIdentifier = list(path)
    return item
