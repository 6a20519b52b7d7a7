"""Objects in the SR: each on its very pixels, or in its very mm of the patient, and how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from highdicom.sr import srread
from highdicom.sr.coding import Code
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.clinic.outside import dicom_errors, run
from tests.clinic.results.content import coded, concept, finding, groups, items, numbers, template
from tests.clinic.results.made import in_slice_order, objects
from tests.clinic.results.multiframe import write_enhanced
from tests.clinic.site import BRIGHT, BRIGHT_BOX, write_detector, write_series

from overread.clinic.results.codes import ABNORMAL
from overread.clinic.results.groups.objects import rectangle, slices_of
from overread.errors import InputError
from overread.imaging.boxes import Boxes, to_world
from overread.imaging.dicom.series import read_series
from overread.imaging.image import LPS_TO_RAS
from overread.runtime.answer import Measurement, Objects
from overread.runtime.manifest import Calibration, OperatingPoint, Spread
from overread.runtime.package import Package

PRESENT, ABSENT, UNDETERMINED = ("SCT", "52101004"), ("SCT", "272519000"), ("SCT", "373068000")
OBLIQUE = ["0.8", "0.6", "0", "-0.36", "0.48", "0.8"]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return write_detector(tmp_path / "p.overread")


def regions(group: Dataset) -> list[Dataset]:
    return [i for i in items(group) if i.ValueType in ("SCOORD", "SCOORD3D")]


def points(region: Dataset) -> np.ndarray:
    return np.array(region.GraphicData).reshape(-1, 3 if region.ValueType == "SCOORD3D" else 2)


def answer_of(low: Any, high: Any, axes: int = 3, labels: tuple[int, ...] = (0,), **fields: Any) -> Objects:
    """Boxes of ``nodule`` and ``gizmo`` with falling scores."""
    scores = [0.9 - 0.1 * n for n in range(len(labels))]
    boxes = Boxes.of(low, high, labels, scores, axes=axes)
    return Objects(boxes, ("nodule", "gizmo"), **{"thresholds": {"nodule": 0.5, "gizmo": 0.5}, **fields})


def test_block_in_a_volume(tmp_path: Path, package: Package) -> None:
    files = write_series(tmp_path / "in")
    made = objects(package, files, tmp_path)["sr"]
    assert dicom_errors(made) == []
    found = groups(dcmread(made))
    start = "nodule finder"
    assert list(found) == [f"{start} {n}" for n in ("analysis", "nodule", "gizmo", "nodule 1")]
    assert [template(g) for g in found.values()] == ["1501", "1501", "1501", "1411"]
    nodule = found[f"{start} nodule 1"]
    assert numbers(nodule) == {"Score of the object": (pytest.approx(0.9, abs=1e-5), "1")}
    assert finding(nodule) == (("SCT", "49755003"), ("SCT", "27925004"))
    assert coded(nodule, "Geometric purpose of region") == [("SCT", "75958009")]
    surface = regions(nodule)
    assert {(r.GraphicType, r.ReferencedFrameOfReferenceUID) for r in surface} == {("POLYGON", "1.2.3.9")}
    (c0, r0, _), (c1, r1, _) = BRIGHT_BOX
    for region, k in zip(surface, range(BRIGHT[2].start, BRIGHT[2].stop), strict=True):
        # Columns are 2 mm apart and rows 1 mm; the first pixel's middle lies at -5, -9.
        corners = points(region)
        assert corners.min(axis=0) == pytest.approx([-5 + 2 * (c0 - 0.5), -9 + (r0 - 0.5), 3 * k], abs=1e-4)
        assert corners.max(axis=0) == pytest.approx([-5 + 2 * (c1 - 0.5), -9 + (r1 - 0.5), 3 * k], abs=1e-4)
        assert (corners[0] == corners[-1]).all()
    sources = [i for i in items(nodule) if concept(i) == "Source Image for Segmentation"]
    uids = [str(i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for i in sources]
    assert uids == [f"1.2.3.1.{k + 1}" for k in range(BRIGHT[2].start, BRIGHT[2].stop)]


def test_others_read_it(tmp_path: Path, package: Package) -> None:
    made = objects(package, write_series(tmp_path / "in"), tmp_path)["sr"]
    dump = run("dsrdump", made)
    assert dump.count('SCOORD3D:(,,"Volume Surface")=(POLYGON') == 3
    assert "warning" not in dump.lower()
    report = srread(made)
    [group] = report.content.get_volumetric_roi_measurement_groups()
    assert isinstance(group.roi, highdicom.sr.VolumeSurface)
    assert group.tracking_identifier == "nodule finder nodule 1"
    flat = write_detector(tmp_path / "flat.overread", dimensions=2)
    made = objects(flat, write_series(tmp_path / "one", slices=1, start=2), tmp_path)["sr"]
    [group] = srread(made).content.get_planar_roi_measurement_groups()
    assert isinstance(group.roi, highdicom.sr.ImageRegion)
    assert 'SCOORD:(,,"Image Region")=(POLYLINE' in run("dsrdump", made)


@pytest.mark.parametrize("label_count", [0, 1, 2])
def test_count_of_every_label_also_when_nothing_is_found(
    tmp_path: Path, package: Package, label_count: int
) -> None:
    files = write_series(tmp_path / "in", bright=False)
    low, high = [[1, 1, 1]] * label_count, [[3, 3, 3]] * label_count
    answer = answer_of(low, high, labels=(0,) * label_count)
    made = objects(package, files, tmp_path, answer)["sr"]
    assert dicom_errors(made) == []
    found = groups(dcmread(made))
    assert numbers(found["nodule finder nodule"])["Number of objects found"] == (label_count, "1")
    assert numbers(found["nodule finder gizmo"])["Number of objects found"] == (0, "1")
    assert coded(found["nodule finder nodule"], "Presence") == [PRESENT if label_count else ABSENT]
    assert coded(found["nodule finder gizmo"], "Presence") == [ABSENT]
    assert coded(found["nodule finder analysis"], "Summary of Analyses") == [("DCM", "111222")]
    assert len(found) == 3 + label_count


def test_count_with_its_interval(tmp_path: Path) -> None:
    spread = Spread(low=-1, high=2, coverage=0.9, cases=20)
    package = write_detector(
        tmp_path / "p.overread", calibration=Calibration(count_difference={"nodule": spread})
    )
    made = objects(package, write_series(tmp_path / "in"), tmp_path)["sr"]
    found = numbers(groups(dcmread(made))["nodule finder nodule"])
    assert found == {
        "Number of objects found": (1.0, "1"),
        "Lower limit of 90% prediction interval": (0.0, "1"),
        "Upper limit of 90% prediction interval": (3.0, "1"),
    }


def test_without_a_threshold_nobody_has_decided(tmp_path: Path) -> None:
    point = OperatingPoint(rule="youden", threshold=0.5)
    package = write_detector(tmp_path / "p.overread", operating_points={"gizmo": point})
    made = objects(package, write_series(tmp_path / "in"), tmp_path)["sr"]
    assert dicom_errors(made) == []
    found = groups(dcmread(made))
    assert coded(found["nodule finder nodule"], "Presence") == [UNDETERMINED]
    assert coded(found["nodule finder nodule 1"], "Presence") == [UNDETERMINED]
    assert coded(found["nodule finder gizmo"], "Presence") == [ABSENT]


def test_codes_as_configured(tmp_path: Path, package: Package) -> None:
    wanted = {"nodule": (ABNORMAL, Code("427359005", "SCT", "Solitary nodule of lung"))}
    made = objects(package, write_series(tmp_path / "in"), tmp_path, label_codes=wanted)["sr"]
    assert dicom_errors(made) == []
    found = groups(dcmread(made))
    for name in ("nodule", "nodule 1"):
        assert finding(found[f"nodule finder {name}"])[1] == ("SCT", "427359005")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_any_box_lies_in_its_place_in_the_patient(
    tmp_path: Path, package: Package, seed: int, oblique: bool
) -> None:
    """Corners in the report, taken back by the image's affine, are the box on the slices it holds."""
    folder = tmp_path / f"in{oblique}"
    turned = {"ImageOrientationPatient": OBLIQUE} if oblique else {}
    files = sorted(folder.glob("*.dcm")) or write_series(folder, **turned)
    if oblique:
        normal = np.cross(*np.array(OBLIQUE, float).reshape(2, 3))
        for k, path in enumerate(files):
            ds = dcmread(path)
            ds.ImagePositionPatient = [f"{v:.6f}" for v in np.array([-5, -9, 0]) + 3 * k * normal]
            ds.save_as(path)
    image = read_series(files)
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, np.array(image.spatial) - 2)
    high = np.minimum(low + rng.uniform(0.1, 6, 3), image.spatial)
    made = objects(package, files, tmp_path, answer_of([low], [high]))["sr"]
    group = groups(dcmread(made))["nodule finder nodule 1"]
    into = np.linalg.inv(LPS_TO_RAS @ image.affine)
    held = slices_of(low[2], high[2], image.spatial[2])
    assert template(group) == ("1410" if len(held) == 1 else "1411")
    for region, k in zip(regions(group), held, strict=True):
        corners = points(region)
        voxels = corners @ into[:3, :3].T + into[:3, 3]
        expected = np.column_stack([rectangle(low[:2], high[:2]) - 0.5, np.full(5, k)])
        assert voxels == pytest.approx(expected, abs=1e-3)
    if not oblique:
        world = to_world(Boxes.of([low], [high], [0], axes=3), image.affine)[0]
        every = np.concatenate([points(r) for r in regions(group)])
        # RAS to LPS turns the first two axes about.
        assert every[:, 0].min() == pytest.approx(-world[3], abs=1e-4)
        assert every[:, 1].max() == pytest.approx(-world[1], abs=1e-4)


