"""SUV by body weight: worked by hand, in every form of the header that says enough, and refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, Sequence

from overread.errors import InputError
from overread.imaging.dicom.series import read_datasets
from overread.imaging.dicom.suv import LONGEST_UPTAKE, suv, suv_factor

Make = Callable[..., FileDataset]
F18 = 6586.2


def pet(make: Make, **attributes: object) -> list[FileDataset]:
    """Three slices after an injection of 350 MBq of F-18 (half-life 6586.2 s) an hour before; 70 kg."""
    tracer = Dataset()
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = 350e6, 6586.2
    tracer.RadiopharmaceuticalStartTime = "090000.00"
    values: dict[str, object] = {
        "Modality": "PT",
        "Units": "BQML",
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
        "DecayCorrection": "START",
        "PatientWeight": 70.0,
        "SeriesDate": "20200102",
        "SeriesTime": "100000",
        "AcquisitionDate": "20200102",
        "AcquisitionTime": "100000.5",
        "RescaleSlope": 2.0,
        "RescaleIntercept": 0.0,
        "RadiopharmaceuticalInformationSequence": Sequence([tracer]),
    }
    return [make(k, **{**values, **attributes}) for k in range(3)]


def test_suv(make_slice: Make) -> None:
    image = read_datasets(pet(make_slice))
    np.testing.assert_array_equal(
        image.array[0, :, :, 0], 2 * np.random.default_rng(0).integers(0, 1000, (6, 5)).T
    )
    # Worked by hand: 350 MBq decay over 3600 s to 239.6 MBq; 70000 g / 239.6e6 Bq.
    factor = 70000 / (350e6 * 0.5 ** (3600 / 6586.2))
    assert image.source["suv_factor"] == pytest.approx(factor)
    assert factor == pytest.approx(2.921e-4, rel=1e-3)
    body = suv(image)
    np.testing.assert_allclose(body.array, image.array * factor, rtol=1e-6)
    assert body.source["Units"] == "GML"
    assert "SUV by body weight" in body.notes[-1]
    np.testing.assert_allclose(suv(body).array, body.array)


@pytest.mark.parametrize(
    ("attributes", "factor"),
    [
        ({"DecayCorrection": "ADMIN"}, 70000 / 350e6),
        ({"Units": "GML"}, 1.0),
        # Made an hour later by processing: the scan is found from the acquisition of its first frame.
        (
            {"SeriesTime": "113000", "FrameReferenceTime": 1000.0, "ActualFrameDuration": 2000.0},
            70000 / (350e6 * 0.5 ** (3600.5 / 6586.2)),
        ),
    ],
)
def test_suv_otherwise(make_slice: Make, attributes, factor: float) -> None:
    assert read_datasets(pet(make_slice, **attributes)).source["suv_factor"] == pytest.approx(
        factor, rel=1e-5
    )


def test_suv_over_midnight(make_slice: Make) -> None:
    made = pet(make_slice, SeriesTime="003000", AcquisitionTime="003100")
    for ds in made:
        ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime = "233000"
    factor = 70000 / (350e6 * 0.5 ** (3600 / 6586.2))
    assert read_datasets(made).source["suv_factor"] == pytest.approx(factor)


@pytest.mark.parametrize("to_suv", [True, False])
def test_suv_of_philips_counts(make_slice: Make, to_suv: bool) -> None:
    made = pet(make_slice, Units="CNTS", DecayCorrection="ADMIN")
    for ds in made:
        block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", "0.25" if to_suv else "0")
        block.add_new(0x09, "DS", "3.5")
    expected = 0.25 if to_suv else 3.5 * 70000 / 350e6
    assert read_datasets(made).source["suv_factor"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"PatientWeight": None}, "PatientWeight is missing"),
        ({"Units": "CNTS"}, "without the private factors"),
        ({"Units": "PROPCNTS"}, "Units is PROPCNTS"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection is NONE"),
        ({"CorrectedImage": ["DECY"]}, "does not name both ATTN and DECY"),
        ({"SeriesTime": "160000"}, "nothing tells when the scan began"),
        ({"RadiopharmaceuticalInformationSequence": None}, "is missing"),
    ],
)
def test_no_suv_has_a_reason(make_slice: Make, attributes, reason: str) -> None:
    image = read_datasets(pet(make_slice, **attributes))
    assert reason in image.source["suv_missing"]
    with pytest.raises(InputError, match=reason):
        suv(image)


def test_suv_of_what_is_no_pet(make_slice: Make) -> None:
    with pytest.raises(InputError, match="not read from a PET series"):
        suv(read_datasets([make_slice()]))


def header(start: str, half_life: float = F18, **more: object) -> Dataset:
    """Scan at 12:00 on 10 March 2026; 370 MBq, 70 kg."""
    ds, tracer = Dataset(), Dataset()
    ds.Modality, ds.Units, ds.DecayCorrection, ds.PatientWeight = "PT", "BQML", "START", "70"
    ds.CorrectedImage = ["ATTN", "DECY"]
    ds.SeriesDate = ds.AcquisitionDate = "20260310"
    ds.SeriesTime = ds.AcquisitionTime = "120000"
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = "370000000", str(half_life)
    tracer.RadiopharmaceuticalStartDateTime = start
    ds.RadiopharmaceuticalInformationSequence = Sequence([tracer])
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def factor(seconds: float, half_life: float = F18) -> float:
    return 70_000 / (370e6 * 2 ** (-seconds / half_life))


@pytest.mark.parametrize(
    ("start", "zone", "seconds"),
    [
        ("20260310100000", None, 7200),
        ("20260310100000.000000", "+0200", 7200),
        ("20260310100000.000000+0100", None, 7200),
        ("20260310100000+0100", "+0100", 7200),
        ("20260310100000.000000+0100", "+0200", 3600),
        ("20260310120000+0300", "+0200", 3600),
        ("20260310040000-0500", "-0330", 23_400),
        ("20260309233000-0930", "+0200", 3600),
        ("20260310100000+0100", "nonsense", 7200),
        ("20260310100000+9900", "+0200", 7200),
    ],
)
def test_every_time_in_one_zone(start: str, zone: str | None, seconds: float) -> None:
    more = {} if zone is None else {"TimezoneOffsetFromUTC": zone}
    assert suv_factor([header(start, **more)]) == pytest.approx(factor(seconds), rel=1e-9)


@pytest.mark.parametrize(
    ("half_life", "start", "seconds"),
    [
        (282_276.0, "20260305110000", 5 * 86_400 + 3600),  # Zr-89, as immuno-PET is done
        (230_400.0, "20260307110000", 3 * 86_400 + 3600),  # Y-90
        (76.4, "20260310115500", 300),  # Rb-82
    ],
)
def test_long_lived_and_short_lived_tracers(half_life: float, start: str, seconds: float) -> None:
    assert suv_factor([header(start, half_life)]) == pytest.approx(factor(seconds, half_life), rel=1e-9)


@pytest.mark.parametrize("start", ["20260308110000", "20260310120001", "20260410100000"])
def test_an_injection_that_cannot_be(start: str) -> None:
    with pytest.raises(InputError, match=rf"half-lives\) before the scan, expected 0 to {LONGEST_UPTAKE}"):
        suv_factor([header(start)])


@pytest.mark.parametrize("start", ["", "2026", "20261310100000", "20260310 100000", "x"])
def test_a_damaged_start(start: str) -> None:
    with pytest.raises(InputError, match="RadiopharmaceuticalStartTime are missing"):
        suv_factor([header(start)])
