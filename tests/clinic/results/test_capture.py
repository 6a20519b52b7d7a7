"""Secondary capture: the answer, its legend and the warning are in the pixels, and the object says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import dcmread
from tests.clinic.results.made import all_objects, material
from tests.clinic.site import BRIGHT, write_classifier, write_segmenter, write_series

from overread.clinic.results.pictures import burned, legend, shown_slices, words
from overread.imaging.picture import COLORS


def test_one_frame_for_each_slice_with_something_to_see(tmp_path: Path) -> None:
    made_of = material(
        write_segmenter(tmp_path / "p.overread"), write_series(tmp_path / "in"), objects=["capture"]
    )
    ds = dcmread(all_objects(made_of, tmp_path / "out")["capture"])
    slices = list(range(BRIGHT[2].start, BRIGHT[2].stop))
    assert shown_slices(made_of.answer, made_of.spatial) == slices
    assert ds.NumberOfFrames == len(slices)
    assert list(ds.PageNumberVector) == [k + 1 for k in slices]
    assert (ds.BurnedInAnnotation, ds.ConversionType, list(ds.ImageType)) == (
        "YES",
        "WSD",
        ["DERIVED", "SECONDARY"],
    )
    referred = [str(i.ReferencedSOPInstanceUID) for i in ds.SourceImageSequence]
    assert referred == [f"1.2.3.1.{k + 1}" for k in slices]
    frames = ds.pixel_array
    np.testing.assert_array_equal(frames[0], burned(made_of, slices[0]))
    # The label's colour is on the block, and the lesion in the legend.
    assert (frames[0] == COLORS[0]).all(axis=-1).any()
    assert legend(made_of) == [("lesion", COLORS[0])]


def test_words_hold_result_number_interval_maker_and_warning(tmp_path: Path) -> None:
    made_of = material(
        write_segmenter(tmp_path / "p.overread"),
        write_series(tmp_path / "in"),
        warning="Not for diagnosis here.",
    )
    said = words(made_of)
    assert said[0] == "lesion found"
    assert any(line.startswith("lesion volume: 0.216 ml") for line in said)
    assert said[-2:] == ["block finder 1.2 (AI)", "Not for diagnosis here."]


def test_nothing_found_shows_the_middle_slice(tmp_path: Path) -> None:
    made_of = material(
        write_classifier(tmp_path / "p.overread"), write_series(tmp_path / "in"), objects=["capture"]
    )
    ds = dcmread(all_objects(made_of, tmp_path / "out")["capture"])
    assert (int(ds.NumberOfFrames), "FrameIncrementPointer" in ds) == (1, False)
