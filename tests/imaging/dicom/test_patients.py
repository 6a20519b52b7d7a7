"""Slices of two patients under one series UID make no image, by whatever road they come."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydicom import Dataset, FileDataset

from overread.errors import InputError
from overread.imaging.dicom.files import open_dataset
from overread.imaging.dicom.patients import PATIENT_DIFFERS, PatientDiffersError, check_one_patient
from overread.imaging.dicom.series import read_all, read_datasets, read_series

Make = Callable[..., FileDataset]
Save = Callable[..., Path]


def of(*patients: tuple[str | None, str | None, str | None]) -> list[Dataset]:
    """Data sets with Patient ID, issuer and name; None leaves one out."""
    found = []
    for values in patients:
        dataset = Dataset()
        for keyword, value in zip(("PatientID", "IssuerOfPatientID", "PatientName"), values, strict=True):
            if value is not None:
                setattr(dataset, keyword, value)
        found.append(dataset)
    return found


SAME: dict[str, list[tuple[str | None, str | None, str | None]]] = {
    "alike": [("1", None, "Doe^Ann")] * 3,
    "nothing said": [(None, None, None), ("", "", "")],
    "only one says": [("1", None, "Doe^Ann"), (None, None, None)],
    "spelling": [("1", None, "DOE^Ann^^"), ("1 ", None, "doe^ann"), ("1", None, "Doe ^Ann=X^Y")],
    "an issuer more": [("1", "A", "Doe"), ("1", None, "Doe")],
    "issuers of one name": [("1", "A", "Doe"), ("1", "B", "Doe")],
    "names without IDs alike": [(None, None, "Doe"), ("", None, "DOE")],
}
NOTED: dict[str, list[tuple[str | None, str | None, str | None]]] = {
    "married": [("1", None, "Doe^Ann"), ("1", None, "Roe^Ann")],
    "one issuer": [("1", "A", "Doe"), ("1", "A", "Roe"), ("1", None, "Roe")],
}
REFUSED: dict[str, list[tuple[str | None, str | None, str | None]]] = {
    "two IDs": [("1", None, "Doe"), ("2", None, "Doe")],
    "the last": [("1", None, "Doe")] * 5 + [("2", None, "Roe")],
    "letters": [("a1", None, None), ("A1", None, None)],
    "issuers and names": [("1", "A", "Doe"), ("1", "B", "Roe")],
    "names without IDs": [(None, None, "Doe"), ("", None, "Roe")],
    "one ID lacks": [("1", None, "Doe"), ("", None, "Roe")],
}


@pytest.mark.parametrize("case", SAME)
def test_one_patient(case: str) -> None:
    assert check_one_patient(of(*SAME[case]), "x") == ()


@pytest.mark.parametrize("case", NOTED)
def test_names_under_one_id_are_noted(case: str) -> None:
    (note,) = check_one_patient(of(*NOTED[case]), "x")
    assert "PatientName differs" in note and "Doe" not in note


@pytest.mark.parametrize("case", REFUSED)
def test_two_patients_are_refused(case: str) -> None:
    for order in (REFUSED[case], REFUSED[case][::-1]):
        with pytest.raises(PatientDiffersError, match=r"^x: holds .*one patient") as caught:
            check_one_patient(of(*order), "x")
        assert caught.value.code == PATIENT_DIFFERS and isinstance(caught.value, InputError)
        assert "Doe" not in str(caught.value)


def two(make: Make) -> list[FileDataset]:
    """Four slices of one series, the third of another patient."""
    return [make(k, PatientID="2" if k == 2 else "1", PatientName="Doe^Ann") for k in range(4)]


def test_every_road_refuses(make_slice: Make, save_series: Save, tmp_path: Path) -> None:
    folder = save_series(two(make_slice))
    files = sorted(folder.iterdir())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in files:
            archive.write(file, file.name)
    roads: Sequence[Callable[[], object]] = (
        lambda: read_series(folder),
        lambda: read_series(files),
        lambda: read_series(tmp_path / "a.zip"),
        lambda: read_all(folder),
        lambda: read_all(tmp_path / "a.zip"),
        lambda: read_datasets(two(make_slice)),
        lambda: read_series(folder, exact=True),
    )
    for road in roads:
        with pytest.raises(PatientDiffersError, match="2 different values of PatientID"):
            road()


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192", "GB18030", r"\ISO 2022 IR 87"])
def test_names_compare_in_their_character_set(make_slice: Make, save_series: Save, charset: str) -> None:
    """The quick header reader decodes names as pydicom does, or one patient would have two names."""
    name = "山田^太郎" if "87" in charset or "GB" in charset else "Müller^Änne"
    slices = [make_slice(k, SpecificCharacterSet=charset.split("\\"), PatientName=name) for k in range(3)]
    assert not any("PatientName" in n for n in read_series(save_series(slices)).notes)
    slices[1].PatientName = "Other^Name"
    assert any("PatientName differs" in n for n in read_series(save_series(slices, "b")).notes)


def test_series_of_two_patients_are_two_images(make_slice: Make, save_series: Save) -> None:
    slices = [
        make_slice(k, PatientID=str(s), SeriesInstanceUID=f"1.2.{s}") for s in range(2) for k in range(3)
    ]
    assert len(read_all(save_series(slices))) == 2


def test_many_series_are_named_in_few_words(make_slice: Make, save_series: Save) -> None:
    slices = [make_slice(k, SeriesInstanceUID=f"1.2.{k}") for k in range(17)]
    with pytest.raises(InputError, match=r"holds 17 series.*files of one.*and 14 more") as caught:
        read_series(save_series(slices))
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize(
    "tail", [b"\0", b"x", b"\n", bytes(7), bytes(8), bytes(100), b"abcdefgh", b"A" * 300]
)
def test_bytes_behind_the_data_set(make_slice: Make, save_series: Save, tail: bytes) -> None:
    folder = save_series([make_slice(k) for k in range(3)])
    clean = read_series(folder)
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes() + tail)
    assert (read_series(folder).array == clean.array).all()


def test_the_uid_of_the_data_set_counts(make_slice: Make, save_series: Save) -> None:
    (file,) = save_series([make_slice(0, SOPInstanceUID="1.2.3.111")]).iterdir()
    content = file.read_bytes()
    assert content.count(b"1.2.3.111") == 2
    file.write_bytes(content.replace(b"1.2.3.111", b"1.2.3.999", 1))
    dataset = open_dataset(file, str(file))
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID == "1.2.3.111"
    assert read_series(file).source["SOPInstanceUIDs"] == ("1.2.3.111",)
