"""SEG: valid for dciodvfy, and the mask comes back in its place for readers of others."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from tests.clinic.outside import dicom_errors, run
from tests.clinic.results.made import RUN, all_objects, given_mask, in_slice_order, material, objects
from tests.clinic.results.multiframe import write_enhanced
from tests.clinic.site import BRIGHT, SHAPE, plane_of, write_segmenter, write_series

from overread.clinic.results.frames import frames_of
from overread.clinic.results.seg import make_seg
from overread.errors import InputError
from overread.imaging.dicom.series import read_series


@pytest.fixture
def seg(tmp_path: Path) -> Path:
    package = write_segmenter(tmp_path / "p.overread")
    return objects(package, write_series(tmp_path / "in"), tmp_path)["seg"]


def test_dciodvfy_finds_no_error(seg: Path) -> None:
    assert dicom_errors(seg) == []


def test_segments_are_described_as_made_by_an_algorithm(seg: Path) -> None:
    ds = dcmread(seg)
    assert ds.SegmentationType == "BINARY"
    assert [s.SegmentLabel for s in ds.SegmentSequence] == ["lesion", "edema"]
    first = ds.SegmentSequence[0]
    assert first.SegmentAlgorithmType == "AUTOMATIC"
    algorithm = first.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("block finder", "1.2")
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == "52988006"
    assert ds.ContentQualification == "RESEARCH"
    assert ds.SeriesDescription.endswith(" AI")
    assert ds.FrameOfReferenceUID == "1.2.3.9"
    assert (ds.ContentDate, ds.DeviceSerialNumber) == ("20260304", "17")


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    files = write_series(tmp_path / "in")
    first, second = (objects(package, files, tmp_path / name) for name in "ab")
    for kind in ("seg", "sr"):
        assert first[kind].read_bytes() == second[kind].read_bytes()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.5, 1.0]))
def test_any_mask_comes_back_through_highdicom(tmp_path: Path, seed: int, density: float) -> None:
    import highdicom

    folder = tmp_path / "in"
    package = write_segmenter(tmp_path / "p.overread")
    files = sorted(folder.glob("*.dcm")) or write_series(folder)
    _, files, headers = in_slice_order(files)
    rng = np.random.default_rng(seed)
    mask = (rng.integers(1, 3, SHAPE) * (rng.random(SHAPE) < density)).astype(np.uint8)
    mask[0, 0, 0] = 1
    made = make_seg(mask, package, files, headers, RUN)
    seg = highdicom.seg.Segmentation.from_dataset(made)
    back = seg.get_pixels_by_source_instance(
        [h.SOPInstanceUID for h in headers], combine_segments=True, assert_missing_frames_are_empty=True
    )
    assert np.array_equal(back, frames_of(mask))


def test_mask_lies_in_place_for_dcmqi(seg: Path, tmp_path: Path) -> None:
    out = tmp_path / "nifti"
    out.mkdir()
    run("segimage2itkimage", "-t", "nifti", "--outputDirectory", out, "--inputDICOM", seg)
    image = read_series(sorted((tmp_path / "in").glob("*.dcm")))
    expected = np.zeros(SHAPE, bool)
    expected[BRIGHT] = True
    found = [nibabel.load(p) for p in sorted(out.glob("*.nii.gz"))]
    masks = [np.asarray(n.dataobj) > 0 for n in found]
    lesion = next(n for n, m in zip(found, masks, strict=True) if m.any())
    inside = np.argwhere(np.asarray(lesion.dataobj) > 0)
    # Compared by where the voxels are in the patient, whatever grid the reader chose.
    theirs = {tuple(np.round(nibabel.affines.apply_affine(lesion.affine, v), 2) + 0.0) for v in inside}
    ours = {tuple(np.round((image.affine @ [*v, 1])[:3], 2) + 0.0) for v in np.argwhere(expected)}
    assert theirs == ours


def test_one_plane(tmp_path: Path, data_dir: Path) -> None:
    source = data_dir / "dicom_cr_radiographs" / "RG3_J2KR.dcm"
    package = write_segmenter(tmp_path / "p.overread")
    image, _, _ = in_slice_order([source])
    mask = np.zeros(image.spatial, np.uint8)
    mask[200:300, 500:900] = 1
    made = objects(package, [source], tmp_path, given_mask(mask))
    assert dicom_errors(made["seg"]) == []
    assert dicom_errors(made["sr"]) == []
    assert np.array_equal(np.squeeze(dcmread(made["seg"]).pixel_array), mask)


def test_empty_mask_makes_no_seg(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    files = write_series(tmp_path / "in", bright=False)
    assert set(objects(package, files, tmp_path)) == {"sr"}
    _, files, headers = in_slice_order(files)
    with pytest.raises(ValueError, match="empty"):
        make_seg(np.zeros(SHAPE, np.uint8), package, files, headers, RUN)


def test_frames_of_a_multi_frame_source_in_any_order(tmp_path: Path) -> None:
    source = write_enhanced(tmp_path / "enhanced.dcm", [3, 0, 5, 1, 4, 2])
    package = write_segmenter(tmp_path / "p.overread")
    made = objects(package, [source], tmp_path)
    assert dicom_errors(made["seg"]) == []
    assert dicom_errors(made["sr"]) == []
    seg = dcmread(made["seg"])
    planes = {}
    for frame, group in zip(seg.pixel_array, seg.PerFrameFunctionalGroupsSequence, strict=True):
        planes[float(group.PlanePositionSequence[0].ImagePositionPatient[2])] = frame
    assert {z: int(p.sum()) for z, p in planes.items()} == {3.0: 12, 6.0: 12, 9.0: 12}
    assert all(np.array_equal(p > 0, plane_of(1) == 900) for p in planes.values())


@pytest.mark.parametrize("kind", ["fractional", "labelmap"])
def test_other_kinds_come_back_through_highdicom(tmp_path: Path, kind: str) -> None:
    import highdicom

    files = write_series(tmp_path / "in")
    made_of = material(write_segmenter(tmp_path / "p.overread"), files, objects=["seg"], segmentation=kind)
    read = highdicom.seg.segread(all_objects(made_of, tmp_path / "out")["seg"])
    assert read.segmentation_type.value == kind.upper()
    uids = [str(h.SOPInstanceUID) for h in made_of.headers]
    pixels = read.get_pixels_by_source_instance(
        uids,
        combine_segments=kind == "labelmap",
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    lesion = pixels[..., 0] if kind == "fractional" else pixels == 1
    expected = frames_of(made_of.maps["probability of lesion"]) / np.float32(255)
    np.testing.assert_allclose(lesion, expected, atol=1 / 255)


def test_fractional_needs_the_probabilities(tmp_path: Path) -> None:
    package, files = write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in")
    _, files, headers = in_slice_order(files)
    with pytest.raises(InputError, match="no probabilities of lesion"):
        make_seg(np.ones(SHAPE, np.uint8), package, files, headers, RUN, kind="fractional")