def test_object_on_one_slice_is_planar(tmp_path: Path, package: Package) -> None:
    files = write_series(tmp_path / "in")
    made = objects(package, files, tmp_path, answer_of([[2, 2, 3.7]], [[5, 5, 4.3]]))["sr"]
    assert dicom_errors(made) == []
    group = groups(dcmread(made))["nodule finder nodule 1"]
    [region] = regions(group)
    assert (template(group), region.ValueType, region.GraphicType) == ("1410", "SCOORD3D", "POLYGON")
    assert set(points(region)[:, 2]) == {12.0}
    [planar] = srread(made).content.get_planar_roi_measurement_groups()
    assert isinstance(planar.roi, highdicom.sr.ImageRegion3D)


def test_slices_that_a_box_holds() -> None:
    assert slices_of(1, 4, 6) == [1, 2, 3]
    assert slices_of(1.5, 3.5, 6) == [1, 2]
    assert slices_of(1.6, 2.4, 6) == [2]
    assert slices_of(5.8, 6, 6) == [5]
    assert slices_of(0, 6, 6) == list(range(6))


def test_volume_without_frame_of_reference_refers_to_pixels(tmp_path: Path, package: Package) -> None:
    files = write_series(tmp_path / "in")
    for path in files:
        ds = dcmread(path)
        del ds.FrameOfReferenceUID
        ds.save_as(path)
    made = objects(package, files, tmp_path)["sr"]
    assert dicom_errors(made) == []
    group = groups(dcmread(made))["nodule finder nodule 1"]
    assert template(group) == "1411"
    found = regions(group)
    assert [(r.ValueType, r.GraphicType) for r in found] == [("SCOORD", "POLYLINE")] * 3
    (c0, r0, _), (c1, r1, _) = BRIGHT_BOX
    for region in found:
        assert points(region).tolist() == [[c0, r0], [c1, r0], [c1, r1], [c0, r1], [c0, r0]]


