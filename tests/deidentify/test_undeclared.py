"""Images that often have text burned in and do not say so: counted, looked at, withheld where asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset

from overread.deidentify import Key, WithheldError, deidentify, deidentify_dataset
from overread.deidentify.regions import Region
from overread.deidentify.undeclared import is_undeclared, look
from overread.imaging import text_finder
from overread.imaging.text_finder import Line, find_text
from overread.imaging.text_reader import is_installed, read_text

Small = Callable[..., Dataset]
STORAGE = "1.2.840.10008.5.1.4.1.1."
ULTRASOUND = f"{STORAGE}6.1"
SIZE = (240, 320)


def drawn(text: str = "") -> np.ndarray:
    rng = np.random.default_rng(3)
    picture = Pillow.fromarray(np.clip(rng.normal(60, 12, SIZE), 0, 255).astype(np.uint8))
    ImageDraw.Draw(picture).text((20, 20), text, fill=255, font=ImageFont.load_default(18))
    return np.asarray(picture)


def ultrasound(small: Small, text: str = "", frames: int = 1, **more: Any) -> Dataset:
    empty = drawn()
    pixels = [drawn(text) if k == frames - 1 else empty for k in range(frames)]
    attributes: dict[str, Any] = {"SOPClassUID": ULTRASOUND, "Modality": "US", "NumberOfFrames": frames}
    attributes |= {"Rows": SIZE[0], "Columns": SIZE[1], "PixelData": np.stack(pixels).tobytes()}
    return small(**(attributes | {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7} | more))


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"SOPClassUID": ULTRASOUND, "Modality": "US"}, True),
        ({"SOPClassUID": f"{STORAGE}3.1", "Modality": "US"}, True),
        ({"SOPClassUID": f"{STORAGE}7", "Modality": "CT"}, True),
        ({"SOPClassUID": f"{STORAGE}7.4", "Modality": "MR"}, True),
        ({"SOPClassUID": f"{STORAGE}77.1.4", "Modality": "XC"}, True),
        ({"SOPClassUID": f"{STORAGE}77.1.1", "Modality": "ES"}, True),
        ({"Modality": "OT"}, True),
        ({"ConversionType": "DF"}, True),
        ({"SOPClassUID": ULTRASOUND, "BurnedInAnnotation": "no"}, False),
        ({"SOPClassUID": f"{STORAGE}77.1.6", "Modality": "SM"}, False),
        ({}, False),
    ],
)
def test_kinds(small: Small, attributes: dict[str, str], wanted: bool) -> None:
    assert is_undeclared(small(**attributes)) is wanted


@pytest.mark.parametrize("reader", [False, True])
def test_text_is_found_in_any_frame_looked_at(
    small: Small, monkeypatch: pytest.MonkeyPatch, reader: bool
) -> None:
    if reader and not is_installed():
        pytest.skip("the reader of burned-in text is not installed")
    monkeypatch.setattr(text_finder, "is_installed", lambda: reader)
    assert look(ultrasound(small)).lines == ()
    for frames in (1, 5):
        lines = look(ultrasound(small, "ZWYXELBURG ANNA", frames)).lines
        assert lines and lines[0].top < 40 and lines[0].left < 60
    assert look(ultrasound(small, Rows=60_000, Columns=60_000)).lines is None
    assert look(small(SOPClassUID=ULTRASOUND, PixelData=b"1234")).lines is None


def test_counted_by_class(small: Small, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_finder, "is_installed", lambda: False)
    (tmp_path / "in").mkdir()
    texts = ["", "SCANNED AT ACME", "LEFT KIDNEY LONG"]
    for k, text in enumerate(texts):
        source = ultrasound(small, text, SOPInstanceUID=f"1.2.3.{k}")
        source.save_as(tmp_path / "in" / f"{k}.dcm", enforce_file_format=True)
    small().save_as(tmp_path / "in" / "ct.dcm", enforce_file_format=True)
    result = deidentify(tmp_path / "in", tmp_path / "out", key=key)
    counts = {"Ultrasound Image Storage": {"files": 3, "with text found": 2, "not looked at": 0}}
    assert result.written == 4 and result.undeclared == counts
    report = json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert report["burned-in text not declared"] == {
        "by SOP Class": counts,
        "text found by": "rows of strokes",
    }
    strict = deidentify(tmp_path / "in", tmp_path / "strict", key=key, withhold_undeclared=True)
    assert strict.written == 1 and len(strict.withheld) == 3 and strict.undeclared == {}
    assert all("does not declare that it has none" in m for _, m in strict.withheld)
    region = Region((("Modality", frozenset({"us"})),), ((0, 0, 320, 60),))
    blanked = deidentify(
        tmp_path / "in", tmp_path / "blanked", key=key, regions=[region], withhold_undeclared=True
    )
    assert blanked.written == 4 and blanked.undeclared == {}


def test_a_name_that_is_read_withholds(small: Small, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the picture says is searched for as what the header says."""
    lines = [Line(0, 0, 9, 99, "LIVER 3.5 MHz")]
    monkeypatch.setattr("overread.deidentify.undeclared.find_text", lambda plane: lines)
    assert deidentify_dataset(ultrasound(small), key)
    lines.append(Line(10, 0, 19, 99, "ZWYXELBURGANNA"))
    with pytest.raises(WithheldError, match="burned-in text that identifies"):
        deidentify_dataset(ultrasound(small), key)
    assert deidentify_dataset(ultrasound(small), key, boxes=[(0, 0, 320, 40)])


@pytest.mark.skipif(not is_installed(), reason="the reader of burned-in text is not installed")
@pytest.mark.parametrize("size", [14, 20, 28])
def test_reading(size: int) -> None:
    rng = np.random.default_rng(size)
    for low, high in ((20, 255), (200, 0)):
        picture = Pillow.fromarray(np.clip(rng.normal(low, 8, (256, 384)), 0, 255).astype(np.uint8))
        ImageDraw.Draw(picture).text(
            (30, 50), "ZWYXELBURG 47110815", fill=high, font=ImageFont.load_default(size)
        )
        read = "".join(line.text for line in read_text(np.asarray(picture))).upper().replace(" ", "")
        assert "ZWYXELBURG" in read and "47110815" in read
    assert read_text(np.full((64, 64), 7)) == []
    assert find_text(np.zeros((64, 64))) == []
