"""Which route, which series for which channel, and one image of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clinic.site import SHAPE, plane_of, write_segmenter, write_series

from overread.clinic.assemble import UnusableError, assemble, choose_series, list_series
from overread.runtime.manifest import Channel, Manifest

T1 = Channel(name="T1", modality=["MR"], match={"SeriesDescription": "^T1"})
FLAIR = Channel(name="FLAIR", modality=["MR"], match={"SeriesDescription": "(?i)flair"})


def manifest(folder: Path, *channels: Channel) -> Manifest:
    return write_segmenter(folder / "p.overread", channels).manifest


def study(folder: Path, **second: Any) -> list[Any]:
    first = write_series(folder / "1", series="1.2.1")
    more = write_series(folder / "2", series="1.2.2", **{"description": "Flair axial", **second})
    return list_series(first + more)


def test_series_are_told_apart(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert [(s.uid, len(s.files)) for s in found] == [("1.2.1", 6), ("1.2.2", 6)]
    assert str(found[0]) == "MR T1 (6 instances, series 1.2.1)"


def test_each_channel_has_its_series(tmp_path: Path) -> None:
    series = study(tmp_path)
    assert choose_series(T1, series).uid == "1.2.1"
    assert choose_series(FLAIR, series).uid == "1.2.2"
    with pytest.raises(UnusableError, match="no series fits") as caught:
        choose_series(Channel(name="CT", modality=["CT"]), series)
    assert caught.value.code == "CHANNEL_MISSING"
    with pytest.raises(UnusableError, match="2 series fit") as caught:
        choose_series(Channel(name="any"), series)
    assert caught.value.code == "CHANNEL_UNCLEAR"


def test_objects_without_pixels_are_no_candidates(tmp_path: Path, data_dir: Path) -> None:
    reports = sorted((data_dir / "dicom_seg_sr" / "dcmqi_sr").rglob("*.dcm"))[:1]
    series = list_series(write_series(tmp_path / "1") + reports)
    assert len(series) == 2
    assert choose_series(Channel(name="any"), series).header.Modality == "MR"


def test_one_series_for_two_channels_is_refused(tmp_path: Path) -> None:
    series = list_series(write_series(tmp_path / "1"))
    twice = (Channel(name="a"), Channel(name="b"))
    with pytest.raises(UnusableError, match="channels a and b: one series fits both"):
        assemble(manifest(tmp_path, *twice), series)


def test_channels_on_one_grid(tmp_path: Path) -> None:
    made = assemble(manifest(tmp_path, FLAIR, T1), study(tmp_path))
    assert made.image.channels == ("FLAIR", "T1")
    assert made.image.spatial == SHAPE
    assert [p.parent.name for p in made.files] == ["2"] * 6 + ["1"] * 6
    assert np.array_equal(made.image.array[0][:, :, 2].T, plane_of(2))
    # In slice order, whatever the order of the names.
    assert [p.stem for p in made.first] == [f"1.2.2.{k + 1}" for k in range(6)]
    assert made.image.notes == ()


def test_another_grid_of_the_same_frame_is_resampled_and_said(tmp_path: Path) -> None:
    series = study(tmp_path, slices=4)
    made = assemble(manifest(tmp_path, T1, FLAIR), series)
    assert made.image.array.shape == (2, *SHAPE)
    assert np.array_equal(made.image.array[1][:, :, 1].T, plane_of(1))
    assert np.all(made.image.array[1][:, :, 5] == 0)
    assert any("resampled from 12 x 10 x 4 to the first channel's grid" in n for n in made.image.notes)


@pytest.mark.parametrize("frame", ["1.2.8", ""])
def test_another_frame_of_reference_is_refused(tmp_path: Path, frame: str) -> None:
    series = study(tmp_path, frame=frame)
    with pytest.raises(UnusableError, match="frame of reference") as caught:
        assemble(manifest(tmp_path, T1, FLAIR), series)
    assert caught.value.code == "FRAME_DIFFERS"


def test_series_that_cannot_be_read(tmp_path: Path) -> None:
    files = write_series(tmp_path / "1")
    files[2].unlink()
    with pytest.raises(UnusableError) as caught:
        assemble(manifest(tmp_path, T1), list_series(files[:2] + files[3:]))
    assert caught.value.code == "UNREADABLE"


def test_two_patients_are_never_one_study(tmp_path: Path) -> None:
    """In one series, or in two of one study, also where the package reads one of them only."""
    first = write_series(tmp_path / "1", series="1.2.1", slices=3)
    one_series = first + write_series(tmp_path / "2", series="1.2.1", slices=3, start=3, PatientID="P2")
    two_series = first + write_series(tmp_path / "3", series="1.2.2", description="Flair", PatientID="P2")
    for files in (one_series, two_series):
        with pytest.raises(UnusableError, match="2 different values of PatientID") as caught:
            assemble(manifest(tmp_path, T1), list_series(files))
        assert caught.value.code == "PATIENT_DIFFERS"
        assert "P1" not in str(caught.value) and "P2" not in str(caught.value)


def test_another_name_under_one_id_is_noted(tmp_path: Path) -> None:
    first = write_series(tmp_path / "1", series="1.2.1")
    second = write_series(tmp_path / "2", series="1.2.2", description="Flair", PatientName="Schmidt^Eva")
    made = assemble(manifest(tmp_path, T1), list_series(first + second))
    assert [n for n in made.image.notes if "PatientName differs" in n]
    alike = write_series(tmp_path / "3", series="1.2.3", description="Flair", PatientName="M\xdcLLER^EVA^^")
    made = assemble(manifest(tmp_path, T1), list_series(first + alike))
    assert not [n for n in made.image.notes if "PatientName" in n]


def test_a_grid_beyond_all_bounds_has_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = study(tmp_path, PixelSpacing=["2", "1"])
    monkeypatch.setattr("overread.imaging.grid.bounds.MOST_VOXELS", 100)
    with pytest.raises(UnusableError) as caught:
        assemble(manifest(tmp_path, T1, FLAIR), series)
    assert caught.value.code == "GRID"


def test_a_prior_is_read_from_the_latest_study_that_has_one(tmp_path: Path) -> None:
    earlier = Channel(name="before", modality=["MR"], match={"SeriesDescription": "^T1"}, prior=True)
    now = list_series(write_series(tmp_path / "1", series="1.2.1"))
    none = list_series(write_series(tmp_path / "2", study="1.5", series="1.5.1", description="scout"))
    shifted = write_series(
        tmp_path / "3", study="1.4", series="1.4.1", frame="1.4.9", bright=False, PatientName="Meier^Eva"
    )
    made = assemble(manifest(tmp_path, T1, earlier), now, [none, list_series(shifted)])
    assert made.image.channels == ("T1", "before")
    assert np.array_equal(made.image.array[0][:, :, 2].T, plane_of(2))
    assert np.array_equal(made.image.array[1][:, :, 2].T, plane_of(2, bright=False)), "middle on middle"
    assert {p.parent.name for p in made.files} == {"1"}, "results refer to this study's images alone"
    assert "not registered" in " ".join(made.image.notes)
    assert "PatientName differs" in " ".join(made.image.notes)


def test_a_prior_that_is_needed_and_not_there_has_a_code(tmp_path: Path) -> None:
    earlier = Channel(name="before", prior=True)
    now = list_series(write_series(tmp_path / "1"))
    with pytest.raises(UnusableError, match="none of 0 earlier studies") as caught:
        assemble(manifest(tmp_path, T1, earlier), now)
    assert caught.value.code == "PRIOR_MISSING"
    with pytest.raises(ValueError, match="expected it on later ones"):
        manifest(tmp_path, earlier, T1)
    stranger = list_series(write_series(tmp_path / "4", study="1.4", series="1.4.1", PatientID="P2"))
    with pytest.raises(UnusableError) as caught:
        assemble(manifest(tmp_path, T1, earlier), now, [stranger])
    assert caught.value.code == "PATIENT_DIFFERS"