def test_flat_image_has_no_half_pixel_slip(tmp_path: Path) -> None:
    """0\\0 is the outer corner of the first pixel (PS3.3 C.18.6.1.1): filled in, the rectangle is the block."""
    package = write_detector(tmp_path / "p.overread", dimensions=2)
    [file] = write_series(tmp_path / "in", slices=1, start=2)
    made = objects(package, [file], tmp_path)["sr"]
    assert dicom_errors(made) == []
    group = groups(dcmread(made))["nodule finder nodule 1"]
    [region] = regions(group)
    assert (template(group), region.GraphicType) == ("1410", "POLYLINE")
    corners = points(region)
    assert (corners[0] == corners[-1]).all()
    pixels = dcmread(file).pixel_array
    inside = np.zeros(pixels.shape, bool)
    rows, columns = np.indices(pixels.shape) + 0.5
    (c0, r0), (c1, r1) = corners.min(axis=0), corners.max(axis=0)
    inside = (columns > c0) & (columns < c1) & (rows > r0) & (rows < r1)
    assert np.array_equal(inside, pixels == 900)
    assert (c0, r0, c1, r1) == pytest.approx((*BRIGHT_BOX[0][:2], *BRIGHT_BOX[1][:2]), abs=1e-4)
    [source] = [i for i in items(region) if i.ValueType == "IMAGE"]
    reference = source.ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == dcmread(file).SOPInstanceUID
    assert "ReferencedFrameNumber" not in reference


