"""Burned-in text, clipped and blank images, outliers: found where planted, silent on real images without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from overread.cohort.case import Case
from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.measure import Measured, border, measure
from overread.cohort.checks.outliers import check_intensity, check_pixels, check_text, robust_z
from overread.imaging.burned_in import text_lines
from overread.imaging.image import Image
from overread.imaging.read import read

Plane = NDArray[np.uint8]
WORDS = ("DOE^JANE 1961", "12/03/2019", "ID 4711-0815", "St. Mary Hospital")


def _planes(data_dir: Path, name: str) -> list[Plane]:
    if name == "bccd":
        files = sorted((data_dir / "bccd_blood_detection" / "JPEGImages").glob("*.jpg"))[:30]
        return [np.asarray(Pillow.open(f).convert("L")) for f in files]
    if name == "nuclei":
        files = sorted((data_dir / "dsb2018_nuclei" / "images").glob("*.png"))[:60]
        return [np.asarray(Pillow.open(f).convert("L")) for f in files]
    image = read(data_dir / "dicom_mr_t1_structural" / "studyforrest_t1_7T_64slices.zip").array[0]
    scaled = np.clip(image / np.percentile(image, 99.8) * 255, 0, 255).astype(np.uint8)
    return [scaled[:, :, k].T for k in range(4, 60, 4)]


def write_on(plane: Plane, text: str, size: int, ink: int) -> Plane:
    """The picture with text on a plain strip along its upper edge, as scanners write it."""
    picture = Pillow.fromarray(plane)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size)
    draw.rectangle([0, 0, 12 + font.getlength(text), 1.5 * size], fill=255 - ink)
    draw.text((6, 2), text, fill=ink, font=font)
    return np.asarray(picture)


@pytest.mark.parametrize("name", ["bccd", "nuclei", "mr"])
def test_text_on_real_images(data_dir: Path, name: str) -> None:
    planes = _planes(data_dir, name)
    assert np.mean([bool(text_lines(p)) for p in planes]) <= 0.02
    written = [write_on(p, WORDS[i % 4], 14 + i % 10, 255 * (i % 3 > 0)) for i, p in enumerate(planes)]
    assert np.mean([bool(text_lines(p)) for p in written]) >= 0.95


def test_fine_structure_is_no_text(data_dir: Path) -> None:
    """Membranes make hundreds of parts like letters, of which some stand in a row by chance."""
    for file in sorted((data_dir / "isbi2012_em_membrane" / "images").glob("*.png")):
        assert not text_lines(np.asarray(Pillow.open(file).convert("L"))), file.name


def test_words_that_are_really_there(data_dir: Path) -> None:
    """What scanners and people wrote: LEFT BREAST, RT AXILLA, Bettaufnahme; a DICOM screen of an ultrasound machine."""
    written = {
        "busi_breast_ultrasound": ("benign_002.png", "benign_052.png", "benign_060.png", "malignant_012.png"),
        "covid19_hannover_cxr": ("86d19bba.jpg", "a47dc73e.jpg", "b03ef875.jpg"),
    }
    for folder, names in written.items():
        for name in names:
            picture = np.asarray(Pillow.open(data_dir / folder / "images" / name).convert("L"))
            assert text_lines(picture), name
    screen = measure(read(data_dir / "dicom_oddities" / "us_palette_rle_no_pixel_spacing.dcm"))
    assert screen.characters > 100 and not screen.failed


@pytest.mark.parametrize("name", ["busi_breast_ultrasound", "hc18_fetal_head_ultrasound"])
def test_speckle_is_no_text(data_dir: Path, name: str) -> None:
    """Of ultrasound without words nothing is named; of breasts the seven with words alone."""
    files = sorted((data_dir / name / "images").glob("*.*"))
    found = [f.stem for f in files if text_lines(np.asarray(Pillow.open(f).convert("L")))]
    words = [
        "benign_002",
        "benign_003",
        "benign_052",
        "benign_060",
        "malignant_012",
        "malignant_013",
        "malignant_053",
    ]
    assert found == (words if name.startswith("busi") else [])


def test_where_the_text_stands() -> None:
    plane = np.zeros((200, 300), np.uint8)
    picture = Pillow.fromarray(plane)
    ImageDraw.Draw(picture).text((40, 150), "1961-03-12", fill=200, font=ImageFont.load_default(20))
    (line,) = text_lines(np.asarray(picture))
    assert 145 <= line.top <= 160 and 165 <= line.bottom <= 180 and 35 <= line.left <= 50
    assert line.characters >= 8
    large = np.kron(np.asarray(picture), np.ones((8, 8), np.uint8))
    scaled = text_lines(large)
    assert scaled and all(1150 <= s.top <= 1280 for s in scaled)


def test_a_side_marker_and_noise_are_no_text() -> None:
    picture = Pillow.new("L", (300, 300))
    ImageDraw.Draw(picture).text((20, 20), "R", fill=255, font=ImageFont.load_default(40))
    assert not text_lines(np.asarray(picture))
    rng = np.random.default_rng(0)
    for _ in range(5):
        assert not text_lines(rng.integers(0, 255, (200, 200), np.uint8))
    assert not text_lines(np.zeros((300, 300))) and not text_lines(np.zeros((20, 20)))


@settings(max_examples=25, deadline=None)
@given(arrays(np.int16, (70, 70), elements=st.integers(-500, 500)))
def test_any_picture_is_taken(plane: NDArray[np.int16]) -> None:
    for line in text_lines(plane):
        assert 0 <= line.top < line.bottom <= 70 and 0 <= line.left < line.right <= 70


def _sight(n: int, **measured: object) -> Inspection:
    case = Case(f"c{n}", f"p{n}", {"image": Path("x.png")}, split="train")
    facts = {"BurnedInAnnotation": str(measured.pop("declared"))} if "declared" in measured else {}
    return Inspection(case, shape=(9, 9), facts=facts, measured=Measured(**measured))  # type: ignore[arg-type]


def test_text_is_reported(data_dir: Path) -> None:
    inspections = [_sight(0), _sight(1, characters=9), _sight(2, declared="YES"), _sight(3, declared="NO")]
    assert [(f.code, f.severity, f.cases) for f in check_text(inspections)] == [
        ("image.text_declared", "warning", ("c2",)),
        ("image.text", "warning", ("c1",)),
    ]


def test_clipped_and_blank() -> None:
    inspections = [_sight(i, top=0.001, most=0.1) for i in range(40)]
    assert not check_pixels(inspections)
    odd = [*inspections, _sight(90, top=0.4, most=0.4), _sight(91, top=0.001, most=0.999)]
    assert [(f.code, f.severity, f.cases) for f in check_pixels(odd)] == [
        ("image.clipped", "warning", ("c90",)),
        ("image.almost_blank", "warning", ("c91",)),
    ]
    usual = [*inspections[:10], *(_sight(i, top=0.3) for i in range(100, 130))]
    (found,) = check_pixels(usual)
    assert (found.code, found.severity, len(found.cases)) == ("image.clipped", "info", 30)


def test_brightness_and_contrast_apart() -> None:
    rng = np.random.default_rng(0)
    usual = [
        _sight(i, middle=100 + 10 * rng.normal(), spread=40 * np.exp(0.1 * rng.normal())) for i in range(200)
    ]
    assert not check_intensity(usual)
    odd = [*usual, _sight(900, middle=230.0, spread=40.0), _sight(901, middle=100.0, spread=2.0)]
    assert [(f.code, f.cases) for f in check_intensity(odd)] == [
        ("image.brightness_apart", ("c900",)),
        ("image.contrast_apart", ("c901",)),
    ]
    assert not check_intensity(odd[-5:])
    z = robust_z(rng.normal(size=4000), least=1e-9)
    assert np.std(z) == pytest.approx(1, abs=0.05)
    assert robust_z(np.array([5.0, 5, 5, 6]), least=0.5).tolist() == [0, 0, 0, 2]


def test_what_is_measured(picture: Callable[[Path, NDArray[np.uint8]], Path], tmp_path: Path) -> None:
    plane = np.full((50, 80), 10, np.uint8)
    plane[:6, :10] = 200
    plane[-3:] = 255
    found = measure(read(picture(tmp_path / "x.png", plane)))
    assert found.top == pytest.approx(3 / 50) and found.most == pytest.approx((47 * 80 - 60) / 4000)
    assert found.middle == 10 and found.thumbnail is not None
    assert found.border == border(plane) and len(found.border) == 12
    top_left, top_right, *_ = found.border
    assert top_left == 200 and top_right == 10 and found.border[9] == 255
    volume = np.zeros((1, 8, 9, 11), np.float32)
    volume[0, :, :, 5] = np.arange(72).reshape(8, 9)
    assert max(measure(Image(volume, np.eye(4))).border) > 0
    assert measure(Image(np.full((1, 8, 8), 3.0), np.eye(4))).thumbnail is None
