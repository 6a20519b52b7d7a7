"""The fingerprint against numbers worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.fingerprint import Fingerprint, extents, fingerprint
from overread.cohort.truth.mask import width_mm
from overread.errors import InputError

LABELS = ["background", "part"]


def _case(folder: Path, name: str, shape: tuple[int, int, int], zooms: list[float], age: str) -> Case:
    """A volume stored to (superior, left, anterior), so that RAS order is another than the file's."""
    rng = np.random.default_rng(len(name))
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = zooms[0], -zooms[1], zooms[2], 1
    mask = np.zeros(shape, np.uint8)
    mask[1:4, 1:4, 1:4] = 1
    array = rng.integers(0, 50, shape).astype(np.int16)
    array[mask > 0] = 100
    for kind, values in (("i", array), ("m", mask)):
        nib.save(nib.Nifti1Image(values, affine), folder / f"{name}_{kind}.nii.gz")
    return Case(
        name,
        name,
        {"image": folder / f"{name}_i.nii.gz"},
        None,
        folder / f"{name}_m.nii.gz",
        "train",
        {"age": age},
    )


def test_volumes(tmp_path: Path) -> None:
    cases = [
        _case(tmp_path, "a", (6, 7, 8), [3, 1, 2], "30"),
        _case(tmp_path, "bb", (8, 9, 10), [3, 1, 2], ""),
        _case(tmp_path, "ccc", (6, 7, 12), [6, 1, 2], "71.5"),
    ]
    ticks: list[int] = []
    f = fingerprint(cases, labels=LABELS, truth="mask", progress=lambda: ticks.append(1))
    assert len(ticks) == 3
    assert (f.dimensions, f.color, f.channels) == (3, "gray", ("image",))
    assert f.median_shape == (7, 10, 6) and f.min_shape == (7, 8, 6) and f.max_shape == (9, 12, 8)
    assert f.median_spacing == pytest.approx((1, 2, 3)) and f.max_spacing == pytest.approx((1, 2, 6))
    assert f.intensity == ({"p0_5": 100.0, "p50": 100.0, "p99_5": 100.0, "mean": 100.0, "std": 0.0},)
    assert f.class_counts == {"part": 3}
    assert f.foreground_fraction["part"] == pytest.approx(np.mean([27 / 336, 27 / 720, 27 / 504]))
    assert f.size_mm["part"] == pytest.approx((6 * 27 * 6 / np.pi) ** (1 / 3))
    assert f.age_years == (30.0, 71.5)
    assert Fingerprint.from_dict(json.loads(json.dumps(f.as_dict()))) == f


