"""Key object selection: points to where something was found, and to the run's report."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from tests.clinic.results.content import items
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import BRIGHT, write_segmenter, write_series


def referred(tmp_path: Path, bright: bool) -> tuple[set[str], str, str]:
    files = write_series(tmp_path / "in", bright=bright)
    made_of = material(write_segmenter(tmp_path / "p.overread"), files, objects=["sr", "key"])
    made = all_objects(made_of, tmp_path / "out")
    ds = dcmread(made["key"])
    found = {
        str(i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for i in items(ds)
        if "ReferencedSOPSequence" in i
    }
    assert ds.ConceptNameCodeSequence[0].CodeValue == "113000"
    words = next(i.TextValue for i in items(ds) if i.ValueType == "TEXT" and "AI" in i.TextValue)
    return found, str(dcmread(made["sr"]).SOPInstanceUID), words


def test_images_with_a_finding(tmp_path: Path) -> None:
    found, report, words = referred(tmp_path, True)
    assert found == {f"1.2.3.1.{k + 1}" for k in range(BRIGHT[2].start, BRIGHT[2].stop)} | {report}
    assert words == "lesion found - block finder 1.2 AI"


def test_nothing_found_points_to_the_report(tmp_path: Path) -> None:
    found, report, words = referred(tmp_path, False)
    assert found == {"1.2.3.1.1", report}
    assert "Nothing found" in words
