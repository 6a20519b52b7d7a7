"""Settings: patterns over DICOM keywords."""

from __future__ import annotations

import pytest

from overread.settings import dicom_patterns


def test_patterns_over_dicom_keywords() -> None:
    good = {"Modality": "^MR$", "SeriesDescription": "(?i)flair"}
    assert dicom_patterns(good) is good
    assert dicom_patterns({}) == {}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"Modality": "MR", "Modalety": "MR"}, "'Modalety' is not a DICOM keyword"),
        ({"Modality": "("}, r"Modality: '\(' is not a regular expression"),
    ],
)
def test_faults_are_named(bad: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dicom_patterns(bad)
