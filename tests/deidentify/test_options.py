"""Options by name: their codes, and what excludes what."""

from __future__ import annotations

import pytest

from overread.deidentify.options import DATES, MODIFIED_DATES, NO_DATES, NOT_OFFERED, OPTIONS, PROFILE, choose
from overread.errors import InputError


def test_dates_are_moved_unless_said_otherwise() -> None:
    assert choose().dates == choose(["retain-uids"]).dates == MODIFIED_DATES
    for name in DATES:
        assert choose(name).dates == name
    assert choose(choose("retain-uids")).names == {"retain-uids", MODIFIED_DATES}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["retain-everything"], "'retain-everything' is not an option; there are clean-pixel-data"),
        ([NOT_OFFERED], "faces in head CT and MR"),
        (["retain-full-dates", NO_DATES], "exclude each other"),
    ],
)
def test_refusals(names: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        choose(names)


def test_codes_of_what_was_done() -> None:
    """PS3.16 CID 7050."""
    chosen = choose(["retain-uids", "clean-pixel-data", NO_DATES])
    assert chosen.codes(pixels_cleaned=False) == (PROFILE, ("113110", "Retain UIDs Option"))
    assert ("113101", "Clean Pixel Data Option") in chosen.codes(pixels_cleaned=True)
    assert len({o.code for o in OPTIONS.values()}) == len(OPTIONS)


def test_what_is_kept_and_cleaned() -> None:
    chosen = choose(["retain-device-identity", "clean-descriptors"])
    assert "StationName" in chosen.keep and "PatientSex" not in chosen.keep
    assert "SeriesDescription" in chosen.clean
    assert choose().keep == choose().clean == frozenset()
