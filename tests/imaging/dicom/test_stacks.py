"""Series that are more, or less, than one even stack of slices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, FileDataset, Sequence
from pydicom.uid import EnhancedMRImageStorage

from overread.errors import InputError
from overread.imaging.dicom.series import read_all, read_datasets, read_series

Make = Callable[..., FileDataset]
Save = Callable[..., Path]


def stored(ds: Dataset) -> np.ndarray:
    return np.frombuffer(ds.PixelData, np.uint16).reshape(ds.Rows, ds.Columns).T


@pytest.mark.parametrize("degrees", [-21.0, 3.0, 12.0])
def test_gantry_tilt_shears_the_affine_and_keeps_the_voxels(make_slice: Make, degrees: float) -> None:
    shift = 2.5 * np.tan(np.radians(degrees))
    made = [make_slice(k, ImagePositionPatient=[1, shift * k, 2.5 * k]) for k in range(5)]
    image = read_datasets(made, exact=True)
    assert f"gantry tilt of {abs(degrees):.2f} degrees" in image.notes[0]
    for k, ds in enumerate(made):
        np.testing.assert_array_equal(image.array[0, :, :, k], stored(ds))
        lps = image.affine @ [3, 2, k, 1] * [-1, -1, 1, 1]
        np.testing.assert_allclose(lps[:3], [1 + 3 * 0.6, shift * k + 2 * 0.8, 2.5 * k], atol=1e-3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(1.0, 2.4), min_size=3, max_size=9), st.floats(-0.3, 0.3))
def test_uneven_slices_are_linear_between_neighbours(
    make_slice: Make, gaps: list[float], tilt: float
) -> None:
    # An image that is linear in space is reproduced exactly wherever it is interpolated.
    heights = np.round(np.concatenate([[0], np.cumsum(gaps)]), 6)
    rows = np.arange(6)[:, None] * 0.8
    made = []
    for k, z in enumerate(heights):
        values = np.round(100 * (z + rows + np.zeros((6, 5)))).astype(np.uint16)
        made.append(make_slice(k, values, ImagePositionPatient=[0, round(tilt * z, 9), z]))
    image = read_datasets(made[::-1])
    depth = image.spatial[2]
    ends = [(image.affine @ [0, 0, k, 1])[2] for k in (0, depth - 1)]
    np.testing.assert_allclose(ends, [0, heights[-1]], atol=1e-3)
    k = np.arange(depth)
    z = (image.affine @ np.stack([0 * k, 0 * k, k, 1 + 0 * k]))[2]
    expected = 100 * (z[None] + rows)
    resampled = "slice_positions" in image.source
    # Values are rounded; and slices within the stated tolerance of even ones, 0.024 mm here, stay as they are.
    np.testing.assert_allclose(image.array[0, 2], expected, atol=0.51 if resampled else 2.91)
    off = np.abs(heights - np.linspace(0, heights[-1], len(heights))).max()
    assert resampled or off <= 0.0241


def test_uneven_slices_hit_their_own_values(make_slice: Make) -> None:
    heights = [0.0, 2, 4, 5, 6, 7]
    made = [make_slice(k, ImagePositionPatient=[0, 0, z]) for k, z in enumerate(heights)]
    image = read_datasets(made)
    assert image.spatial == (5, 6, 8)
    assert image.array.dtype == np.float32
    for z, ds in zip(heights, made, strict=True):
        np.testing.assert_array_equal(image.array[0, :, :, int(z)], stored(ds))
    np.testing.assert_allclose(image.array[0, :, :, 1], (stored(made[0]) + stored(made[1]).astype(float)) / 2)
    assert image.source["slice_positions"][3] == (0.0, 0.0, 5.0)


def test_thick_slices_leave_no_hole(make_slice: Make) -> None:
    # 3 mm slices through the posterior fossa, 6 mm above it: twice the distance, and nothing missing.
    heights = [0.0, 3, 6, 9, 15, 21]
    thick = [3.0, 3, 3, 6, 6, 6]
    made = [
        make_slice(k, ImagePositionPatient=[0, 0, z], SliceThickness=t)
        for k, (z, t) in enumerate(zip(heights, thick, strict=True))
    ]
    image = read_datasets(made)
    assert image.spatial[2] == 8
    assert "resampled from 6 slices onto 8" in image.notes[0]
    for ds in made:
        ds.SliceThickness = 3.0
    with pytest.raises(InputError, match="2 missing slices"):
        read_datasets(made)


def test_missing_ends_are_noted(make_slice: Make) -> None:
    image = read_datasets([make_slice(k) for k in range(3, 7)])
    assert any("instance numbers run from 4 to 7" in note for note in image.notes)
    image = read_datasets([make_slice(k, ImagesInAcquisition=9) for k in range(7)])
    assert any("ImagesInAcquisition is 9, but 7 slices are here" in note for note in image.notes)


def test_localizer_in_the_series_is_left_out(make_slice: Make, save_series: Save) -> None:
    scout = make_slice(
        9,
        np.zeros((9, 9)),
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
    )
    slices = [make_slice(k) for k in range(4)]
    image = read_datasets([scout, *slices])
    assert image.spatial == (5, 6, 4)
    assert "localizer left out: slice9.dcm" in image.notes
    # All of it, where each stack is wanted by itself.
    other = make_slice(20, SeriesInstanceUID="1.2.3", Modality="OT")
    images = read_all(save_series([scout, *slices, other]))
    assert sorted(i.spatial for i in images) == [(5, 6, 4), (6, 5), (9, 9)]


@pytest.mark.parametrize(
    ("keyword", "values", "word"),
    [
        ("EchoTime", [4.6, 2.3, 9.2], "echo time in ms 2.3"),
        ("TemporalPositionIdentifier", [2, 3, 1], "time point 1"),
        ("DiffusionBValue", [1000.0, 0.0, 500.0], "b-value in s/mm2 0"),
        ("AcquisitionTime", ["101500", "101400.5", "101600"], "acquisition time"),
        ("ImageType", [["DERIVED", "PRIMARY", x] for x in "WFI"], "image type"),
    ],
)
def test_volumes_on_the_same_slices_become_channels(make_slice: Make, keyword, values, word) -> None:
    made = {}
    for t, value in enumerate(values):
        for k in range(4):
            number = 4 * t + k
            position = [-10.0, -20, 30 + 2.5 * k]
            made[t, k] = make_slice(number, ImagePositionPatient=position, **{keyword: value})
    image = read_datasets(list(made.values()))
    assert image.array.shape == (3, 5, 6, 4)
    assert image.channels[0].startswith(word)
    order = sorted(range(3), key=lambda t: values[t])
    for channel, t in enumerate(order):
        for k in range(4):
            np.testing.assert_array_equal(image.array[channel, :, :, k], stored(made[t, k]))
    assert len(image.source["volumes"]["values"]) == 3
    assert any("3 volumes on the same slices became channels" in note for note in image.notes)
    with pytest.raises(InputError, match="3 volumes on the same slices"):
        read_datasets(list(made.values()), exact=True)
    with pytest.raises(InputError, match=r"incomplete volumes: .*has 2"):
        read_datasets([ds for key, ds in made.items() if key != (1, 2)])


def test_two_attributes_together(make_slice: Make) -> None:
    made = [
        make_slice(n, ImagePositionPatient=[0, 0, 3.0 * k], EchoTime=echo, TriggerTime=time)
        for n, (k, echo, time) in enumerate(
            (k, e, t) for k in range(3) for e in (5.0, 10.0) for t in (0.0, 40.0)
        )
    ]
    image = read_datasets(made)
    assert image.array.shape == (4, 5, 6, 3)
    assert image.source["volumes"]["values"] == ((5.0, 0.0), (5.0, 40.0), (10.0, 0.0), (10.0, 40.0))
    np.testing.assert_array_equal(image.array[2, :, :, 1], stored(made[6]))


def test_instance_numbers_alone(make_slice: Make) -> None:
    made = [make_slice(n, ImagePositionPatient=[0, 0, 3.0 * (n % 4)]) for n in range(8)]
    image = read_datasets(made)
    assert image.array.shape == (2, 5, 6, 4)
    np.testing.assert_array_equal(image.array[1, :, :, 2], stored(made[6]))
    assert any("by InstanceNumber alone" in note for note in image.notes)
    made[1].InstanceNumber, made[6].InstanceNumber = made[6].InstanceNumber, made[1].InstanceNumber
    with pytest.raises(InputError, match="duplicate position"):
        read_datasets(made)


def test_a_series_sent_twice_is_read_once(make_slice: Make) -> None:
    first = [make_slice(k) for k in range(4)]
    again = [make_slice(k) for k in range(4)]
    for k, ds in enumerate(again):
        ds.SOPInstanceUID += ".2"
        ds.InstanceNumber += 4
        ds.filename = f"again{k}.dcm"
    image = read_datasets([*first, *again])
    assert image.array.shape == (1, 5, 6, 4)
    assert any("identical duplicates dropped: again0.dcm, again1.dcm" in note for note in image.notes)


def test_single_slice_at_several_times(make_slice: Make) -> None:
    made = [make_slice(n, ImagePositionPatient=[0, 0, 3.0], TriggerTime=40.0 * n) for n in range(3)]
    image = read_datasets(made)
    assert image.array.shape == (3, 6, 5)
    np.testing.assert_array_equal(image.array[2], stored(made[2]).T)


def test_enhanced_echoes(make_slice: Make) -> None:
    pixels = np.random.default_rng(1).integers(0, 900, (6, 4, 5)).astype(np.uint16)
    shared, frames = Dataset(), []
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing = [0.5, 0.25]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    for echo, z in ((8.0, 0), (8.0, 2), (8.0, 4), (4.0, 4), (4.0, 2), (4.0, 0)):
        frame, position, timing = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [1, 2, z]
        timing.EffectiveEchoTime = echo
        frame.PlanePositionSequence = Sequence([position])
        frame.MREchoSequence = Sequence([timing])
        frames.append(frame)
    ds = make_slice(
        0,
        pixels[0],
        SOPClassUID=EnhancedMRImageStorage,
        NumberOfFrames=6,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )
    ds.PixelData = pixels.tobytes()
    image = read_datasets([ds])
    assert image.channels == ("echo time in ms 4", "echo time in ms 8")
    np.testing.assert_array_equal(image.array[0], pixels[[5, 4, 3]].transpose(2, 1, 0))
    np.testing.assert_array_equal(image.array[1], pixels[:3].transpose(2, 1, 0))


def test_rescale_that_changes_by_slice(make_slice: Make) -> None:
    made = [
        make_slice(k, RescaleSlope=s, RescaleIntercept=i)
        for k, (s, i) in enumerate([(1, 0), (2, -5), (0.5, 1)])
    ]
    image = read_datasets(made)
    assert image.array.dtype == np.float32
    for k, ds in enumerate(made):
        expected = stored(ds) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        np.testing.assert_allclose(image.array[0, :, :, k], expected, rtol=1e-6)


def test_several_series_are_named_and_read_one_by_one(make_slice: Make, save_series: Save) -> None:
    folder = save_series([make_slice(k, SeriesInstanceUID=f"1.2.{k // 3}") for k in range(6)])
    with pytest.raises(InputError, match=r"holds 2 series.*1\.2\.0.*3 files.*1\.2\.1"):
        read_series(folder)
    images = read_all(folder)
    assert [i.source["SeriesInstanceUID"] for i in images] == ["1.2.0", "1.2.1"]
    assert [i.spatial for i in images] == [(5, 6, 3)] * 2


@pytest.mark.parametrize("told", ["AcquisitionNumber", "InstanceNumber"])
def test_two_stacks_pushed_into_one_another_are_refused(make_slice: Make, told: str) -> None:
    # Five slices every 5 mm, and five more 1.5 mm beside them: not one stack with distances of 1.5 and 3.5 mm.
    made = []
    for stack in range(2):
        for k in range(5):
            number = 5 * stack + k if told == "InstanceNumber" else 2 * k + stack
            place = [0, 0, 5.0 * k + 1.5 * stack]
            made.append(make_slice(number, ImagePositionPatient=place, AcquisitionNumber=stack + 1))
            if told == "InstanceNumber":
                del made[-1].AcquisitionNumber
    meaning = {"AcquisitionNumber": "acquisition", "InstanceNumber": "instance number"}[told]
    with pytest.raises(InputError, match=f"more than one stack: {meaning} goes to and fro"):
        read_datasets(made)


def test_every_second_slice_is_noted(make_slice: Make) -> None:
    image = read_datasets([make_slice(k) for k in (0, 2, 4, 6)])
    assert image.notes == ("instance numbers run from 1 to 7 and leave out 3: slices may be missing",)
