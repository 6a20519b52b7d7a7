"""PET as SUV: by the header, or as stated, or refused with what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.intensity.uptake import in_suv, missing_suv


def pet(**source: object) -> Image:
    return Image(np.full((1, 2, 2, 2), 5000, np.int16), np.eye(4), "PT", source={"path": "p.dcm", **source})


def test_by_the_header() -> None:
    there = in_suv(pet(suv_factor=2e-4), ["header"])
    np.testing.assert_allclose(there.array, 1.0)
    assert there.array.dtype == np.float32 and "SUV by body weight" in there.notes[0]
    # The same for packages that also take files which state none.
    np.testing.assert_allclose(in_suv(pet(suv_factor=2e-4), ["stated"]).array, 1.0)


def test_a_header_that_lacks_something_is_never_guessed() -> None:
    image = pet(suv_missing="PatientWeight is missing")
    for want in ("header", "stated"):
        assert missing_suv(image, [want]) == "PatientWeight is missing"
        with pytest.raises(InputError, match=r"p\.dcm: no SUV: PatientWeight is missing"):
            in_suv(image, [want])


def test_files_without_a_header_hold_what_the_protocol_says() -> None:
    assert in_suv(pet(), ["stated"]).array is not None and missing_suv(pet(), ["stated"]) == ""
    assert "nothing states its unit" in missing_suv(pet(), ["header"])


def test_only_the_pet_channel_of_a_pair() -> None:
    both = Image(
        np.ones((2, 3, 3)), np.eye(4), "CT", ("ct", "pet"), {"channel_sources": ({}, {"suv_factor": 3.0})}
    )
    assert in_suv(both, [None, "header"]).array.mean(axis=(1, 2)).tolist() == [1, 3]
    assert in_suv(both, [None, None]) is both
    turned = both.with_(source={"channel_sources": ({}, {"suv_missing": "Units is PROPCNTS"})})
    assert missing_suv(turned, [None, "header"]) == "channel pet: Units is PROPCNTS"
