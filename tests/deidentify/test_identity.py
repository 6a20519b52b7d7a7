"""What counts as identifying, and where it is found again."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from overread.deidentify.identity import Identity, elements, gather, is_name
from overread.deidentify.options import choose


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Muster^Erika", True),
        ("Anonymous", False),
        ("Unknown^Patient", False),
        ("ANON^TEST", False),
        ("", False),
        ("Yamada^Tarou=山田^太郎", True),
        ("Doctor^Who", True),
    ],
)
def test_is_name(name: str, person: bool) -> None:
    assert is_name(name) is person


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("seen by Zwyxelburg", True),
        ("preZWYXELBURGpost", True),
        ("zwyxel", False),
        ("Li, An", True),
        ("An apple for Li", False),
        ("Li^An", True),
        ("lis", False),
        ("Herr Weißgerber", True),
        ("HERR WEISSGERBER", True),
    ],
)
def test_long_names_everywhere_and_short_ones_together(text: str, found: bool) -> None:
    identity = Identity()
    identity.add_name("Zwyxelburg^Anna")
    identity.add_name("Li^An")
    identity.add_name("Weißgerber^Jo")
    assert identity.found(text) is found


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("884291", "MR884291", True),
        ("4711", "No. 4711", True),
        ("4711", "47115", False),
        ("12", "12 slices", False),
        ("A-77/3", "scan a-77/3 done", True),
        ("0000", "0000", False),
        ("ANONYMIZED", "ANONYMIZED", False),
    ],
)
def test_identifiers(value: str, text: str, found: bool) -> None:
    identity = Identity()
    identity.add_identifier(value)
    assert identity.found(text) is found


@pytest.mark.parametrize("form", ["19610504", "1961-05-04", "04.05.1961", "05/04/1961"])
def test_dates_in_every_way_of_writing(form: str) -> None:
    identity = Identity()
    identity.add_date("19610504")
    assert identity.found(f"born {form}") and not identity.found("born 1961")
    assert identity.in_bytes(f"x{form}".encode())


def test_names_in_the_bytes_of_every_character_set() -> None:
    identity = Identity(encodings=("utf-8", "latin-1", "iso2022_jp"))
    identity.add_name("Größenwahn^Eva")
    identity.add_name("山田^太郎")
    for data in (
        "GRÖSSENWAHN größenwahn".encode("latin-1"),
        "größenwahn".encode(),
        "山田太郎".encode("iso2022_jp"),
    ):
        assert identity.in_bytes(b"..." + data)
    assert not identity.in_bytes(b"nothing of the kind")


def test_numbers_that_the_result_holds_by_chance() -> None:
    identity = Identity()
    identity.add_identifier("884291")
    assert identity.in_bytes(b"ID 884291 ")
    assert not identity.in_bytes(b"ID 884291 ", ["1.2.884291.3"])
    assert not identity.in_bytes(b"18842912")


def test_gather_looks_at_every_depth_and_at_options() -> None:
    inner, ds = Dataset(), Dataset()
    inner.OperatorsName, inner.StationName = "Quorvath^B", "STATION-9"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Zwyxelburg^Anna", "H-552", "19610504"
    ds.RequestAttributesSequence = [inner]
    found = gather(ds, choose())
    assert {"zwyxelburg", "quorvath", "h-552", "station-9"} <= found.strong
    assert "19610504" in found.dates
    assert len(list(elements(ds))) == 5
    kept = gather(ds, choose(["retain-device-identity", "retain-full-dates"]))
    assert "station-9" not in kept.strong and "19610504" in kept.dates
