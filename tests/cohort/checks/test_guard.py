"""A check that fails is named as not done, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.case import Case
from overread.cohort.checks import inspection, measure, run
from overread.cohort.checks.guard import guarded, reason
from overread.cohort.checks.inspection import contradict, inspect_case
from overread.cohort.checks.page import write_check_page
from overread.cohort.checks.run import CheckReport, check_cohort
from overread.cohort.cohort import Cohort
from overread.errors import InputError
from overread.imaging.burned_in import text_lines
from overread.imaging.image import Image

ROWS = [(s, label) for s in ("train", "val", "test") for label in ("no", "yes") for _ in range(5)]


def _fails(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("nothing\nto see")


def _check(folder: Path) -> CheckReport:
    return check_cohort(Cohort.read(folder), truth="label", labels=["no", "yes"])


def _failed(report: CheckReport) -> list[str]:
    found = [f for f in report.findings if f.code == "check.failed"]
    assert all(f.severity == "warning" for f in found)
    return [f.message for f in found]


def test_reasons() -> None:
    value, findings = guarded("things", _fails, 7)
    assert value == 7 and findings[0].code == "check.failed"
    assert "not checked: things (TypeError: nothing to see at test_guard.py:" in findings[0].message
    assert guarded("things", lambda: 8, 7) == (8, [])
    assert reason(InputError("a.png: is torn")) == "a.png: is torn"
    assert reason(ValueError("x")) == "ValueError: x"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("check_duplicates", "identical images"),
        ("check_near_duplicates", "near-duplicates"),
        ("check_shortcuts", "shortcuts"),
        ("check_geometry", "sizes and spacings"),
        ("check_balance", "balance"),
        ("groups", "groups of patients"),
        ("presence_of", "which case shows which label"),
    ],
)
def test_a_failing_check_is_named(
    pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    folder = pictures(ROWS)
    (folder / "c3.png").write_bytes(b"")
    monkeypatch.setattr(run, name, _fails)
    report = _check(folder)
    (said,) = _failed(report)
    assert f"not checked: {what} (TypeError: nothing to see" in said
    assert [f.code for f in report.blocking] == ["image.unreadable"]
    assert "check.failed" in write_check_page(folder, Cohort.read(folder), report, name="x").read_text()


@pytest.mark.parametrize("name", ["text_lines", "border", "thumbnail", "_levels"])
def test_a_failing_measurement_is_named_once_with_a_file(
    pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = pictures(ROWS)
    # Large enough for near-duplicates and text to be looked for.
    for i in range(30):
        pixels = np.random.default_rng(i).integers(0, 255, (80, 80), np.uint8)
        Pillow.fromarray(pixels).save(folder / f"c{i}.png")
    (folder / "c20.png").write_bytes((folder / "c0.png").read_bytes())
    monkeypatch.setattr(measure, name, _fails)
    report = _check(folder)
    (said,) = _failed(report)
    assert "in 30 images, such as" in said and "c0.png" in said and "TypeError: nothing to see" in said
    assert [f.code for f in report.blocking] == ["leakage.pixels"]
    assert not [f for f in report.warnings if "apart" in f.code]


def test_a_reader_that_fails_is_an_unreadable_file(
    pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pictures(ROWS)
    known = inspection.read
    monkeypatch.setattr(inspection, "read", lambda path: _fails() if path.name == "c4.png" else known(path))
    report = _check(folder)
    (found,) = report.blocking
    assert found.code == "image.unreadable" and found.cases == ("c4",)
    assert "c4.png: TypeError: nothing to see" in found.message and not _failed(report)


def test_an_image_that_cannot_be_looked_at(
    pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pictures(ROWS)
    known = inspection.content_hash
    monkeypatch.setattr(
        inspection, "content_hash", lambda i: _fails() if i.array[0, 0, 0] == first else known(i)
    )
    first = int(np.asarray(Pillow.open(folder / "c4.png"))[0, 0])
    report = _check(folder)
    assert not report.blocking
    assert any("c4: not checked:" in m and "c4.png (TypeError: nothing to see" in m for m in _failed(report))


def test_text_is_looked_for_in_every_head_scan(data_dir: Path) -> None:
    """Three of these once ended the check, for components whose numbers had gaps."""
    for path in sorted((data_dir / "head_ct_haemorrhage" / "images").glob("*.png")):
        for line in text_lines(np.asarray(Pillow.open(path).convert("L"))):
            assert line.characters >= 4 and line.top < line.bottom and line.left < line.right


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "array", [np.zeros((1, 0, 5)), np.full((1, 70, 70), np.nan), np.zeros((2, 70, 70, 0))]
)
def test_odd_arrays_are_measured_or_named(array: np.ndarray) -> None:
    found = measure.measure(Image(array, np.eye(4)))
    assert all(why and "\n" not in why for _, why in found.failed)


def test_what_contradicts(tmp_path: Path) -> None:
    Pillow.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "x.png")

    def seen(label: str | None = None, **findings: int | None) -> inspection.Inspection:
        case = Case("a", "a", {"image": tmp_path / "x.png"}, label, findings=findings)
        return inspect_case(case, truth="labels", labels=[])

    assert contradict(seen("yes"), seen("no"), drawn=True) and not contradict(seen("yes"), seen(), drawn=True)
    assert contradict(seen(a=1, b=0), seen(a=1, b=1), drawn=False)
    for state in (-1, None):
        assert not contradict(seen(a=1), seen(a=state), drawn=True)
    assert not contradict(seen(a=1), seen(b=0), drawn=True)
