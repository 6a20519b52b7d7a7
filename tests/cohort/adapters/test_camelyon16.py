"""CAMELYON16 in its two published layouts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cohort.layouts import Damage, added, edited, fault, gone, moved, refused, task_of, text, waits
from tests.cohort.slides import slide

from overread.cohort.adapters.camelyon16 import import_camelyon16
from overread.imaging.slides.slide import read_slide

XML = (
    '<?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="_0" Type="Polygon" PartOfGroup="_0">',
    '<Coordinates><Coordinate Order="0" X="5" Y="6"/></Coordinates></Annotation></Annotations></ASAP_Annotations>',
)
REFERENCE = ("test_001,Tumor,IDC,Macro", "test_002,Normal,None,None", "test_049,Normal,None,None")


def _folder(root: Path, flat: bool = False, test: bool = True) -> Path:
    """Twelve training slides of either kind, and the test slides without the one that was removed."""
    for n in range(1, 13):
        for word in ("normal", "tumor"):
            place = root / "images" if flat else root / "training" / word
            slide(place / f"{word}_{n:03d}.tif", n)
        text(root / ("annotations" if flat else "training/lesion_annotations") / f"tumor_{n:03d}.xml", *XML)
    if test:
        for n in (1, 2):
            slide((root if flat else root / "testing") / "images" / f"test_{n:03d}.tif", 100 + n)
        text(root / ("annotations" if flat else "testing/lesion_annotations") / "test_001.xml", *XML)
        text(root / ("evaluation" if flat else "testing") / "reference.csv", *REFERENCE)
    return root


def test_both_layouts(tmp_path: Path) -> None:
    for flat in (False, True):
        folder, out = _folder(tmp_path / f"set{flat}", flat), tmp_path / f"out{flat}"
        import_camelyon16(folder, out)
        cohort = waits(out)
        cases = {c.case: c for c in cohort}
        assert len(cases) == 26 and {c.case for c in cohort.split("test")} == {"test_001", "test_002"}
        assert cases["tumor_003"].label == "tumor" and cases["normal_003"].label == "normal"
        assert (out / cases["tumor_003"].attributes["annotation"]).read_text().startswith(XML[0])
        assert cases["normal_003"].attributes["annotation"] == ""
        assert cases["tumor_010"].attributes["exhaustive"] == "no"
        assert cases["tumor_003"].attributes["exhaustive"] == "yes"
        assert cases["test_001"].label == "tumor" and cases["test_001"].attributes["metastasis"] == "macro"
        assert cases["test_002"].label == "normal" and cases["test_002"].attributes["histology"] == ""
        assert {c.label for c in cohort.split("val")} == {"normal", "tumor"}
        with read_slide(cases["tumor_003"].images["image"]) as opened:
            assert opened.size == (96, 128)
        note = task_of(out)["source"]["note"]
        assert "24 of 270 training slides, 2 of 129 test slides" in note and "own patient" in note


def test_training_alone_is_dealt(tmp_path: Path) -> None:
    import_camelyon16(_folder(tmp_path / "set", test=False), tmp_path / "out")
    cohort = waits(tmp_path / "out")
    assert len(cohort) == 24 and {c.label for c in cohort.split("test")} == {"normal", "tumor"}


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault(
            "word",
            edited("testing/reference.csv", "test_001,Tumor", "test_001,Tumour"),
            "row 'test_001,Tumour,IDC,Macro', expected a slide and Normal or Tumor",
        ),
        fault(
            "no row", added("testing/reference.csv", text, *REFERENCE[:1]), "holds 1 images .*test_002; move"
        ),
        fault(
            "no slide",
            added("testing/reference.csv", text, *REFERENCE, "test_003,Normal,None,None"),
            "lists 1 of 3 images .*test_003; unpack",
        ),
        fault(
            "no outlines of a test slide",
            gone("testing/lesion_annotations/test_001.xml"),
            "testing/lesion_annotations: lacks the outlines of 1 slides .*test_001",
        ),
        fault(
            "no outlines",
            gone("training/lesion_annotations/tumor_004.xml"),
            "training/lesion_annotations: lacks .*tumor_004",
        ),
        fault(
            "no outlines at all",
            moved("training/lesion_annotations", "elsewhere"),
            "no such folder; unpack lesion_annotations.zip",
        ),
        fault(
            "name",
            added("images/patient_001.tif", slide, 5),
            "expected a name such as normal_001",
            layout="flat",
        ),
        fault(
            "no reference",
            gone("evaluation/reference.csv"),
            "has test slides and no reference.csv",
            layout="flat",
        ),
        fault("nothing", gone("*"), "has no training or images"),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    options = dict(options)
    folder = _folder(tmp_path / "set", flat=options.pop("layout", "") == "flat")
    damage(folder)
    refused(import_camelyon16, folder, said, **options)
