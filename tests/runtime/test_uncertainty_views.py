"""Answers in several views of an image: how far they disagree stands beside the mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import entr, expit
from tests.runtime.models import mean_classifier, mean_logits, package_of

from overread.imaging.image import Image
from overread.runtime.answer import Classes, Findings
from overread.runtime.answer_files import from_files, to_files
from overread.runtime.answer_text import one_line
from overread.runtime.predict import predict

IMAGE = Image(np.full((1, 8, 8), 0.25, np.float32), np.eye(4))
TWO = {"members": [{"file": "model.onnx"}, {"file": "model-1.onnx"}]}


def information(z: list[float]) -> float:
    """Of binary answers with log odds ``z``: entropy of the mean less mean entropy, in bits."""
    p = expit(np.array(z))
    bits = lambda q: (entr(q) + entr(1 - q)) / np.log(2)  # noqa: E731
    return float(bits(p.mean()) - bits(p).mean())


def test_views_that_differ_are_told_beside_their_mean() -> None:
    package = package_of(mean_classifier(2), views=["add-0.5", "flip0"])
    answer = predict(package, IMAGE).answer
    assert isinstance(answer, Classes)
    # Logits 4 * 0.25, 4 * (0.25 - 0.5), and those of the mirrored image as they were.
    assert np.isclose(answer.scores["abnormal"], expit((1 - 1 + 1) / 3), atol=1e-6)
    assert answer.views_information is not None and answer.mutual_information is None
    assert np.isclose(answer.views_information, information([1.0, -1.0, 1.0]), atol=1e-6)
    assert "Disagreement of the views" in one_line(answer)
    assert from_files(*to_files(answer)) == answer


def test_views_that_show_the_same_agree_and_one_view_says_nothing() -> None:
    same = predict(package_of(mean_classifier(2), views=["flip0", "flip1"]), IMAGE).answer
    one = predict(package_of(mean_classifier(2)), IMAGE).answer
    assert isinstance(same, Classes) and isinstance(one, Classes)
    assert same.views_information == 0 and one.views_information is None


def test_findings_each_have_their_own() -> None:
    package = package_of(
        mean_logits(2, [4.0, 0.0], [0.0, 1.0]),
        task="multilabel",
        labels=["effusion", "nodule"],
        positive=None,
        views=["add-0.5"],
    )
    answer = predict(package, IMAGE).answer
    assert isinstance(answer, Findings)
    assert np.isclose(answer.views_information["effusion"], information([1.0, -1.0]), atol=1e-6)
    assert answer.views_information["nodule"] == 0


def test_several_networks_answer_together_in_each_view() -> None:
    package = package_of(mean_classifier(2), views=["add-0.5"], uncertainty={"ensemble": TWO})
    package = replace(package, further={"model-1.onnx": mean_classifier(2, gain=-4.0)})
    answer = predict(package, IMAGE).answer
    assert isinstance(answer, Classes) and answer.mutual_information is not None
    # Each view has one network for and one against: together they say the same in both.
    assert answer.views_information is not None and answer.views_information < 1e-6
