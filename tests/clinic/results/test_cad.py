"""CAD SR: a tree that its own references fit, and detections told apart by how they ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.clinic.outside import run
from tests.clinic.results.content import coded, concept, items
from tests.clinic.results.made import all_objects, material
from tests.clinic.results.test_objects import CT, MG, one
from tests.clinic.site import BRIGHT_BOX, write_classifier, write_detector, write_series

from overread.clinic.results.failure import Failure


def at(root: Dataset, path: list[int]) -> Dataset:
    """The content item at a path that counts from the root as 1."""
    item = root
    for n in path[1:]:
        item = item.ContentSequence[n - 1]
    return item


def cad(tmp_path: Path, files: list[Path], result: Any = None, dimensions: int = 3) -> tuple[Dataset, Path]:
    package = write_detector(tmp_path / "p.overread", dimensions=dimensions)
    path = all_objects(material(package, files, result, objects=["cad"]), tmp_path / "out")["cad"]
    return dcmread(path), path


@pytest.mark.parametrize("kind", ["mammogram", "chest"])
def test_findings_lie_on_their_image(tmp_path: Path, kind: str) -> None:
    files = one(tmp_path / "in", **MG) if kind == "mammogram" else write_series(tmp_path / "in", **CT)
    ds, path = cad(tmp_path, files, dimensions=2 if kind == "mammogram" else 3)
    assert coded(ds, "CAD Processing and Findings Summary") == [("DCM", "111242")]
    assert coded(ds, "Summary of Detections") == [("DCM", "111222")]
    assert coded(ds, "Summary of Analyses") == [("DCM", "111225")]
    outline = next(i for i in items(ds) if i.ValueType == "SCOORD" and concept(i) == "Outline")
    (c0, r0, _), (c1, _, _) = BRIGHT_BOX
    assert outline.GraphicData[:4] == pytest.approx([c0, r0, c1, r0], abs=1e-3)
    image = at(ds, list(outline.ContentSequence[0].ReferencedContentItemIdentifier))
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.1.3"
    for item in [i for i in walk(ds) if "ReferencedContentItemIdentifier" in i]:
        assert at(ds, list(item.ReferencedContentItemIdentifier)).ValueType == "IMAGE"
    dump = run("dsrdump", path)
    assert "Nodule" in dump if kind == "chest" else "Left breast" in dump


def walk(ds: Dataset) -> list[Dataset]:
    out = []
    for item in ds.get("ContentSequence", []):
        out += [item, *walk(item)]
    return out


def test_without_findings_and_failed(tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", bright=False, **CT)
    ds, _ = cad(tmp_path, files)
    assert coded(ds, "CAD Processing and Findings Summary") == [("DCM", "111241")]
    ds, _ = cad(tmp_path, files, Failure("GRID", "slices are missing"))
    assert coded(ds, "CAD Processing and Findings Summary") == [("DCM", "111245")]
    assert coded(ds, "Summary of Detections") == [("DCM", "111224")]


def test_none_for_other_packages_and_body_parts(tmp_path: Path) -> None:
    classifier = write_classifier(tmp_path / "c.overread")
    files = write_series(tmp_path / "in", **CT)
    assert "cad" not in all_objects(material(classifier, files, objects=["cad", "sr"]), tmp_path / "a")
    head = write_series(tmp_path / "head", **{**CT, "BodyPartExamined": "HEAD"})
    made_of = material(write_detector(tmp_path / "p.overread"), head, objects=["cad", "sr"])
    assert "cad" not in all_objects(made_of, tmp_path / "b")
