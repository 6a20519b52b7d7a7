"""Maps: probabilities on the image's own grid, which the decision agrees with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.clinic.site import BRIGHT, SHAPE, write_classifier, write_segmenter, write_series

from overread.imaging.dicom.series import read_series
from overread.runtime.answer import LabelMap
from overread.runtime.predict import predict


def test_maps_lie_where_the_mask_lies(tmp_path: Path) -> None:
    package = write_segmenter(tmp_path / "p.overread")
    image = read_series(write_series(tmp_path / "in"))
    prediction = predict(package, image, maps=True)
    assert list(prediction.maps) == ["probability of lesion", "probability of edema"]
    lesion = prediction.maps["probability of lesion"]
    assert lesion.shape == SHAPE and lesion.dtype == np.uint8
    assert isinstance(prediction.answer, LabelMap)
    assert ((lesion > 127) == (prediction.answer.mask == 1)).all()
    assert lesion[BRIGHT].min() == 255
    assert lesion.sum() == 255 * (prediction.answer.mask == 1).sum()
    assert not prediction.maps["probability of edema"].any()


def test_none_unless_asked_for_and_none_where_nothing_is_told_by_voxel(tmp_path: Path) -> None:
    image = read_series(write_series(tmp_path / "in"))
    assert not predict(write_segmenter(tmp_path / "s.overread"), image).maps
    assert not predict(write_classifier(tmp_path / "c.overread"), image, maps=True).maps
