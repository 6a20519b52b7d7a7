"""Settings: patterns over DICOM keywords."""

from __future__ import annotations

import pytest

from overread.errors import InputError
from overread.settings import PlainName, Strict, dicom_patterns, validated


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


class Named(Strict):
    """Something with a version."""

    version: PlainName


@pytest.mark.parametrize("version", ["1", "0.1.0", "1.2 beta", "2026-01-02+a", "v1_é"])
def test_a_version_is_any_plain_text(version: str) -> None:
    assert validated(Named, {"version": version}, "w").version == version


@pytest.mark.parametrize(
    "version", ["", " ", "../1", "/etc/x", "a/b", "a\\b", "C:x", ".hidden", "1\n2", "\x1b[31m", "1" * 129]
)
def test_a_version_is_no_path_and_no_escape_code(version: str) -> None:
    with pytest.raises(InputError, match="is not a name") as caught:
        validated(Named, {"version": version}, "w")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400
