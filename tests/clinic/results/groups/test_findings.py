"""Findings in the SR: one group each, with its decision or that nobody decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from highdicom.sr import srread
from highdicom.sr.coding import Code
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.clinic.outside import dicom_errors, run
from tests.clinic.results.content import coded, concept, finding, groups, items, numbers, template
from tests.clinic.results.made import objects
from tests.clinic.site import write_multilabel, write_series

from overread.clinic.results.codes import ABNORMAL
from overread.runtime.manifest import Calibration, ScoreBin

PRESENT, ABSENT, UNDETERMINED = ("SCT", "52101004"), ("SCT", "272519000"), ("SCT", "373068000")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    scores = ScoreBin(low=0.5, high=1, observed_low=0.6, observed_high=0.95, cases=20)
    package = write_multilabel(tmp_path / "p.overread", calibration=Calibration(bins={"bright": [scores]}))
    return objects(package, write_series(tmp_path / "in"), tmp_path)["sr"]


def parameters(group: Dataset) -> list[str]:
    return [str(i.TextValue) for i in items(group) if concept(i) == "Algorithm Parameters"]


def test_valid_and_readable(made: Path) -> None:
    assert dicom_errors(made) == []
    dump = run("dsrdump", made)
    assert "Probability of dark lesion" in dump
    assert "warning" not in dump.lower()
    assert len(srread(made).content.get_image_measurement_groups()) == 4


def test_a_group_for_each_finding_in_the_packages_order(made: Path) -> None:
    found = groups(dcmread(made))
    start = "findings of brightness"
    assert list(found) == [f"{start} {label}" for label in ("analysis", "bright", "dark lesion", "haze")]
    assert {template(g) for g in found.values()} == {"1501"}
    presence = [coded(g, "Presence") for g in found.values()]
    assert presence == [[], [PRESENT], [ABSENT], [UNDETERMINED]]


def test_probability_with_its_limits(made: Path) -> None:
    found = groups(dcmread(made))
    bright = numbers(found["findings of brightness bright"])
    assert 0.5 < bright["Probability of bright"][0] < 1
    assert bright["Probability of bright"][1] == "1"
    assert bright["Lower limit of share in tuning cases so scored (90%)"] == (0.6, "1")
    assert bright["Upper limit of share in tuning cases so scored (90%)"] == (0.95, "1")
    assert numbers(found["findings of brightness haze"]) == {"Probability of haze": (0.5, "1")}


def test_threshold_is_a_parameter_of_its_own_finding(made: Path) -> None:
    found = groups(dcmread(made))
    everything = " ".join(parameters(found["findings of brightness analysis"]))
    assert "threshold 0.4 on the probability of bright, rule: youden" in everything
    assert "threshold 0.7 on the probability of dark lesion" in everything
    [_, own] = parameters(found["findings of brightness dark lesion"])
    assert own == "threshold 0.7 on the probability of dark lesion, rule: sensitivity 0.9"
    assert len(parameters(found["findings of brightness haze"])) == 1


def test_codes_by_known_word_and_as_configured(tmp_path: Path, made: Path) -> None:
    found = groups(dcmread(made))
    assert finding(found["findings of brightness bright"]) == (None, ("99OVERREAD", "BRIGHT"))
    assert finding(found["findings of brightness dark lesion"]) == (("SCT", "49755003"), ("SCT", "52988006"))
    package = write_multilabel(tmp_path / "p.overread")
    wanted = {"bright": (ABNORMAL, Code("36118008", "SCT", "Pneumothorax"))}
    made = objects(package, write_series(tmp_path / "in"), tmp_path, label_codes=wanted)["sr"]
    assert dicom_errors(made) == []
    group = groups(dcmread(made))["findings of brightness bright"]
    assert finding(group) == (("SCT", "49755003"), ("SCT", "36118008"))
    assert coded(group, "Presence") == [PRESENT]


def test_radiograph(tmp_path: Path, data_dir: Path) -> None:
    package = write_multilabel(tmp_path / "p.overread", dimensions=2)
    made = objects(package, [data_dir / "dicom_cr_radiographs" / "RG3_J2KR.dcm"], tmp_path)["sr"]
    assert dicom_errors(made) == []
    assert len(groups(dcmread(made))) == 4


def test_tracking_is_alike_in_every_writing_of_a_run(tmp_path: Path, made: Path) -> None:
    uids = [
        str(i.UID) for i in items(dcmread(made)) if i.ValueType == "UIDREF" and concept(i).startswith("Track")
    ]
    assert len(set(uids)) == 4
    before = made.read_bytes()
    package = write_multilabel(tmp_path / "p.overread")
    again = objects(package, sorted((tmp_path / "in").glob("*.dcm")), tmp_path)["sr"]
    after = [
        str(i.UID)
        for i in items(dcmread(again))
        if i.ValueType == "UIDREF" and concept(i).startswith("Track")
    ]
    assert after == uids
    assert again.read_bytes() != before, "the second package has no interval: the reports do differ"
