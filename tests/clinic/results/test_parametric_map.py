"""Parametric map: the probabilities come back in their place for readers of others."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from highdicom.pm import ParametricMap
from pydicom import dcmread
from tests.clinic.outside import run
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import write_segmenter, write_series

from overread.clinic.results.frames import frames_of
from overread.clinic.results.material import Material
from overread.imaging.dicom.series import read_series


@pytest.fixture
def made(tmp_path: Path) -> tuple[Material, Path]:
    files = write_series(tmp_path / "in")
    made_of = material(write_segmenter(tmp_path / "p.overread"), files, objects=["map"])
    return made_of, all_objects(made_of, tmp_path / "out")["map"]


def test_values_come_back_through_highdicom(made: tuple[Material, Path]) -> None:
    made_of, path = made
    read = ParametricMap.from_dataset(dcmread(path))
    expected = frames_of(made_of.maps["probability of lesion"]) / np.float32(255)
    # Frames stand in an order of the writer's own: each says which image it belongs to.
    for frame, group in zip(read.pixel_array, read.PerFrameFunctionalGroupsSequence, strict=True):
        uid = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        number = int(uid.split(".")[-1])
        np.testing.assert_array_equal(frame, expected[number - 1])
        assert group.PlanePositionSequence[0].ImagePositionPatient[2] == 3 * (number - 1)
    assert read.FrameOfReferenceUID == "1.2.3.9"
    mapping = read.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.LUTExplanation == "Probability of lesion"


def test_dcmqi_puts_it_where_the_image_lies(made: tuple[Material, Path], tmp_path: Path) -> None:
    made_of, path = made
    run("paramap2itkimage", "--inputDICOM", path, "--outputDirectory", tmp_path, "-t", "nii")
    (out,) = tmp_path.glob("*.nii*")
    theirs = nibabel.load(out)
    image = read_series(list(made_of.files))
    # Both may lay their axes as they like: where the brightest voxels lie in the patient is what counts.
    ours = np.argwhere(made_of.maps["probability of lesion"] == 255)
    there = np.argwhere(np.asarray(theirs.dataobj) == 1)
    expected = nibabel.affines.apply_affine(image.affine, ours)
    found = nibabel.affines.apply_affine(theirs.affine, there)
    assert {tuple(p) for p in np.round(found, 3)} == {tuple(p) for p in np.round(expected, 3)}


def test_none_without_maps(tmp_path: Path) -> None:
    made_of = material(write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in"))
    made_of.result.maps.clear()  # type: ignore[union-attr]
    assert "map" not in all_objects(made_of, tmp_path)
