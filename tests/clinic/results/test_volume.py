"""The volume for the page: values and labels lie where the patient has them, whatever way they were stored."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overread.clinic.results import volume
from overread.clinic.results.volume import thinning, try_volume, volume_facts, volume_part, write_volume
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap
from overread.runtime.prediction import Outcome, Prediction


def prediction(mask: np.ndarray | None) -> Prediction:
    answer: Any = None if mask is None else LabelMap(mask)
    return Prediction(
        Outcome.OK, task="segmentation", package="p", package_version="1", package_sha256="0", answer=answer
    )


def unpacked(folder: Path, part: Any, kind: str) -> np.ndarray:
    facts = volume_facts(folder)
    content = volume_part(folder, part)
    assert facts is not None and content is not None
    return np.frombuffer(gzip.decompress(content), kind).reshape(facts["shape"], order="F")


@pytest.mark.parametrize(
    ("columns", "flips"),
    [((0, 1, 2), (1, 1, 1)), ((0, 1, 2), (-1, -1, 1)), ((2, 0, 1), (1, -1, -1)), ((1, 2, 0), (-1, 1, -1))],
)
def test_voxels_lie_right_anterior_superior(
    tmp_path: Path, columns: tuple[int, ...], flips: tuple[int, ...]
) -> None:
    ras = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4) - 1000
    spacing = (0.5, 2.0, 3.0)
    array = np.transpose(ras, columns)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, world in enumerate(columns):
        affine[world, axis] = spacing[world] * flips[axis]
        if flips[axis] < 0:
            array = np.flip(array, axis)
            affine[world, 3] = spacing[world] * (array.shape[axis] - 1)
    mask = (array > -985).astype(np.uint8)
    image = Image(array[None].astype(np.float32), affine, modality="CT")
    write_volume(tmp_path, image, prediction(mask), ["bone"])
    facts = volume_facts(tmp_path)
    assert facts is not None
    assert (facts["shape"], facts["spacing"], facts["marks"]) == ([2, 3, 4], list(spacing), True)
    values = unpacked(tmp_path, "values", "<u2") * facts["slope"] + facts["intercept"]
    assert np.array_equal(values, ras), "whole numbers stay what they are"
    assert np.array_equal(unpacked(tmp_path, "labels", "u1"), ras > -985)
    assert (facts["low"], facts["high"], facts["unit"], facts["labels"]) == (-160, 240, "HU", ["bone"])
    x, y, z = facts["begin"]
    assert ras[x, y, z] > -985, "it begins where something was found"


def test_values_that_are_no_whole_numbers_lose_less_than_a_step(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(1, 5, 6, 7)).astype(np.float32)
    array[0, 0, 0, 0] = np.nan
    write_volume(tmp_path, Image(array, np.eye(4), modality="MR"), prediction(None), [])
    facts = volume_facts(tmp_path)
    assert facts is not None and not facts["marks"] and volume_part(tmp_path, "labels") is None
    values = unpacked(tmp_path, "values", "<u2") * facts["slope"] + facts["intercept"]
    assert np.abs(values - np.nan_to_num(array[0])).max() <= facts["slope"]


def test_a_constant_volume_has_a_window(tmp_path: Path) -> None:
    write_volume(tmp_path, Image(np.zeros((1, 3, 3, 3), np.float32), np.eye(4)), prediction(None), [])
    facts = volume_facts(tmp_path)
    assert facts is not None and facts["high"] > facts["low"]


def test_no_browser_gets_more_than_it_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert thinning((512, 512, 60)).tolist() == [1, 1, 1]
    for shape in ((512, 512, 134), (2048, 2048, 2048), (100_000, 300, 2), (10**9, 1, 1)):
        steps = thinning(shape)
        assert np.prod(-(-np.array(shape) // steps)) <= volume.MOST_VOXELS
    monkeypatch.setattr(volume, "MOST_VOXELS", 30)
    array = np.zeros((1, 6, 4, 3), np.float32)
    write_volume(tmp_path, Image(array, np.diag([2.0, 1, 1, 1])), prediction(None), [])
    facts = volume_facts(tmp_path)
    assert facts is not None
    assert (
        facts["thinned"] == [2, 2, 1] and facts["spacing"] == [4.0, 2.0, 1.0] and facts["shape"] == [3, 2, 3]
    )


def test_what_has_no_planes_has_none(tmp_path: Path) -> None:
    flat = Image(np.zeros((1, 8, 8), np.float32), np.eye(4))
    assert write_volume(tmp_path, flat, prediction(None), []) is None
    assert volume_facts(tmp_path) is None and volume_part(tmp_path, "values") is None
    (tmp_path / "volume.zip").write_bytes(b"PK damaged")
    assert volume_facts(tmp_path) is None and volume_part(tmp_path, "values") is None
    broken: Any = Image(np.zeros((1, 3, 3, 3), np.float32), np.full((4, 4), np.nan))
    try_volume(tmp_path, broken, prediction(None), [])


def test_nothing_found_lays_nothing_over_it(tmp_path: Path) -> None:
    write_volume(
        tmp_path,
        Image(np.zeros((1, 3, 3, 3), np.float32), np.eye(4)),
        prediction(np.zeros((3, 3, 3), np.uint8)),
        ["a"],
    )
    facts = volume_facts(tmp_path)
    assert facts is not None and not facts["marks"], "nothing was found"
