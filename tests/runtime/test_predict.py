"""predict(): the gate, the way through, and what a network must not do."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import mean_classifier, mean_logits, package_of, spot_detector

from overread.errors import InputError, OverreadError
from overread.imaging.image import Image
from overread.runtime.answer import Classes, Findings
from overread.runtime.predict import predict, raw_of
from overread.runtime.prediction import Outcome
from overread.runtime.preprocess import prepare


def gray(value: float, shape: tuple[int, int] = (8, 8), **changes: object) -> Image:
    return Image(np.full((1, *shape), value, np.float32), np.eye(4)).with_(**changes)


def test_who_answered_what() -> None:
    package = package_of(mean_classifier(2))
    found = predict(package, gray(1.0, modality="CR", notes=("read with care",), source={"age_years": 40.0}))
    assert found.outcome is Outcome.OK and isinstance(found.answer, Classes)
    assert (found.task, found.package, found.package_version) == ("classification", "tiny", "1.0")
    assert found.package_sha256 == package.sha256
    assert found.notes == (
        "read with care",
        "the package states no modality: nobody checked that CR is the right one",
    )
    assert found.quality == {"size": [8, 8], "spacing_mm": [1, 1], "modality": "CR", "age_years": 40}
    assert found.seconds > 0


@pytest.mark.parametrize(
    ("image", "limits", "code"),
    [
        (gray(1.0, (100, 90)), {"size": [(4, 16), (4, 16)]}, "SIZE"),
        (gray(1.0, modality="CT"), {"modality": ["CR", "DX"]}, "MODALITY"),
        (gray(1.0, source={"age_years": 64.0}), {"age_years": (1, 5)}, "AGE"),
        (gray(1.0, source={"BodyPartExamined": "KNEE"}), {"body_part": ["CHEST"]}, "BODY_PART"),
        (Image(np.zeros((1, 8, 8, 8), np.float32), np.eye(4)), {}, "DIMENSIONS"),
        (gray(1.0, affine=np.diag([9.0, 9, 1, 1])), {"spacing_mm": [(0.5, 2), (0.5, 2)]}, "SPACING"),
    ],
)
def test_outside_the_limits_there_is_a_coded_reason_and_no_answer(
    image: Image, limits: dict[str, object], code: str
) -> None:
    found = predict(package_of(mean_classifier(2), limits=limits), image)
    assert found.outcome is Outcome.OUT_OF_LIMITS
    assert [b.code for b in found.breaches] == [code]
    assert found.answer is None
    assert found.summary().startswith("not analysed") and code in found.summary()


@pytest.mark.parametrize("codes", ["RAS", "SRA", "ILP"])
def test_limits_of_size_are_along_the_patient_however_the_volume_is_stored(codes: str) -> None:
    from overread.imaging.grid.geometry import reorient

    volume = reorient(Image(np.zeros((1, 10, 20, 30), np.float32), np.diag([1.0, 2, 3, 1])), codes)
    spec = {"dimensions": 3, "intensity": [{"method": "fixed"}]}
    sizes, spacings = [(10, 10), (20, 20), (30, 30)], [(1, 1), (2, 2), (3, 3)]
    inside = {"size": sizes, "spacing_mm": spacings}
    package = package_of(mean_classifier(3), preprocess=spec, limits=inside)
    assert predict(package, volume).outcome is Outcome.OK
    outside = package_of(mean_classifier(3), preprocess=spec, limits={"size": sizes[::-1]})
    assert [b.code for b in predict(outside, volume).breaches] == ["SIZE"]


def test_what_the_image_does_not_state_breaks_no_limit() -> None:
    limits = {"modality": ["CR"], "age_years": (1, 5), "body_part": ["CHEST"]}
    assert predict(package_of(mean_classifier(2), limits=limits), gray(1.0)).outcome is Outcome.OK


def test_raw_is_what_calibration_sees() -> None:
    package = package_of(mean_classifier(2), calibration={"temperature": 3.0})
    raw = raw_of(package, prepare(gray(0.5), package.manifest.preprocess))
    np.testing.assert_allclose(raw["logits"], [0, 2], atol=1e-6)


def test_an_only_output_may_have_any_name() -> None:
    model = mean_logits(2, [1.0, 2.0], [0.0, 0.0], output="scores")
    for outputs in ([], ["scores"]):
        package = package_of(model, task="multilabel", positive=None, outputs=outputs)
        found = predict(package, gray(1.0)).answer
        assert isinstance(found, Findings) and found.log_odds["abnormal"] == pytest.approx(2)


def test_a_network_that_lacks_an_output_is_refused() -> None:
    package = package_of(mean_classifier(2), task="detection", positive=None, labels=["x"])
    with pytest.raises(InputError, match="gives logits, a detection package needs heat, size, offset"):
        predict(package, gray(1.0))
    spots = package_of(spot_detector(2, 2, 3.0), outputs=["logits"])
    with pytest.raises(InputError, match="needs logits"):
        predict(spots, gray(1.0))


def test_no_answer_is_made_of_values_that_are_no_numbers() -> None:
    image = gray(1.0)
    image.array[0, 3, 3] = np.nan
    with pytest.raises(OverreadError, match=r"tiny\.overread: the network's logits holds NaN or infinite"):
        predict(package_of(mean_classifier(2)), image)
