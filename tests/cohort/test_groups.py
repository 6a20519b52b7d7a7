"""Groups of cases: words as they are, numbers in bands that the test cases did not choose."""

from __future__ import annotations

import numpy as np

from overread.cohort.case import Case
from overread.cohort.groups import AGES, cuts_of, groups_of


def _cases(attribute: str, values: list[str]) -> list[Case]:
    return [Case(f"c{i}", f"p{i}", {}, attributes={attribute: v}) for i, v in enumerate(values)]


def test_words_are_groups_and_what_is_not_stated_is_one() -> None:
    groups = groups_of(["f", "m", "", "f"])
    assert {k: v.tolist() for k, v in groups.items()} == {"f": [0, 3], "m": [1], "not stated": [2]}


def test_bands_hold_every_case_once() -> None:
    ages = ["17.9", "18", "39", "40", "70", "unknown", ""]
    groups = groups_of(ages, AGES)
    assert {k: v.tolist() for k, v in groups.items()} == {
        "below 18": [0],
        "18 to below 40": [1, 2],
        "40 to below 65": [3],
        "65 and over": [4],
        "not stated": [5, 6],
    }


def test_one_word_among_ages_does_not_make_them_words() -> None:
    ages = [str(a) for a in np.random.default_rng(0).integers(1, 90, 99)]
    assert cuts_of(_cases("age", [*ages, "unknown"]), ["age"], {}) == {"age": AGES}
    assert cuts_of(_cases("age", ages), ["age"], {"age": [50]}) == {"age": (50,)}


def test_words_and_few_numbers_have_no_bands() -> None:
    assert cuts_of(_cases("site", list("abcdefghij")), ["site"], {}) == {}
    assert cuts_of(_cases("grade", ["1", "2", "3"] * 9), ["grade"], {}) == {}


def test_other_numbers_are_parted_where_those_before_the_test_are() -> None:
    cuts = cuts_of(_cases("bmi", [str(v) for v in range(15, 45)]), ["bmi"], {})
    groups = groups_of([str(v) for v in range(15, 45)], cuts["bmi"])
    assert [len(v) for v in groups.values()] == [10, 10, 10]