def test_pictures(tmp_path: Path, picture: Callable[[Path, np.ndarray], Path]) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    gray = Case("g", "g", {"image": picture(tmp_path / "g.png", ramp)}, "no")
    as_rgb = Case("r", "r", {"image": picture(tmp_path / "r.png", np.stack([ramp] * 3, -1))}, "yes")
    f = fingerprint([gray, as_rgb], labels=["no", "yes"], truth="label")
    assert f.color == "gray" and len(f.intensity) == 1 and f.dimensions == 2
    assert f.intensity[0]["mean"] == pytest.approx(127.5) and f.intensity[0]["p50"] == pytest.approx(127.5)
    assert f.class_counts == {"no": 1, "yes": 1} and not f.foreground_fraction and f.age_years is None
    color = np.stack([ramp, ramp // 2, ramp * 0], -1)
    stained = Case("s", "s", {"image": picture(tmp_path / "s.png", color)}, "yes")
    f = fingerprint([stained], labels=["no", "yes"], truth="label")
    assert f.color == "rgb" and [round(c["mean"], 1) for c in f.intensity] == [127.5, 63.5, 0.0]


def test_virtual_patients(virtual: Cohort) -> None:
    f = fingerprint(virtual.split("train"), labels=["background", "lesion"], truth="mask")
    assert f.channels == ("T1", "FLAIR") and len(f.intensity) == 2
    assert f.median_spacing == pytest.approx((2, 2, 3), abs=1e-4)
    assert 4 < f.size_mm["lesion"] < 20


def test_faults(tmp_path: Path, picture: Callable[[Path, np.ndarray], Path]) -> None:
    with pytest.raises(InputError, match="no training case"):
        fingerprint([], labels=LABELS, truth="mask")
    volume = _case(tmp_path, "a", (6, 7, 8), [3, 1, 2], "")
    with pytest.raises(InputError, match=r"mask .*a_m\.nii\.gz holds 1, expected whole numbers from 0 to 0"):
        fingerprint([volume], labels=["background"], truth="mask")
    flat = Case("f", "f", {"image": picture(tmp_path / "f.png", np.eye(8, dtype=np.uint8))}, "no")
    both = [Case("a", "a", volume.images, "no"), flat]
    with pytest.raises(InputError, match="case f: image has 2 spatial axes, a has 3"):
        fingerprint(both, labels=["no", "yes"], truth="label")
    with pytest.raises(InputError, match="case f: label 'no' is not one of"):
        fingerprint([flat], labels=["yes", "perhaps"], truth="label")
    nib.save(
        nib.Nifti1Image(np.zeros((6, 7, 8), np.uint8), nib.load(volume.mask).affine), tmp_path / "a_m.nii.gz"
    )
    with pytest.raises(InputError, match="no training case has any foreground"):
        fingerprint([volume], labels=LABELS, truth="mask")
    with pytest.raises(InputError, match="plan again"):
        Fingerprint.from_dict({"cases": 1})


def test_extents_of_objects_and_of_their_voxels() -> None:
    assert extents([4.0], axes=2) == {"p5": 4, "p50": 4, "p95": 4, "typical": 4}
    # Ninety specks beside one organ: the organ is what a voxel lies in.
    found = extents([1.0] * 90 + [20.0], axes=2)
    assert (found["p50"], found["typical"]) == (1, 20)
    assert extents([1.0] * 90 + [2.0], axes=3)["typical"] == 1


def test_width_of_a_line_a_disc_and_a_ball() -> None:
    rows, columns = np.mgrid[:400, :400]
    for slope in (0.0, 0.4, 1.0):
        distance = np.abs(columns - slope * rows - 100) / np.hypot(1, slope)
        # Right in the mean over directions: by 4 / pi too wide along the grid, by 10% too narrow across it.
        assert width_mm(distance <= 5.2, (1.0, 1.0)) == pytest.approx(11, rel=0.3)
    disc = np.hypot(rows - 200, columns - 200) <= 80
    assert width_mm(disc, (1.0, 1.0)) == pytest.approx(80, rel=0.03)
    assert width_mm(disc, (0.5, 0.5)) == pytest.approx(40, rel=0.03)
    x, y, z = np.mgrid[:64, :64, :32]
    ball = (x - 32.0) ** 2 + (y - 32.0) ** 2 + (2 * (z - 16.0)) ** 2 <= 24**2
    assert width_mm(ball, (1.0, 1.0, 2.0)) == pytest.approx(16, rel=0.06)
    assert width_mm(np.zeros((4, 4), bool), (1.0, 1.0)) is None


def test_few_coloured_pictures_make_no_colour(
    tmp_path: Path, picture: Callable[[Path, np.ndarray], Path]
) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    gray = [Case(f"g{i}", f"g{i}", {"image": picture(tmp_path / f"g{i}.png", ramp)}, "no") for i in range(30)]
    color = Case(
        "c", "c", {"image": picture(tmp_path / "c.png", np.stack([ramp, ramp // 2, ramp], -1))}, "no"
    )
    assert fingerprint([*gray, color], labels=["no", "yes"], truth="label").color == "gray"
    assert fingerprint([*gray[:9], color], labels=["no", "yes"], truth="label").color == "rgb"
