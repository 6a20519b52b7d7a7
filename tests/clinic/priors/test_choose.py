"""Which studies are priors: the patient's own, earlier, alike, the latest first and not too many."""

from __future__ import annotations

from typing import Any

import pytest

from overread.clinic.config_parts import Priors
from overread.clinic.priors.choose import Wanted, as_date, choose
from overread.clinic.priors.identity import Found, Identity, differs

ME = Identity("P1", "HOSPITAL", "19800101")
WANTED = Wanted(ME, "1.9", "20240102", "030405", ("CT", "SR"))


def series(study: str, date: str, **changes: Any) -> Found:
    values = {
        "identity": ME,
        "time": "",
        "modality": "CT",
        "words": "CHEST routine",
        "instances": 3,
        **changes,
    }
    return Found(study=study, series=f"{study}.1", date=date, **values)


def chosen(*found: Found, **rule: Any) -> list[str]:
    return [uid for uid, _ in choose(found, WANTED, Priors(source="A", **rule)).studies]


def test_the_latest_come_first_and_no_more_than_asked_for() -> None:
    found = [series(f"1.{year}", f"{year}0101") for year in (2020, 2023, 2021)]
    assert chosen(*found, most=2) == ["1.2023", "1.2021"]
    assert chosen(*found) == ["1.2023"]
    assert chosen(*found, most=9, days=366) == ["1.2023"]


@pytest.mark.parametrize(
    "other",
    [
        series("1.9", "20230101"),
        series("1.1", "20240103"),
        series("1.1", "20240102", time="030405"),
        series("1.1", ""),
        series("1.1", "20230101", modality="MR"),
        series("1.1", "20230101", instances=5001),
        series("", "20230101"),
    ],
    ids=[
        "itself",
        "later",
        "at the same time",
        "without a date",
        "another modality",
        "too large",
        "without a UID",
    ],
)
def test_what_is_no_prior(other: Found) -> None:
    assert chosen(other) == []


def test_parts_of_the_body_are_words_in_any_case() -> None:
    found = series("1.1", "20230101", words=" Thorax nativ ")
    assert chosen(found, body_part=["chest", "THORAX"]) == ["1.1"]
    assert chosen(found, body_part=["head"]) == []
    assert chosen(series("1.1", "20230101", modality="MR"), modalities=["MR"]) == ["1.1"]


def test_the_same_day_is_earlier_by_its_time() -> None:
    assert chosen(series("1.1", "20240102", time="030404")) == ["1.1"]
    assert chosen(series("1.1", "20240102", time="")) == ["1.1"], (
        "which is not known: it is another study of that day"
    )


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (Identity("P1", "HOSPITAL", "19800101"), ""),
        (Identity("P1"), ""),
        (Identity("P2", "HOSPITAL", "19800101"), "PatientID"),
        (Identity(""), "PatientID"),
        (Identity("P1", "CLINIC", "19800101"), "IssuerOfPatientID"),
        (Identity("P1", "HOSPITAL", "19800102"), "PatientBirthDate"),
    ],
)
def test_whose_it_is(found: Identity, what: str) -> None:
    assert differs(ME, found) == what
    answer = choose([series("1.1", "20230101", identity=found)], WANTED, Priors(source="A"))
    assert bool(answer.studies) == (not what)
    assert answer.notes == ((f"A answered with another patient's studies ({what} differs)",) if what else ())
    assert "P2" not in str(answer.notes)


def test_nobody_has_the_priors_of_who_has_no_number() -> None:
    assert differs(Identity(""), Identity("")) == "PatientID"


def test_spans_are_dates() -> None:
    assert WANTED.span(1) == ("20240101", "20240102")
    assert Wanted(ME, "1", "00010102", "", ()).span(36500) == ("00010101", "00010102")
    assert as_date("20240230") is None and as_date("x") is None
