"""All objects of a run: valid for others, each by itself, the same again, and clean beside their source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from tests.clinic.outside import dicom_errors, entity_faults
from tests.clinic.results.content import coded
from tests.clinic.results.made import all_objects, material
from tests.clinic.results.multiframe import write_enhanced
from tests.clinic.site import (
    write_classifier,
    write_detector,
    write_multilabel,
    write_segmenter,
    write_series,
)

from overread.clinic.results.failure import Failure
from overread.clinic.results.names import OBJECT_NAMES, PLACES
from overread.clinic.results.objects import OBJECTS, make_objects
from overread.errors import InputError
from overread.runtime.manifest import Limits
from overread.runtime.package import Package

LOCAL = {"seg", "map", "capture", "sr", "presentation", "pdf", "key"}
WHOLE = LOCAL - {"seg", "map"}
CT = {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "BodyPartExamined": "CHEST"}
MG = {
    "Modality": "MG",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2",
    "ImageLaterality": "L",
    "ViewPosition": "CC",
    "PatientOrientation": ["A", "R"],
}


def plane_detector(path: Path) -> Package:
    return write_detector(path, dimensions=2)


def one(folder: Path, **attributes: Any) -> list[Path]:
    return write_series(folder, slices=1, start=2, **attributes)


CASES: dict[str, tuple[Callable[[Path], Package], Callable[[Path], list[Path]], dict[str, Any], set[str]]] = {
    "binary": (write_segmenter, write_series, {}, LOCAL),
    "fractional": (write_segmenter, write_series, {"segmentation": "fractional"}, LOCAL),
    "label map": (write_segmenter, write_series, {"segmentation": "labelmap"}, LOCAL),
    "nothing found": (write_segmenter, lambda f: write_series(f, bright=False), {}, LOCAL - {"seg"}),
    "no frame of reference": (write_segmenter, lambda f: write_series(f, frame=""), {}, LOCAL),
    "classes": (write_classifier, write_series, {"identity": True}, WHOLE),
    "findings": (write_multilabel, write_series, {}, WHOLE),
    "objects": (write_detector, write_series, {}, WHOLE),
    "mammogram": (plane_detector, lambda f: one(f, **MG), {}, WHOLE | {"cad"}),
    "chest": (write_detector, lambda f: write_series(f, **CT), {}, WHOLE | {"cad"}),
}


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid_and_clean_beside_its_source(tmp_path: Path, case: str) -> None:
    package, series, settings, expected = CASES[case]
    files = series(tmp_path / "in")
    made = all_objects(material(package(tmp_path / "p.overread"), files, **settings), tmp_path / "out")
    assert set(made) == expected
    assert {name: dicom_errors(path) for name, path in made.items()} == {name: [] for name in made}
    assert entity_faults(*files, *made.values()) == []


def test_of_an_object_of_many_frames(tmp_path: Path) -> None:
    source = write_enhanced(tmp_path / "enhanced.dcm", [3, 0, 5, 1, 4, 2])
    made = all_objects(material(write_segmenter(tmp_path / "p.overread"), [source]), tmp_path / "out")
    assert {name: dicom_errors(path) for name, path in made.items()} == {name: [] for name in made}


@pytest.mark.parametrize("failed", [True, False])
def test_what_was_not_answered_is_told(tmp_path: Path, failed: bool) -> None:
    package = write_classifier(tmp_path / "p.overread", Limits(modality=["CT"]))
    files = write_series(tmp_path / "in")
    result = Failure("GRID", "slices are missing") if failed else None
    made = all_objects(material(package, files, result), tmp_path / "out")
    assert set(made) == ({"sr", "pdf", "key"} if failed else {"sr", "pdf", "key", "capture"})
    assert {name: dicom_errors(path) for name, path in made.items()} == {name: [] for name in made}
    assert coded(dcmread(made["sr"]), "Summary of Analyses") == [("DCM", "111224" if failed else "111225")]


def test_the_same_run_makes_the_same_bytes(tmp_path: Path) -> None:
    package, files = write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in")
    first, second = (all_objects(material(package, files), tmp_path / n) for n in "ab")
    assert {n: p.read_bytes() for n, p in first.items()} == {n: p.read_bytes() for n, p in second.items()}
    uids = [dcmread(p) for p in first.values()]
    assert len({u.SOPInstanceUID for u in uids}) == len({u.SeriesInstanceUID for u in uids}) == len(first)


@pytest.mark.parametrize("broken", OBJECT_NAMES)
def test_a_fault_of_one_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    def fail(_: Any) -> None:
        raise InputError("odd geometry")

    monkeypatch.setitem(OBJECTS, broken, fail)
    made = make_objects(material(write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in")))
    assert len(made.faults) == 1 and made.faults[0].endswith(": odd geometry")
    assert set(made.datasets) == {PLACES[name].file for name in OBJECT_NAMES if name in LOCAL - {broken}}


def test_a_full_disk_is_no_fault_of_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise OSError(28, "No space left on device")

    made_of = material(write_classifier(tmp_path / "p.overread"), write_series(tmp_path / "in"))
    monkeypatch.setitem(OBJECTS, "sr", fail)
    with pytest.raises(OSError, match="No space"):
        make_objects(made_of)


def test_patient_comes_byte_for_byte_with_its_character_set(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    files = write_series(tmp_path / "in", SpecificCharacterSet="ISO_IR 192", PatientName="山田^太郎")
    source = dcmread(files[0])
    for path in all_objects(material(package, files), tmp_path / "out").values():
        ds = dcmread(path)
        assert ds.SpecificCharacterSet == source.SpecificCharacterSet
        assert ds.get_item("PatientName").value == source.get_item("PatientName").value
        assert (ds.StudyInstanceUID, ds.AccessionNumber) == (source.StudyInstanceUID, source.AccessionNumber)
        assert ds.SeriesDescription.endswith(" AI")
        versions = [str(e.get("SoftwareVersions", "")) for e in ds.ContributingEquipmentSequence]
        assert "1.2" in versions
