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


HOSTILE = {
    "digits": lambda n: "1" * n,
    "digits and a letter": lambda n: "1" * n + "x",
    "two numbers": lambda n: "1" * (n // 2) + " " + "2" * (n // 2),
    "one number and gaps": lambda n: "1" + " " * n,
    "numbers in a row": lambda n: "1 " * (n // 2),
    "letters": lambda n: "a" * n,
    "underscores": lambda n: "_" * n,
    "hyphens": lambda n: "-" * n,
    "spaces": lambda n: " " * n,
    "spaces and a hyphen": lambda n: " " * n + "-" + " " * n,
    "dots": lambda n: "1." * (n // 2),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_long_text_of_anything_is_done(kind: str) -> None:
    """By the square of its length this would take hours: that the test ends is the test."""
    from overread.deidentify.dates import is_time, shift_date, shift_moment, written_forms
    from overread.deidentify.identity import Identity, is_name

    text = HOSTILE[kind](400_000)
    clean(text)
    for read in (lambda t: shift_date(t, 5), lambda t: shift_moment(t, 5), is_time, written_forms, is_name):
        read(text)
    identity = Identity()
    for value in ("Zwyxelburg^Anna", "Li^Bo"):
        identity.add_name(value)
    for value in ("H-5521", "123456", "4711", "Main Street 7"):
        identity.add_identifier(value)
    identity.add_date("19610504")
    assert not identity.found(text)
    identity.add_name(text)
    identity.add_identifier(text)
    identity.in_pixels(text.encode(), True)


def test_three_numbers_in_a_row_still_go() -> None:
    assert clean("12 34 56") == "" and clean("ct 12.05.1961") == "ct" and clean("t1 12") == "t1 12"
    assert clean("12345 67 89 axial") == "axial" and clean("3-4-5-6 ct") == "ct"
