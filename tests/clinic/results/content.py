"""Reading the content tree of a report as a PACS would."""

from __future__ import annotations

from pydicom.dataset import Dataset


def items(ds: Dataset) -> list[Dataset]:
    """Every content item that stands in the tree by value, depth first."""
    out = []
    for item in ds.get("ContentSequence", []):
        if "ValueType" in item:
            out += [item, *items(item)]
    return out


def concept(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def coded(ds: Dataset, name: str) -> list[tuple[str, str]]:
    """Scheme and value of every CODE item of that name."""
    found = [i for i in items(ds) if i.ValueType == "CODE" and concept(i) == name]
    return [
        (i.ConceptCodeSequence[0].CodingSchemeDesignator, i.ConceptCodeSequence[0].CodeValue) for i in found
    ]


def numbers(ds: Dataset) -> dict[str, tuple[float, str]]:
    """Value and unit of every NUM item by name; of a name that comes twice the first."""
    found: dict[str, tuple[float, str]] = {}
    for i in items(ds):
        if i.ValueType == "NUM":
            value = i.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            found.setdefault(concept(i), (float(value.NumericValue), unit))
    return found


def groups(ds: Dataset) -> dict[str, Dataset]:
    """The measurement groups by their tracking identifier, in order."""
    found = [i for i in items(ds) if i.ValueType == "CONTAINER" and concept(i) == "Measurement Group"]
    named = {
        next(str(i.TextValue) for i in items(g) if concept(i) == "Tracking Identifier"): g for g in found
    }
    assert len(named) == len(found)
    return named


def template(group: Dataset) -> str:
    """Template identifier of a group."""
    return str(group.ContentTemplateSequence[0].TemplateIdentifier)


def finding(group: Dataset) -> tuple[tuple[str, str] | None, tuple[str, str]]:
    """Category and type of what a group is about, scheme and value each."""
    category = coded(group, "Finding category")
    return category[0] if category else None, coded(group, "Finding")[0]
