"""A package of format 1 loads, keeps its hash and answers as it did."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime import format1
from tests.runtime.models import mean_classifier, mean_logits, threshold_segmenter

from overread.errors import InputError
from overread.runtime.answer import Classes, LabelMap
from overread.runtime.package import Package, write_package
from overread.runtime.predict import predict

BINARY = mean_classifier(2)
# Grey value, score of the last class, entropy, decision and conformal set as they were.
ANSWERED = [
    (0.1, 0.5585536360740662, 0.9900846009863165, "normal", ("normal", "abnormal")),
    (0.3, 0.6694906949996948, 0.9154459363296915, "normal", ("normal", "abnormal")),
    (0.5, 0.7643126249313354, 0.7877947374318365, "abnormal", ("abnormal",)),
    (0.9, 0.8926066160202026, 0.49200328106108693, "abnormal", ("abnormal",)),
    (1.5, 0.9715131521224976, 0.1867458565911857, "abnormal", ("abnormal",)),
]
ANSWERED_OF_THREE = [
    (0.1, 0.5866034030914307, 0.10716276615858078, "normal"),
    (0.3, 0.49078333377838135, 0.16336755454540253, "normal"),
    (0.5, 0.39096710085868835, 0.23713353276252747, "normal"),
    (0.9, 0.21065911650657654, 0.4242153763771057, "malignant"),
    (1.5, 0.05732101947069168, 0.6983128786087036, "malignant"),
]


def load(tmp_path: Path, content: dict[str, Any], model: bytes) -> Package:
    return Package.load(format1.write(tmp_path / "old.overread", content, model))


def test_a_classification_answers_as_it_did(tmp_path: Path) -> None:
    package = load(tmp_path, format1.CLASSIFICATION, BINARY)
    assert package.sha256 == "e5af1a3588351f0abbeaee176e3f437463b6e2bb0ea02e641f3db0d54b5c2aef"
    for value, score, entropy, decided, label_set in ANSWERED:
        answer = predict(package, format1.gray(value)).answer
        assert isinstance(answer, Classes)
        assert answer.scores["abnormal"] == pytest.approx(score, abs=1e-6)
        assert sum(answer.scores.values()) == pytest.approx(1)
        assert answer.entropy == pytest.approx(entropy, abs=1e-6)
        assert (answer.decided, answer.label_set, answer.set_coverage) == (decided, label_set, 0.9)
        # One bin for all scores of normal: it says nothing about this one, and is no longer shown.
        assert answer.intervals == {"abnormal": (0.6, 0.95)}


def test_its_operating_point_is_kept_with_its_figures(tmp_path: Path) -> None:
    manifest = load(tmp_path, format1.CLASSIFICATION, BINARY).manifest
    point = manifest.operating_points["abnormal"]
    assert (manifest.format, manifest.positive, manifest.outputs) == (2, "abnormal", ["logits"])
    assert (point.rule, point.threshold) == ("sensitivity>=0.95", pytest.approx(0.7, abs=1e-7))
    assert point.figures == {"sensitivity": format1.INTERVAL}
    assert manifest.channels[0].match == {"SeriesDescription": "chest"}
    assert manifest.limits.age_years == (0, 120) and manifest.evidence == {"protocol": "ab"}


def test_scores_that_were_1_in_float32_still_reach_a_threshold_of_1(tmp_path: Path) -> None:
    """Format 1 fitted temperatures down to 0.02 on separated classes: then every tuning case had a score of 1."""
    content = {
        **format1.CLASSIFICATION,
        "operating_point": {**format1.CLASSIFICATION["operating_point"], "threshold": 1.0},
        "calibration": {**format1.CALIBRATION, "conformal_coverage": 0.9, "conformal_quantile": 0.0},
    }
    package = load(tmp_path, content, mean_logits(2, [0.0, 20.0], [0.0, 0.0]))
    answer, below = (predict(package, format1.gray(value)).answer for value in (0.9, 0.7))
    assert isinstance(answer, Classes) and isinstance(below, Classes)
    assert answer.scores["abnormal"] < 1
    assert (answer.decided, answer.label_set) == ("abnormal", ("abnormal",))
    assert np.float32(below.scores["abnormal"]) < 1
    assert (below.decided, below.label_set) == ("normal", ())


def test_a_threshold_of_three_classes_decides_as_it_did(tmp_path: Path) -> None:
    package = load(tmp_path, format1.THREE_CLASSES, mean_logits(2, [0, 1.5, 3], [1, 0.2, -1]))
    assert package.sha256 == "8af13993255f13f621572cbc6d9ac2e9a747649c6e30e40052d813c9f257e91a"
    for value, normal, malignant, decided in ANSWERED_OF_THREE:
        answer = predict(package, format1.gray(value)).answer
        assert isinstance(answer, Classes)
        assert answer.scores["normal"] == pytest.approx(normal, abs=1e-6)
        assert answer.scores["malignant"] == pytest.approx(malignant, abs=1e-6)
        assert answer.decided == decided


def test_a_segmentation_answers_as_it_did(tmp_path: Path) -> None:
    package = load(tmp_path, format1.SEGMENTATION, threshold_segmenter(1, 3, 0.5))
    assert package.sha256 == "bd2ae8e10f17f1f50ad5bef6a299bbfaf177f6010d9f6214c05193a37a3f3356"
    answer = predict(package, format1.volume()).answer
    assert isinstance(answer, LabelMap)
    volume, count = answer.measurements
    assert (volume.value, volume.low, volume.high) == pytest.approx((2.60304, 2.062432, 3.2788))
    assert (count.value, count.low, count.high, count.confidence) == (2, 0, 4, 0.85)
    assert answer.entropy_in_mask == pytest.approx(0.2086682226584782, abs=1e-4)
    assert answer.mask.sum() == 986
    # The very voxels; resampling may differ in the last bit between builds of NumPy, hence two ways to say it.
    digest = hashlib.sha256(answer.mask.tobytes()).hexdigest()
    centre = np.argwhere(answer.mask).mean(axis=0)
    assert digest.startswith("47c1d4a2581f") or centre == pytest.approx(
        [13.98478702, 14.49290061, 9.55172414]
    )


def test_its_network_may_call_its_output_anything(tmp_path: Path) -> None:
    model = mean_logits(2, [0.0, 4.0], [0.0, 0.0], output="class_scores")
    package = load(tmp_path, format1.CLASSIFICATION, model)
    assert package.manifest.outputs == ["class_scores"]
    answer = predict(package, format1.gray(0.9)).answer
    assert isinstance(answer, Classes) and answer.scores["abnormal"] == pytest.approx(0.8926066, abs=1e-6)


def test_it_is_written_again_in_format_2(tmp_path: Path) -> None:
    old = load(tmp_path, format1.CLASSIFICATION, BINARY)
    new = Package.load(write_package(tmp_path / "new.overread", old.manifest, old.model).path)
    assert new.sha256 != old.sha256
    assert new.manifest.model_copy(update={"sha256": ""}) == old.manifest.model_copy(update={"sha256": ""})


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"task": "detection"}, "task"),
        ({"labels": ["normal"]}, "labels"),
        ({"surprise": 1}, "surprise: unknown key"),
        ({"operating_point": {"rule": "youden"}}, "operating_point.threshold: missing"),
        ({"operating_points": {}}, "operating_points: unknown key"),
    ],
)
def test_what_format_1_never_was_is_refused(tmp_path: Path, change: dict[str, Any], cause: str) -> None:
    with pytest.raises(InputError, match=rf"old\.overread: package\.json: {cause}"):
        load(tmp_path, {**format1.CLASSIFICATION, **change}, BINARY)


def test_a_changed_byte_is_refused_before_anything_is_upgraded(tmp_path: Path) -> None:
    path = format1.write(tmp_path / "old.overread", format1.CLASSIFICATION, BINARY)
    path.write_bytes(path.read_bytes().replace(b'"threshold": 0.7', b'"threshold": 0.1'))
    with pytest.raises(InputError, match=r"package\.json was changed|not an overread package"):
        Package.load(path)
