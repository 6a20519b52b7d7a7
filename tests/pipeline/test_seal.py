"""The truth of a sealed test is nowhere in the folder, nothing before the test needs it, only its holders open it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.sealed_road import WORDS, Road, draw_discs

import overread.pipeline.stages as stages
from overread.cohort.cohort import SEAL, Cohort
from overread.cohort.load import load_case
from overread.cohort.truth.mask import read_mask
from overread.cohort.virtual.cohort import make_virtual_cohort
from overread.errors import InputError
from overread.keys.ring import Keyring
from overread.pipeline.seal import EVENT, is_sealed, seal_test
from overread.pipeline.seal_opened import opened_test
from overread.pipeline.workspace import Workspace


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masks") / "lesions"
    make_virtual_cohort(folder, patients=12)
    stages.init_stage(folder)
    return folder


@pytest.fixture
def ring() -> Keyring:
    found = Keyring()
    for name in ("Ann", "Bob", "Eve"):
        found.new(name, ["quality"], WORDS)
    return found


@pytest.fixture
def lesions(masks: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(masks, tmp_path / "lesions"))


def test_masks_leave_the_folder_and_come_back_bit_for_bit(lesions: Path, ring: Keyring) -> None:
    space = Workspace.open(lesions)
    before = {c.case: read_mask(c, load_case(c)) for c in space.cohort().split("test")}
    facts = seal_test(space, [ring.find("Ann"), ring.find("Bob")])
    assert (facts["cases"], facts["files"]) == (len(before), len(before))
    left = {p.name.split(".")[0] for p in (lesions / "masks").iterdir()}
    assert left and not left & set(before)
    sealed = space.cohort()
    assert all(c.sealed and c.mask is None for c in sealed.split("test"))
    for name in ("Ann", "Bob"):
        with opened_test(space, ring.open(name, WORDS)) as opened:
            assert {c.case for c in opened.split("test")} == set(before)
            for case in opened.split("test"):
                np.testing.assert_array_equal(read_mask(case, load_case(case)), before[case.case])
            place = next(iter(opened.split("test"))).mask
            assert place is not None and not place.is_relative_to(lesions)
            # What was locked with the seal closed is the same cohort.
            assert opened.digest() == sealed.digest() and opened.digest("test") == sealed.digest("test")
        assert not place.exists()
    eve = ring.open("Eve", WORDS)
    said = r"is sealed for Ann, Bob, not for Eve's key .* is lost"
    with pytest.raises(InputError, match=said), opened_test(space, eve):
        pass


def test_an_altered_image_or_seal_is_not_opened(lesions: Path, ring: Keyring) -> None:
    space = Workspace.open(lesions)
    seal_test(space, [ring.find("Ann")])
    ann = ring.open("Ann", WORDS)
    image = next(iter(space.cohort().split("test")[0].images.values()))
    data = image.read_bytes()
    image.write_bytes(data + b"\0")
    with (
        pytest.raises(InputError, match="test images are not those that were sealed"),
        opened_test(space, ann),
    ):
        pass
    image.write_bytes(data)
    sealed = lesions / "sealed" / "0.bin"
    content = bytearray(sealed.read_bytes())
    content[-1] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(InputError, match=r"0\.bin: was altered"), opened_test(space, ann):
        pass
    sealed.unlink()
    with pytest.raises(InputError, match=r"0\.bin: no such file"), opened_test(space, ann):
        pass


def test_a_seal_that_was_interrupted_is_ended(tmp_path: Path, ring: Keyring) -> None:
    draw_discs(tmp_path / "discs")
    stages.init_stage(tmp_path / "discs")
    space = Workspace.open(tmp_path / "discs")
    table = (space.folder / "cohort.csv").read_text()
    first = seal_test(space, [ring.find("Ann")])
    (space.folder / "cohort.csv").write_text(table)
    assert seal_test(space, [ring.find("Ann")]) == first
    assert [c.label for c in space.cohort().split("test")] == [None] * first["cases"]
    with pytest.raises(InputError, match="is sealed already"):
        seal_test(space, [ring.find("Ann")])


def test_what_cannot_be_taken_away_is_not_sealed(lesions: Path, tmp_path: Path, ring: Keyring) -> None:
    table = lesions / "cohort.csv"
    case = Cohort.read(lesions).split("test")[0]
    assert case.mask is not None
    shutil.copy(case.mask, tmp_path / case.mask.name)
    table.write_text(table.read_text().replace(f"masks/{case.mask.name}", str(tmp_path / case.mask.name)))
    with pytest.raises(InputError, match="expected a file inside"):
        seal_test(Workspace.open(lesions), [ring.find("Ann")])
    assert not is_sealed(lesions)


def test_a_protocol_that_asks_for_a_seal_goes_no_further_without(tmp_path: Path, ring: Keyring) -> None:
    folder = tmp_path / "discs"
    draw_discs(folder)
    stages.init_stage(folder)
    protocol = folder / "protocol.yaml"
    protocol.write_text(protocol.read_text() + "seal: true\n")
    with pytest.raises(InputError, match=r"says seal: true.*`overread seal"):
        stages.check_stage(folder)
    stages.seal_stage(folder, ["Ann"])
    stages.check_stage(folder)
    checked = json.loads((folder / "check.json").read_text())
    assert any("whose truth is sealed" in f["message"] for f in checked["findings"])
    assert not [f for f in checked["findings"] if f["severity"] == "blocking"]


def test_the_whole_road_goes_without_the_truth_of_the_test(sealed_road: Road) -> None:
    folder = sealed_road.folder
    rows = Workspace.open(folder).ledger.events()
    kinds = [e.kind for e in rows]
    order = ("pipeline.init", EVENT, "pipeline.train", "pipeline.lock", "pipeline.opened", "pipeline.test")
    assert [kinds.index(k) for k in order] == sorted(kinds.index(k) for k in order)
    table = (folder / "cohort.csv").read_text().splitlines()
    assert {line.split(",")[4] for line in table if ",test," in line} == {""}
    report = json.loads((folder / "report.json").read_text())
    assert report["test"] and report["exploratory"] == []
    labels = {line.split(",")[3] for line in (folder / "predictions.csv").read_text().splitlines()[1:]}
    assert labels == {"small", "large"}
    seal = (folder / SEAL).read_text()
    assert "case00" not in seal and not re.search("small|large", seal)


def test_only_a_holder_tests_again_and_the_second_look_is_exploratory(
    sealed_road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Path(shutil.copytree(sealed_road.state, tmp_path / "state"))
    monkeypatch.setenv("OVERREAD_STATE", str(state))
    folder = Path(shutil.copytree(sealed_road.folder, tmp_path / "discs"))
    with pytest.raises(InputError, match=r"is sealed; `overread test .* --as NAME` opens it"):
        stages.test_stage(folder)
    with pytest.raises(InputError, match="not for Ann Lee's key"):
        stages.test_stage(folder, who="Ann Lee", passphrase_file=sealed_road.words)
    looks = len(Workspace.open(folder).ledger.events("pipeline.opened"))
    assert looks == 1
    stages.test_stage(folder, who="Bob Ray", passphrase_file=sealed_road.words)
    report = json.loads((folder / "report.json").read_text())
    assert report["exploratory"] == ["The test patients were opened 2 times."]
