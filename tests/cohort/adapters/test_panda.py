"""PANDA in its published layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cohort.layouts import Damage, added, edited, fault, gone, refused, save, task_of, text, waits
from tests.cohort.slides import slide

from overread.cohort.adapters.panda import ISUP, import_panda
from overread.imaging.slides.slide import read_slide

SCORES = ("0+0", "3+3", "3+4", "4+3", "4+4", "4+5")


def _folder(root: Path, slides: int = 36) -> Path:
    rows = []
    for i in range(slides):
        name, grade = f"{i:032x}", i // 2 % 6
        slide(root / "train_images" / f"{name}.tiff", i)
        provider = ("karolinska", "radboud")[i % 2]
        score = "negative" if provider == "radboud" and not grade else SCORES[grade]
        rows.append(f"{name},{provider},{grade},{score}")
        if i != 5:
            save(root / "train_label_masks" / f"{name}_mask.tiff", np.zeros((128, 96, 3), np.uint8))
    text(root / "train.csv", "image_id,data_provider,isup_grade,gleason_score", *rows)
    return root


def test_grades_providers_and_masks(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set")
    import_panda(folder, tmp_path / "out")
    cohort = waits(tmp_path / "out")
    cases = {c.case: c for c in cohort}
    case = cases[f"{7:032x}"]
    assert case.label == "ISUP 3" and case.attributes["site"] == "radboud"
    assert (tmp_path / "out" / case.attributes["annotation"]).is_file()
    assert cases[f"{5:032x}"].attributes["annotation"] == ""
    assert case.images["image"].stat().st_ino == (folder / f"train_images/{7:032x}.tiff").stat().st_ino
    assert all(
        {c.label for c in cohort.split(s)} == {f"ISUP {k}" for k in range(6)} for s in ("train", "test")
    )
    with read_slide(case.images["image"]) as opened:
        assert opened.size == (96, 128)
    assert "site is data_provider" in task_of(tmp_path / "out")["source"]["note"]


def test_a_contradiction_is_told(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "set")
    table = folder / "train.csv"
    table.write_text(table.read_text().replace(f"{7:032x},radboud,3,4+3", f"{7:032x},radboud,2,4+3"))
    import_panda(folder, tmp_path / "out")
    assert f"contradict each other in {7:032x} (4+3, ISUP 2)" in task_of(tmp_path / "out")["source"]["note"]
    assert ISUP["5+3"] == "4" and ISUP["4+3"] == "3"


@pytest.mark.parametrize(
    ("damage", "said", "options"),
    [
        fault("grade", edited("train.csv", ",3,4+3", ",6,4+3"), "isup_grade is '6', expected 0 to 5"),
        fault(
            "score",
            edited("train.csv", ",3,4+3", ",3,4+2"),
            r"gleason_score is '4\+2', expected one of negative",
        ),
        fault(
            "provider",
            edited("train.csv", "radboud", "radbout"),
            "data_provider is 'radbout', expected karolinska or radboud",
        ),
        fault("twice", edited("train.csv", f"{7:032x}", f"{6:032x}"), "stands in more than one row"),
        fault("column", edited("train.csv", "isup_grade", "isup"), "no column 'isup_grade'"),
        fault(
            "stray mask",
            added("train_label_masks/other_mask.tiff", save, np.zeros((8, 8), np.uint8)),
            "holds 1 masks of slides that train.csv does not list: other",
        ),
        fault("no slide", gone(f"train_images/{3:032x}.tiff"), f"lists 1 of 12 images .*{3:032x}; unpack"),
    ],
)
def test_faults(tmp_path: Path, damage: Damage, said: str, options: dict[str, str]) -> None:
    folder = _folder(tmp_path / "set", 12)
    damage(folder)
    refused(import_panda, folder, said, **options)
