"""Codes and UIDs: legal for DICOM whatever a package calls its labels."""

from __future__ import annotations

import re

import pytest
from highdicom.sr.coding import Code
from hypothesis import given
from hypothesis import strategies as st

from overread.clinic.results.codes import (
    ABNORMAL,
    ANATOMICAL,
    SCHEME,
    finding_codes,
    plain,
    private,
    segment_codes,
)
from overread.clinic.results.uids import derived_uid


@given(st.text(), st.integers(4, 100))
def test_plain_text_fits_every_character_set(text: str, limit: int) -> None:
    made = plain(text, limit)
    assert len(made) <= limit
    assert made.isascii()
    assert made.isprintable()
    assert "\\" not in made


@given(st.text(), st.text())
def test_private_codes_are_legal(kind: str, text: str) -> None:
    code = private(kind, text)
    assert re.fullmatch(r"[A-Z0-9_]{1,16}", code.value)
    assert 1 <= len(code.meaning) <= 64
    assert code.scheme_designator == SCHEME


def test_long_names_stay_apart() -> None:
    values = {private("", f"a very long label name {n}").value for n in range(50)}
    assert len(values) == 50


@pytest.mark.parametrize(
    ("label", "category", "value"),
    [
        ("lesion", ABNORMAL, "52988006"),
        ("White-matter lesions", ABNORMAL, "52988006"),
        ("liver tumour", ABNORMAL, "108369006"),
        ("left hippocampus", ANATOMICAL, "5366008"),
        ("spleen", ANATOMICAL, "78961009"),
    ],
)
def test_known_words_get_standard_codes(label: str, category: Code, value: str) -> None:
    found = segment_codes(label)
    assert (found[0], found[1].value, found[1].scheme_designator) == (category, value, "SCT")


def test_unknown_and_configured_labels() -> None:
    assert segment_codes("gizmo")[1].scheme_designator == SCHEME
    wanted = (ABNORMAL, Code("1", "99X", "mine"))
    assert segment_codes("liver", wanted) == wanted


def test_findings_are_coded_by_what_they_are_not_where() -> None:
    assert finding_codes("lung nodules") == (ABNORMAL, segment_codes("nodule")[1])
    for label in ("lung opacity", "no lesion", "tumour-free", "cardiomegaly"):
        category, kind = finding_codes(label)
        assert (category, kind.scheme_designator) == (None, SCHEME)
    wanted = (ABNORMAL, Code("1", "99X", "mine"))
    assert finding_codes("lung opacity", wanted) == wanted


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_derived_uids_are_uids_and_repeat(parts: list[str]) -> None:
    uid = derived_uid(*parts)
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert derived_uid(*parts) == uid
    assert derived_uid(*parts, "more") != uid
