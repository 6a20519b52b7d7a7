"""Cleaning of free text: words of imaging stay, names, numbers and dates go."""

from __future__ import annotations

import pytest

from overread.deidentify.text import clean, is_known, vocabulary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CT THORAX Zwyxel 20240119", "CT THORAX"),
        ("T2_FLAIR_AX", "T2_FLAIR_AX"),
        ("Dr. Meier: MRI of the left knee", "MRI of the left knee"),
        ("Chest PA, MRN 123456", "Chest PA"),
        ("head 5mm, 3 mm", "head 5mm 3"),
        ("born 19.03.47", ""),
        ("call 555 123 4567", ""),
        ("lesion 1", "lesion 1"),
        ("", ""),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_identifiers_go_even_where_they_are_words_of_imaging() -> None:
    assert clean("White matter lesion") == "White matter lesion"
    assert clean("White matter lesion", {"white"}) == "matter lesion"
    assert clean("slice 52", {"52"}) == "slice"


def test_no_common_name_is_in_the_vocabulary() -> None:
    names = "smith jones miller johnson williams garcia martinez schmidt fischer weber meyer wagner mary john peter "
    names += "maria anna thomas michael parkinson alzheimer barrett hodgkin crohn"
    assert not vocabulary().intersection(names.split())


def test_codes_of_the_standard() -> None:
    assert is_known("DCM", "113100", "Basic Application Confidentiality Profile")
    assert not is_known("DCM", "113100", "Zwyxelburg")
    assert not is_known("99LOCAL", "1", "Liver")
