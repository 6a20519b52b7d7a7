"""DICOM series made to order: geometry, pixel values, and every refusal by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, FileDataset, Sequence
from pydicom.uid import EnhancedMRImageStorage, JPEG2000Lossless, JPEGLSLossless, RLELossless

from overread.errors import InputError
from overread.imaging.dicom.series import group_series, read_datasets, read_headers, read_series

Make = Callable[..., FileDataset]
Save = Callable[..., Path]


def world(ds: Dataset, row: int, column: int) -> np.ndarray:
    """RAS mm of a pixel by the equation of PS3.3 C.7.6.2.1.1, written out in full."""
    x, y = ds.ImageOrientationPatient[:3], ds.ImageOrientationPatient[3:]
    between_rows, between_columns = ds.PixelSpacing
    lps = [
        float(ds.ImagePositionPatient[k]) + x[k] * between_columns * column + y[k] * between_rows * row
        for k in range(3)
    ]
    return np.array([-lps[0], -lps[1], lps[2]])


def oblique(
    make_slice: Make, angles: tuple[float, float, float], step: float, count: int
) -> list[FileDataset]:
    from scipy.spatial.transform import Rotation

    axes = Rotation.from_euler("xyz", angles).as_matrix()
    return [
        make_slice(
            k,
            ImageOrientationPatient=[round(v, 12) for v in [*axes[:, 0], *axes[:, 1]]],
            ImagePositionPatient=[round(v, 8) for v in np.array([5.0, -7, 11]) + k * step * axes[:, 2]],
        )
        for k in range(count)
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.floats(0.3, 8),
    st.integers(2, 6),
    st.randoms(use_true_random=False),
)
def test_every_voxel_has_its_value_and_place(make_slice: Make, angles, step, count, random) -> None:
    datasets = oblique(make_slice, angles, step, count)
    shuffled = list(datasets)
    random.shuffle(shuffled)
    image = read_datasets(shuffled)
    assert image.array.shape == (1, 5, 6, count)
    for k, ds in enumerate(datasets):
        assert image.source["SOPInstanceUIDs"][k] == ds.SOPInstanceUID
        pixels = np.frombuffer(ds.PixelData, np.uint16).reshape(6, 5)
        np.testing.assert_array_equal(image.array[0, :, :, k], pixels.T)
        for row, column in ((0, 0), (5, 4), (2, 3)):
            here = image.affine @ [column, row, k, 1]
            np.testing.assert_allclose(here[:3], world(ds, row, column), atol=1e-5)


def test_facts(make_slice: Make, save_series: Save) -> None:
    folder = save_series([make_slice(k, PatientSex="F", BodyPartExamined="BRAIN") for k in range(3)])
    image = read_series(folder)
    assert image.modality == "MR"
    assert image.source["path"] == str(folder)
    assert image.source["age_years"] == 45
    assert image.source["PatientSex"] == "F"
    assert image.source["BodyPartExamined"] == "BRAIN"
    assert image.notes == ()
    assert [h.InstanceNumber for h in read_headers(folder)] == [1, 2, 3]
    assert all("PixelData" not in h for h in read_headers(folder))


@pytest.mark.parametrize(
    ("attributes", "years"),
    [
        ({"PatientAge": "006M"}, 0.5),
        ({"PatientAge": "010D"}, 10 / 365.25),
        ({"PatientAge": None, "PatientBirthDate": "19800101", "StudyDate": "20200101"}, 40.0),
        ({"PatientAge": "42", "PatientBirthDate": "19800101", "StudyDate": "20200101"}, 40.0),
        ({"PatientAge": "42"}, None),
        ({"PatientAge": None, "PatientBirthDate": "20200101", "StudyDate": "19800101"}, None),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_age(make_slice: Make, attributes, years) -> None:
    age = read_datasets([make_slice(**attributes)]).source.get("age_years")
    assert age == (None if years is None else pytest.approx(years, abs=0.01))


def test_one_plane_is_2d_with_row_first(make_slice: Make) -> None:
    ds = make_slice()
    image = read_datasets([ds])
    np.testing.assert_array_equal(image.array[0], np.frombuffer(ds.PixelData, np.uint16).reshape(6, 5))
    assert image.spacing == pytest.approx((0.8, 0.6))
    np.testing.assert_allclose((image.affine @ [4, 3, 0, 1])[:3], world(ds, 4, 3))


def test_radiograph_spacing_is_told(make_slice: Make) -> None:
    plain = {"ImageOrientationPatient": None, "ImagePositionPatient": None, "PixelSpacing": None}
    image = read_datasets([make_slice(**plain, Modality="DX", ImagerPixelSpacing=[0.2, 0.1])])
    assert image.spacing == pytest.approx((0.2, 0.1))
    assert "at the detector" in " ".join(image.notes)
    assert "spacing_known" not in image.source
    image = read_datasets([make_slice(**plain, Modality="CR")])
    assert image.spacing == (1.0, 1.0)
    assert "1 mm was assumed" in " ".join(image.notes)
    assert image.source["spacing_known"] is False
    assert "spacing_known" not in read_datasets([make_slice(0), make_slice(1)]).source
    with pytest.raises(InputError, match="one image at a time"):
        read_datasets([make_slice(0, **plain), make_slice(1, **plain)])


def test_rescale_per_slice(make_slice: Make) -> None:
    pixels = np.array([[0, 1], [1000, 4095]])
    made = [
        make_slice(k, pixels, RescaleSlope=1 + k / 2, RescaleIntercept=-1024, BitsStored=12, HighBit=11)
        for k in (0, 1)
    ]
    image = read_datasets(made)
    assert image.array.dtype == np.float32
    np.testing.assert_allclose(image.array[0, :, :, 0], pixels.T - 1024.0)
    np.testing.assert_allclose(image.array[0, :, :, 1], pixels.T * 1.5 - 1024.0)
    whole = read_datasets(
        [
            make_slice(k, pixels, RescaleSlope=1, RescaleIntercept=-1024, BitsStored=12, HighBit=11)
            for k in (0, 1)
        ]
    )
    assert whole.array.dtype == np.int16
    np.testing.assert_array_equal(whole.array[0, :, :, 0], pixels.T - 1024)


def test_signed_values(make_slice: Make) -> None:
    pixels = np.array([[-2000, -1], [0, 30000]], dtype=np.int16)
    np.testing.assert_array_equal(read_datasets([make_slice(0, pixels)]).array[0], pixels)


def test_modality_lut(make_slice: Make) -> None:
    lut = Dataset()
    lut.LUTDescriptor = [4, 0, 16]
    lut.ModalityLUTType = "US"
    lut.LUTData = [7, 70, 700, 7000]
    ds = make_slice(0, np.array([[0, 1], [2, 3]]), ModalityLUTSequence=Sequence([lut]))
    ds.ModalityLUTSequence[0]["LUTDescriptor"].VR = "US"
    ds.ModalityLUTSequence[0]["LUTData"].VR = "US"
    image = read_datasets([ds])
    np.testing.assert_array_equal(image.array[0], [[7, 70], [700, 7000]])
    assert "Modality LUT applied" in image.notes


def test_monochrome1(make_slice: Make) -> None:
    pixels = np.array([[0, 1], [2, 1023]])
    ten = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 10, "HighBit": 9}
    image = read_datasets([make_slice(0, pixels, Modality="CR", **ten)])
    np.testing.assert_array_equal(image.array[0], 1023 - pixels)
    assert "MONOCHROME1 inverted" in image.notes[0]
    kept = read_datasets([make_slice(0, pixels, Modality="CT", **ten)])
    np.testing.assert_array_equal(kept.array[0], pixels)
    assert "values kept" in kept.notes[0]


def test_rgb(make_slice: Make) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 7, 3)).astype(np.uint8)
    image = read_datasets([make_slice(0, pixels)])
    np.testing.assert_array_equal(image.array, np.moveaxis(pixels, -1, 0))
    volume = read_datasets([make_slice(0, pixels), make_slice(1, pixels)])
    np.testing.assert_array_equal(volume.array[:, :, :, 1], pixels.transpose(2, 1, 0))


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_equals_uncompressed(make_slice: Make, save_series: Save, syntax) -> None:
    from pathlib import Path as _Path

    import pydicom

    names = {JPEGLSLossless: "MR_small_jpeg_ls_lossless.dcm", JPEG2000Lossless: "MR_small_jp2klossless.dcm"}
    folder = _Path(pydicom.__file__).parent / "data" / "test_files"
    found = read_series(folder / names.get(syntax, "MR_small_RLE.dcm"))
    plain = pydicom.dcmread(folder / "MR_small.dcm")
    np.testing.assert_array_equal(found.array[0], np.frombuffer(plain.PixelData, "<i2").reshape(64, 64))


def test_enhanced_multiframe(make_slice: Make) -> None:
    pixels = np.random.default_rng(1).integers(0, 900, (3, 4, 5)).astype(np.uint16)
    shared, frames = Dataset(), []
    measures, orientation, value = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.25], 2
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    value.RescaleSlope, value.RescaleIntercept = 2, 1
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([value])
    for z in (4.0, 0.0, 2.0):
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [1, 2, z]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    ds = make_slice(
        0,
        pixels[0],
        SOPClassUID=EnhancedMRImageStorage,
        NumberOfFrames=3,
        ImageOrientationPatient=None,
        ImagePositionPatient=None,
        PixelSpacing=None,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )
    ds.PixelData = pixels.tobytes()
    image = read_datasets([ds])
    np.testing.assert_array_equal(image.array[0], 2 * pixels[[1, 2, 0]].transpose(2, 1, 0) + 1)
    np.testing.assert_allclose(image.affine @ [4, 3, 2, 1], [-1 - 4 * 0.25, -2 - 3 * 0.5, 4, 1])
    assert image.source["SOPInstanceUIDs"] == (ds.SOPInstanceUID,)
    del ds.PerFrameFunctionalGroupsSequence
    frames_only = read_datasets([ds])
    assert frames_only.source["last_axis"] == "frame"
    assert "no plane positions" in frames_only.notes[0]


def refusals(make: Make) -> dict[str, tuple[list[FileDataset], str]]:
    """Faulty series by name, and what the message must say."""
    good = [make(k) for k in range(5)]
    aside = [make(k, ImagePositionPatient=[0, 3.0 if k == 2 else 0, 2.5 * k]) for k in range(4)]
    hole = [make(k, ImagePositionPatient=[0, 0, z]) for k, z in enumerate((0, 2.5, 5, 12.3, 14.8))]
    return {
        "missing": (good[:2] + good[3:], r"1 missing slice: .*slice1\.dcm and slice3\.dcm is 5\.0000 mm"),
        "missing three": (good[:1] + good[2:3] + [make(6), make(5), make(4), good[3]], r"1 missing slice"),
        "aside": (aside, r"slice2\.dcm lies 3\.000 mm aside of the line from slice0\.dcm to slice3\.dcm"),
        "hole": (hole, r"about 2 missing slices: .*slice2\.dcm and slice3\.dcm is 7\.3000 mm"),
        "orientations": (
            [*good, make(7, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])],
            r"mixed orientations: slice7\.dcm",
        ),
        "doubled place": (
            [*good, make(9, ImagePositionPatient=[-10, -20, 30])],
            r"slice0\.dcm at .* slice9\.dcm",
        ),
        "sizes": ([*good, make(5, np.zeros((6, 6)))], r"6 x 6 rows x columns, but slice0\.dcm has 6 x 5"),
        "spacings": ([*good, make(5, PixelSpacing=[0.8, 0.7])], r"slice5\.dcm: PixelSpacing"),
        "no spacing": ([make(k, PixelSpacing=None) for k in range(3)], "PixelSpacing is missing"),
        "series": ([*good, make(5, SeriesInstanceUID="1.2.3")], r"holds 2 series, .*1\.2\.3"),
        "no pixels": ([make(0, Rows=None)], "Rows is missing"),
        "truncated": ([make(0, Rows=7)], r"truncated: 60 of 70 bytes"),
        "absurd": ([make(0, Rows=65535, Columns=65535)], r"truncated: 60 of 8589672450 bytes"),
        "photometric": ([make(0, PhotometricInterpretation="HSV")], "PhotometricInterpretation is HSV"),
        "skew axes": ([make(0, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])], "perpendicular"),
        "segmentation": (
            [make(0), make(1, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")],
            r"slice1\.dcm: is a segmentation, one of 2 files",
        ),
        "slope": ([make(0, RescaleSlope=0)], "RescaleSlope is 0"),
    }


NAMES = ["missing", "missing three", "aside", "hole", "orientations", "doubled place", "sizes", "spacings"]
NAMES += ["no spacing", "series", "no pixels", "truncated", "absurd", "photometric", "skew axes", "slope"]
NAMES += ["segmentation"]


@pytest.mark.parametrize("name", NAMES)
def test_refusals(make_slice: Make, name: str) -> None:
    datasets, message = refusals(make_slice)[name]
    with pytest.raises(InputError, match=message) as caught:
        read_datasets(datasets)
    assert "\n" not in str(caught.value)


def test_all_refusals_are_tested(make_slice: Make) -> None:
    assert set(refusals(make_slice)) == set(NAMES)


def test_spacing_tolerance_is_as_stated(make_slice: Make) -> None:
    def stack(off: float) -> list[FileDataset]:
        return [
            make_slice(k, ImagePositionPatient=[0, 0, 2.5 * k + (off if k == 2 else 0)]) for k in range(5)
        ]

    assert read_datasets(stack(0.024)).spatial == (5, 6, 5)
    uneven = read_datasets(stack(0.027))
    assert "uneven slice spacing" in uneven.notes[0]
    with pytest.raises(InputError, match=r"uneven slice spacing.*slice1\.dcm and slice2\.dcm"):
        read_datasets(stack(0.027), exact=True)


def test_identical_duplicates_are_dropped_and_noted(make_slice: Make) -> None:
    double = make_slice(2)
    double.SOPInstanceUID += ".1"
    double.filename = "again.dcm"
    image = read_datasets([*[make_slice(k) for k in range(4)], double])
    assert image.spatial[2] == 4
    assert "again.dcm" in " ".join(image.notes)


def test_equal_pixels_elsewhere_in_the_plane_are_no_duplicate(make_slice: Make) -> None:
    tile = make_slice(2, SOPInstanceUID="1.2.3", ImagePositionPatient=[-10.0, 40.0, 35.0])
    with pytest.raises(InputError, match="duplicate position"):
        read_datasets([*[make_slice(k) for k in range(4)], tile])


def test_folder_names_what_was_passed_over(make_slice: Make, save_series: Save) -> None:
    folder = save_series([make_slice(k) for k in range(3)])
    (folder / "README").write_text("not an image")
    assert "1 files in the folder are not DICOM" in read_series(folder).notes[0]
    (folder / "003.dcm").write_bytes(b"")
    with pytest.raises(InputError, match=r"003\.dcm"):
        read_series(folder)


def test_group_series(make_slice: Make, save_series: Save) -> None:
    folder = save_series([make_slice(k, SeriesInstanceUID=f"1.2.{k % 2}") for k in range(4)])
    groups = group_series(sorted(folder.iterdir()))
    assert {uid: [p.name for p in paths] for uid, paths in groups.items()} == {
        "1.2.0": ["000.dcm", "002.dcm"],
        "1.2.1": ["001.dcm", "003.dcm"],
    }


def test_nothing_given(tmp_path: Path) -> None:
    for call in (lambda: read_datasets([]), lambda: read_series([]), lambda: read_series(tmp_path)):
        with pytest.raises(InputError):
            call()
    with warnings.catch_warnings(), pytest.raises(InputError, match="no such file"):
        read_series([tmp_path / "absent.dcm"])
