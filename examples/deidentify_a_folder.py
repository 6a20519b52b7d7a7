"""A folder of DICOM files without what tells who the patients are, and the way back for whoever holds the map.

Shows: a run with options, one patient under one pseudonym in all files, dates moved alike, a file withheld because it
declares text burned into its pixels, and the map. The files are those that pydicom brings along for tests.

Needs nothing but overread. Writes incoming/, shared/ and secrets/ into the current folder.

    python examples/deidentify_a_folder.py
"""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.data import get_testdata_file

from overread.deidentify import deidentify, load_key
from overread.deidentify.mapping import read_map

PASSPHRASE = "correct horse battery staple"  # of the map; take one of your own
OPTIONS = ["clean-descriptors", "retain-patient-characteristics"]


def incoming(folder: Path) -> None:
    """Two CT slices of one patient, an MR slice of another, and one that declares burned-in text."""
    folder.mkdir()
    for name, source, changes in (
        ("1.dcm", "CT_small.dcm", {}),
        ("2.dcm", "CT_small.dcm", {"SOPInstanceUID": "1.2.826.0.1.3680043.8.498.1", "InstanceNumber": "2"}),
        ("3.dcm", "MR_small.dcm", {}),
        (
            "4.dcm",
            "MR_small.dcm",
            {"SOPInstanceUID": "1.2.826.0.1.3680043.8.498.2", "BurnedInAnnotation": "YES"},
        ),
    ):
        dataset = dcmread(get_testdata_file(source))
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / name)


def main() -> None:
    """De-identify the folder, look at the result, and ask the map."""
    incoming(Path("incoming"))
    result = deidentify(
        Path("incoming"),
        Path("shared"),
        key=load_key(Path("secrets/project.key")),
        options=OPTIONS,
        map=Path("secrets/project.map"),
        passphrase=PASSPHRASE,
    )
    print(f"{result.written} files written, {len(result.withheld)} withheld, {result.others} not DICOM")
    for name, why in result.withheld:
        print(f"  withheld {Path(name).name}: {why}")
    done = {f"{keyword} {action}" for _, keyword, action in result.changes if keyword.startswith("Patient")}
    print(f"  {sum(result.changes.values())} attributes changed, among them: {'; '.join(sorted(done))}")

    content = read_map(Path("secrets/project.map"), passphrase=PASSPHRASE)
    for path in sorted(Path("shared").rglob("*.dcm")):
        dataset = dcmread(path, stop_before_pixels=True)
        (original,) = (old for kind, old, new in content.find(str(dataset.PatientID)) if kind == "patient")
        print(
            f"{dataset.Modality} {dataset.PatientID} (was {original}), studied on {dataset.StudyDate}, "
            f"sex {dataset.get('PatientSex') or 'not stated'}, age {dataset.get('PatientAge') or 'not stated'}"
        )


if __name__ == "__main__":
    main()
