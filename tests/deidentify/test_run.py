"""Runs over many files: names, folders, report, map, what is withheld, and what a second run does."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from overread.deidentify import Key, deidentify, load_key
from overread.deidentify.mapping import Map, add_to_map, read_map
from overread.errors import InputError

Small = Callable[..., FileDataset]


@pytest.fixture
def study(tmp_path: Path, small: Small) -> Path:
    """Two patients, four files that can be written, three that cannot, and two that are not DICOM."""
    folder = tmp_path / "Zwyxelburg Anna 1947"
    folder.mkdir()
    for i in range(3):
        image = small(SOPInstanceUID=f"1.2.3.{i + 1}", StudyDate="20200105", PatientBirthDate="19470319")
        image.save_as(folder / f"Zwyxelburg_{i}.dcm")
    small(PatientID="K-9", PatientName="Other^Person", SOPInstanceUID="1.2.3.9").save_as(folder / "other.dcm")
    small(SOPInstanceUID="1.2.3.10", BurnedInAnnotation="YES").save_as(folder / "us.dcm")
    small(SOPInstanceUID="1.2.3.11", EncapsulatedDocument=b"%PDF").save_as(folder / "pdf.dcm")
    (folder / "broken.dcm").write_bytes(b"Zwyxelburg" * 30)
    (folder / "notes.txt").write_text("Zwyxelburg")
    (folder / "DICOMDIR").write_bytes(b"x")
    return folder


def test_a_folder(study: Path, tmp_path: Path, key: Key, found: Callable[[bytes], list[str]]) -> None:
    out = tmp_path / "out"
    before = {p: p.read_bytes() for p in study.iterdir()}
    result = deidentify(study, out, key=key, map=tmp_path / "map.json")
    assert {p: p.read_bytes() for p in study.iterdir()} == before
    assert (result.written, result.repeated, len(result.withheld), result.others) == (4, 0, 3, 2)
    files = sorted(out.rglob("*.dcm"))
    assert len(files) == 4
    for path in files:
        new = dcmread(path)
        parts = [new.PatientID, new.StudyInstanceUID, new.SeriesInstanceUID, f"{new.SOPInstanceUID}.dcm"]
        assert path.relative_to(out).parts == tuple(parts)
        assert found(path.read_bytes()) == []
    # Nothing else is in the folder, and neither names nor values of the source are in the report.
    assert [p.name for p in out.rglob("*") if p.is_file() and p not in files] == ["deidentification.json"]
    text = (out / "deidentification.json").read_text()
    report = json.loads(text)
    assert not any(word in text for word in ("Zwyxelburg", "other", "Anna", "H-552", "1947", "1.2.3.1"))
    assert report["complete"] and report["files"]["written"] == 4
    reasons = {w["reason"] for w in report["withheld"]}
    assert {r.split(",")[0] for r in reasons} == {
        "damaged",
        "an encapsulated document",
        "burned-in annotation without a declared region",
    }
    names = next(a for a in report["attributes"] if a["keyword"] == "PatientName")
    assert names == {"tag": "0010,0010", "keyword": "PatientName", "action": "pseudonym", "count": 4}


def test_the_map_leads_back(study: Path, tmp_path: Path, key: Key) -> None:
    path = tmp_path / "kept" / "map.json"
    deidentify(study, tmp_path / "out", key=key, map=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = read_map(path)
    new = key.pseudonym("H-552")
    assert kept.patients["H-552"] == {
        "new": new,
        "days_back": key.days("H-552"),
        "names": ["Zwyxelburg^Anna"],
    }
    assert {row[1] for row in kept.find(new)} == {"H-552", "Zwyxelburg^Anna"}
    assert kept.find(key.uid("1.2.3.1")) == [("UID", "1.2.3.1", key.uid("1.2.3.1"))]
    (file,) = kept.find("Zwyxelburg_0.dcm")
    assert (tmp_path / "out" / file[2]).is_file()
    assert [row[2] for row in kept.find("us.dcm")] == ["withheld"]
    assert kept.find("nobody") == []


def test_an_encrypted_map(study: Path, tmp_path: Path, key: Key) -> None:
    path = tmp_path / "map"
    deidentify(study, tmp_path / "out", key=key, map=path, passphrase="seven plain words")
    data = path.read_bytes()
    assert not any(word in data for word in (b"Zwyxelburg", b"H-552", b"1.2.3.1"))
    assert "H-552" in read_map(path, passphrase="seven plain words").patients
    for wrong in ("seven plain word", None):
        with pytest.raises(InputError, match="passphrase"):
            read_map(path, passphrase=wrong)
    envelope = json.loads(data)
    envelope["data"] = (
        "A" + envelope["data"][1:] if envelope["data"][0] != "A" else "B" + envelope["data"][1:]
    )
    path.write_text(json.dumps(envelope))
    with pytest.raises(InputError, match="altered"):
        read_map(path, passphrase="seven plain words")
    with pytest.raises(InputError, match="exists with a passphrase"):
        deidentify(study, tmp_path / "out", key=key, map=path)


@pytest.mark.parametrize("passphrase", [None, "seven plain words"])
def test_runs_at_the_same_time_lose_nothing_of_one_map(
    tmp_path: Path, key: Key, small: Small, passphrase: str | None
) -> None:
    path = tmp_path / "map.json"
    for n in range(4):
        (tmp_path / f"in{n}").mkdir()
        small(PatientID=f"K-{n}", PatientName=f"Name{n}", SOPInstanceUID=f"1.2.3.{n}").save_as(
            tmp_path / f"in{n}" / f"{n}.dcm"
        )
    # Every run has read the map before any of them writes what it found.
    read, runs = Barrier(4), 4

    def waiting(done: int, total: int) -> None:
        if done == 0:
            read.wait(timeout=300)

    def run(n: int) -> None:
        deidentify(
            tmp_path / f"in{n}",
            tmp_path / f"out{n}",
            key=key,
            map=path,
            passphrase=passphrase,
            progress=waiting,
        )

    with ThreadPoolExecutor(runs) as pool:
        list(pool.map(run, range(runs)))
    kept = read_map(path, passphrase=passphrase)
    assert set(kept.patients) == {f"K-{n}" for n in range(4)}
    assert set(kept.uids) >= {f"1.2.3.{n}" for n in range(4)}
    assert len(kept.files) == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".map.json*"))


def test_names_of_one_patient_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    for name in ("A", "B", "A"):
        patients = {"1": {"new": "P-X", "days_back": 3, "names": [name]}}
        add_to_map(path, Map("check", patients=patients), passphrase=None)
    assert read_map(path).patients["1"]["names"] == ["A", "B"]
    with pytest.raises(InputError, match="another key"):
        add_to_map(path, Map("other"), passphrase=None)
    with pytest.raises(InputError, match="without a passphrase"):
        add_to_map(path, Map("check"), passphrase="x")


def test_a_second_run_completes_the_first(study: Path, tmp_path: Path, key: Key, small: Small) -> None:
    out, path = tmp_path / "out", tmp_path / "map.json"
    deidentify(study, out, key=key, map=path)
    first = {p: p.read_bytes() for p in out.rglob("*.dcm")}
    next(iter(first)).unlink()
    later = tmp_path / "later"
    later.mkdir()
    small(SOPInstanceUID="1.2.3.77").save_as(later / "new.dcm")
    result = deidentify([study, later], out, key=key, map=path)
    assert (result.written, result.repeated) == (2, 3)
    assert {p: p.read_bytes() for p in first} == first
    assert "1.2.3.77" in read_map(path).uids
    with pytest.raises(InputError, match="not made with this key"):
        deidentify(study, out, key=Key(bytes(32)))
    with pytest.raises(InputError, match="not made with this key and these options"):
        deidentify(study, out, key=key, options=["retain-uids"])


def test_other_regions_need_another_folder(study: Path, tmp_path: Path, key: Key) -> None:
    regions, out = tmp_path / "regions.yaml", tmp_path / "out"
    regions.write_text("- {match: {InstitutionName: Quellenhof}, boxes: [[0, 0, 6, 1]]}\n")
    deidentify(study, out, key=key)
    with pytest.raises(InputError, match=r"other: regions\)"):
        deidentify(study, out, key=key, regions=regions)
    with pytest.raises(InputError, match="burned-in text allowed"):
        deidentify(study, out, key=key, allow_burned_in=True)
    deidentify(study, tmp_path / "two", key=key, regions=regions)
    assert deidentify(study, tmp_path / "two", key=key, regions=regions).repeated == 4
    assert "quellenhof" not in (tmp_path / "two" / "deidentification.json").read_text().casefold()


@pytest.mark.parametrize(
    ("known", "patients"),
    [
        ({"PatientBirthDate": "19700101"}, 2),
        ({"PatientName": "Anonymous"}, 2),
        ({"PatientName": "Unknown^Patient", "PatientBirthDate": "19700101"}, 2),
        ({"StudyInstanceUID": None}, 2),
        ({"StudyInstanceUID": None, "SeriesInstanceUID": None}, 2),
        ({"PatientName": "Zwyxelburg^Anna", "PatientBirthDate": "19700101"}, 1),
    ],
)
def test_two_patients_without_id_stay_two(
    known: dict[str, str | None], patients: int, tmp_path: Path, key: Key, small: Small
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in "12":
        image = small(PatientID="", PatientName="", SOPInstanceUID=f"1.2.3.{n}")
        image.StudyInstanceUID, image.SeriesInstanceUID = f"1.2.4.{n}", f"1.2.5.{n}"
        for keyword, value in known.items():
            setattr(image, keyword, value)
        image.save_as(folder / f"{n}.dcm")
    out = tmp_path / "out"
    assert deidentify(folder, out, key=key).written == 2
    assert len([p for p in out.iterdir() if p.is_dir()]) == patients


def test_the_same_uid_with_other_content_is_withheld(tmp_path: Path, key: Key, small: Small) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    small().save_as(folder / "a.dcm")
    small().save_as(folder / "b.dcm")
    small(KVP="90").save_as(folder / "c.dcm")
    result = deidentify(folder, tmp_path / "out", key=key)
    assert (result.written, result.repeated) == (1, 1)
    assert "same SOP Instance UID" in result.withheld[0][1]


def test_a_zip(study: Path, tmp_path: Path, key: Key) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in sorted(study.iterdir()):
            archive.write(path, f"../../{path.name}")
    one = deidentify(tmp_path / "in.zip", tmp_path / "out1", key=key)
    deidentify(study, tmp_path / "out2", key=key)
    assert (one.written, one.others) == (4, 2)
    results = [
        {p.relative_to(out): p.read_bytes() for p in out.rglob("*.dcm")}
        for out in (tmp_path / "out1", tmp_path / "out2")
    ]
    assert results[0] == results[1]


def test_regions_are_blanked(study: Path, tmp_path: Path, key: Key) -> None:
    regions = tmp_path / "regions.yaml"
    regions.write_text("- {match: {BurnedInAnnotation: 'YES'}, boxes: [[0, 0, 6, 1]]}\n")
    deidentify(study / "us.dcm", tmp_path / "out", key=key, regions=regions)
    (path,) = (tmp_path / "out").rglob("*.dcm")
    assert (dcmread(path).pixel_array[0] == 100).all()
    with pytest.raises(InputError, match="needs declared regions"):
        deidentify(study, tmp_path / "out3", key=key, options=["clean-pixel-data"])
    allowed = deidentify(study / "us.dcm", tmp_path / "out4", key=key, allow_burned_in=True)
    assert allowed.written == 1


def test_nothing_is_written_where_it_must_not_be(study: Path, tmp_path: Path, key: Key) -> None:
    out = tmp_path / "out"
    for wrong in (study, study / "new", tmp_path):
        with pytest.raises(InputError, match=r"input|not empty"):
            deidentify(study, wrong, key=key)
    with pytest.raises(InputError, match="given away"):
        deidentify(study, out, key=key, map=out / "map.json")
    with pytest.raises(InputError, match="given away"):
        deidentify(study, out, key=out / "key")
    with pytest.raises(InputError, match="no such file or folder"):
        deidentify(tmp_path / "none", out, key=key)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        deidentify(study, tmp_path / "file", key=key)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(InputError, match="not empty"):
        deidentify(study, tmp_path / "full", key=key)
    assert not out.exists()


def test_series_and_what_refers_to_it_agree(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "dicom_seg_sr" / "dcmqi_segmentations"
    inputs = [folder / "ct-3slice", folder / "liver.dcm"]
    deidentify(inputs, tmp_path / "out", key=tmp_path / "key")
    new = [dcmread(p) for p in (tmp_path / "out").rglob("*.dcm")]
    (segmentation,) = (d for d in new if d.Modality == "SEG")
    images = {d.SOPInstanceUID: d for d in new if d.Modality == "CT"}
    assert len({d.SeriesInstanceUID for d in images.values()}) == 1
    referenced: set[str] = set()

    def visit(dataset: Dataset) -> None:
        for element in dataset:
            if element.VR == "SQ":
                for item in element.value:
                    visit(item)
            elif element.keyword == "ReferencedSOPInstanceUID":
                referenced.add(element.value)

    visit(segmentation)
    old = [dcmread(p) for p in sorted((folder / "ct-3slice").glob("*.dcm"))]
    key = load_key(tmp_path / "key")
    assert images.keys() == {key.uid(d.SOPInstanceUID) for d in old}
    assert len(referenced & images.keys()) == 3
    assert len({d.FrameOfReferenceUID for d in new}) == 1
    assert len({d.StudyInstanceUID for d in new}) == len(
        {d.StudyInstanceUID for d in [*old, dcmread(inputs[1])]}
    )