def test_box_on_a_radiograph_is_kept_within_it(tmp_path: Path, data_dir: Path) -> None:
    source = data_dir / "dicom_cr_radiographs" / "RG3_J2KR.dcm"
    package = write_detector(tmp_path / "p.overread", dimensions=2)
    header = dcmread(source, stop_before_pixels=True)
    answer = answer_of([[100.25, 200.5], [-3, 5]], [[300, 480], [10, header.Columns + 9]], 2, (0, 1))
    made = objects(package, [source], tmp_path, answer)["sr"]
    assert dicom_errors(made) == []
    found = groups(dcmread(made))
    [first], [second] = regions(found["nodule finder nodule 1"]), regions(found["nodule finder gizmo 2"])
    assert points(first)[:3].tolist() == [[200.5, 100.25], [480, 100.25], [480, 300]]
    assert points(second).min() == 0
    assert points(second)[:, 0].max() == header.Columns
    assert coded(found["nodule finder gizmo"], "Presence") == [PRESENT]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_multi_frame_object(tmp_path: Path, package: Package, order: list[int]) -> None:
    source = write_enhanced(tmp_path / "enhanced.dcm", order)
    made = objects(package, [source], tmp_path)["sr"]
    assert dicom_errors(made) == []
    group = groups(dcmread(made))["nodule finder nodule 1"]
    heights = [set(points(r)[:, 2].tolist()) for r in regions(group)]
    assert heights == [{3.0}, {6.0}, {9.0}]
    frames = [
        int(i.ReferencedSOPSequence[0].ReferencedFrameNumber)
        for i in items(group)
        if concept(i) == "Source Image for Segmentation"
    ]
    assert frames == [order.index(k) + 1 for k in (1, 2, 3)]


def test_multi_frame_object_without_place_refers_to_frames(tmp_path: Path, package: Package) -> None:
    source = write_enhanced(tmp_path / "enhanced.dcm", [3, 1, 0, 2])
    ds = dcmread(source)
    del ds.FrameOfReferenceUID
    ds.save_as(source)
    made = objects(package, [source], tmp_path, answer_of([[1, 1, 1]], [[3, 3, 3]]))["sr"]
    group = groups(dcmread(made))["nodule finder nodule 1"]
    references = [items(r)[0].ReferencedSOPSequence[0] for r in regions(group)]
    assert [int(r.ReferencedFrameNumber) for r in references] == [2, 4]


def test_slices_of_several_frames_of_reference_refer_to_pixels(tmp_path: Path, package: Package) -> None:
    files = write_series(tmp_path / "in")
    ds = dcmread(files[2])
    ds.FrameOfReferenceUID = "1.2.3.10"
    ds.save_as(files[2])
    made = objects(package, files, tmp_path, answer_of([[1, 1, 1]], [[3, 3, 4]]))["sr"]
    assert dicom_errors(made) == []
    found = regions(groups(dcmread(made))["nodule finder nodule 1"])
    assert [r.ValueType for r in found] == ["SCOORD"] * 3


def test_tracking_is_alike_in_every_writing_of_a_run(tmp_path: Path, package: Package) -> None:
    files = write_series(tmp_path / "in")
    answer = answer_of([[1, 1, 1]] * 3, [[3, 3, 3]] * 3, labels=(0, 0, 1))
    made = [objects(package, files, tmp_path, answer)["sr"].read_bytes() for _ in range(2)]
    assert made[0] == made[1]
    found = groups(dcmread(tmp_path / "sr.dcm"))
    uids = [next(str(i.UID) for i in items(g) if i.ValueType == "UIDREF") for g in found.values()]
    assert list(found)[3:] == [f"nodule finder {n}" for n in ("nodule 1", "nodule 2", "gizmo 3")]
    assert len(set(uids)) == len(uids)


def test_other_measurements_of_a_label_are_said(tmp_path: Path, package: Package) -> None:
    extra = (Measurement("nodule", "load", 2.5, None, None, "ml"),)
    answer = answer_of([[1, 1, 1]], [[3, 3, 3]], measurements=extra)
    made = objects(package, write_series(tmp_path / "in"), tmp_path, answer)["sr"]
    assert dicom_errors(made) == []
    found = numbers(groups(dcmread(made))["nodule finder nodule"])
    assert found == {"load": (2.5, "ml"), "Number of objects found": (1.0, "1")}


def test_boxes_of_another_grid_are_refused(tmp_path: Path, package: Package) -> None:
    files = write_series(tmp_path / "in")
    flat = answer_of([[1, 1]], [[3, 3]], axes=2)
    with pytest.raises(InputError, match="12 x 10 x 6 voxels, the images have 6 planes"):
        objects(package, files, tmp_path, flat)
    # Without a box there is nothing to refer to.
    objects(package, files, tmp_path, answer_of([], [], axes=2, labels=()))
    _, ordered, _ = in_slice_order(files)
    assert len(ordered) == 6
