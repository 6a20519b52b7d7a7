"""The truth of a sealed test is nowhere in the folder, nothing before the test needs it, only its holders open it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
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
from overread.pipeline.seal import EVENT, is_sealed, refuse_unsealed, seal_test
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


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    draw_discs(tmp_path / "discs")
    stages.init_stage(tmp_path / "discs")
    return tmp_path / "discs"


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


@pytest.mark.parametrize("at", ["set_columns", "Path.unlink", "hashed"])
def test_a_seal_that_was_interrupted_is_ended(
    lesions: Path, ring: Keyring, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the table, between table and masks, or before the row: the next call ends it, nothing is lost."""
    space = Workspace.open(lesions)
    before = {c.case: read_mask(c, load_case(c)) for c in space.cohort().split("test")}

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"overread.pipeline.seal.{at}", killed)
        with pytest.raises(KeyboardInterrupt):
            seal_test(space, [ring.find("Ann")])
    facts = seal_test(space, [ring.find("Ann")])
    assert [e.data["root"] for e in space.ledger.events(EVENT)] == [facts["root"]]
    assert not {p.name.split(".")[0] for p in (lesions / "masks").iterdir()} & set(before)
    with pytest.raises(InputError, match="is sealed already"):
        seal_test(space, [ring.find("Ann")])
    with opened_test(space, ring.open("Ann", WORDS)) as opened:
        for case in opened.split("test"):
            np.testing.assert_array_equal(read_mask(case, load_case(case)), before[case.case])


def test_truth_that_came_after_the_seal_is_never_taken_out(discs: Path, ring: Keyring) -> None:
    """A second `seal` over cases that the first did not hold would lose them; a restored table lies open."""
    table = discs / "cohort.csv"
    whole = table.read_text()
    space = Workspace.open(discs)
    seal_test(space, [ring.find("Ann")])
    late = table.read_text() + "late,late,test,images/00.png,large,F\n"
    for text, case in ((late, "late"), (whole, "case00")):
        table.write_text(text)
        with pytest.raises(InputError, match=f"truth of .* lies beside the seal .such as case {case}"):
            seal_test(space, [ring.find("Ann")])
        assert table.read_text() == text
        with pytest.raises(InputError, match="lies beside the seal"):
            stages.check_stage(discs)
        with pytest.raises(InputError, match="lies beside"), opened_test(space, ring.open("Ann", WORDS)):
            pass


def test_another_seal_put_in_its_place_is_not_opened(discs: Path, ring: Keyring) -> None:
    """Cards are public: anybody can write a seal for the same holder with labels that suit a model."""
    space = Workspace.open(discs)
    copy = Path(shutil.copytree(discs, discs.with_name("copy")))
    seal_test(space, [ring.find("Ann")])
    table = copy / "cohort.csv"
    table.write_text(re.sub(r",test,(.*),(small|large),", r",test,\1,small,", table.read_text(), count=3))
    seal_test(Workspace.open(copy), [ring.find("Ann")])
    shutil.copy(copy / SEAL, discs / SEAL)
    with (
        pytest.raises(InputError, match="not the seal that the ledger recorded"),
        opened_test(space, ring.open("Ann", WORDS)),
    ):
        pass


def test_a_seal_undone_and_made_again_does_not_hide_what_was_trained_on(discs: Path, ring: Keyring) -> None:
    protocol, table = discs / "protocol.yaml", discs / "cohort.csv"
    protocol.write_text(protocol.read_text() + "seal: true\n")
    whole, space = table.read_text(), Workspace.open(discs)
    seal_test(space, [ring.find("Ann")])
    space.ledger.append("pipeline.train", {})
    refuse_unsealed(Workspace.open(discs))
    shutil.rmtree(discs / "sealed")
    table.write_text(whole)
    seal_test(space, [ring.find("Ann")])
    with pytest.raises(InputError, match="before the test was sealed"):
        refuse_unsealed(Workspace.open(discs))


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_a_mask_that_stays_under_another_name_is_not_sealed(lesions: Path, ring: Keyring, kind: str) -> None:
    mask = Cohort.read(lesions).split("test")[0].mask
    assert mask is not None
    kept = lesions / "store" / mask.name
    kept.parent.mkdir()
    mask.rename(kept)
    mask.symlink_to(kept) if kind == "symlink" else mask.hardlink_to(kept)
    with pytest.raises(InputError, match="is a link, or has further names"):
        seal_test(Workspace.open(lesions), [ring.find("Ann")])
    assert not is_sealed(lesions)


def test_masks_named_by_their_whole_path_come_back_outside_of_the_folder(
    lesions: Path, ring: Keyring
) -> None:
    table = lesions / "cohort.csv"
    table.write_text(table.read_text().replace(",masks/", f",{lesions}/masks/"))
    space = Workspace.open(lesions)
    seal_test(space, [ring.find("Ann")])
    before = sorted(lesions.rglob("*"))
    with opened_test(space, ring.open("Ann", WORDS)) as opened:
        assert sorted(lesions.rglob("*")) == before
        assert all(c.mask and c.mask.is_file() for c in opened.split("test"))
    assert sorted(lesions.rglob("*")) == before


def test_the_look_is_counted_before_any_truth_is_on_the_disk(
    lesions: Path, ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, place = Workspace.open(lesions), tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    seal_test(space, [ring.find("Ann")])
    seen: list[list[Path]] = []
    with opened_test(space, ring.open("Ann", WORDS), before=lambda: seen.append(list(place.iterdir()))):
        assert list(place.iterdir())
    assert seen == [[]]


def test_what_a_killed_test_left_open_is_taken_away(lesions: Path, ring: Keyring, tmp_path: Path) -> None:
    """SIGTERM ends it in order; after SIGKILL the next opening removes the files."""
    seal_test(Workspace.open(lesions), [ring.find("Ann")])
    place, state = tmp_path / "tmp", ring.folder.parent
    place.mkdir()
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom overread.keys.ring import Keyring\n"
        "from overread.pipeline.seal_opened import opened_test\n"
        "from overread.pipeline.workspace import Workspace\n"
        f"with opened_test(Workspace.open(Path({str(lesions)!r})), Keyring().open('Ann', {WORDS!r})):\n"
        "    print(len(os.listdir(os.environ['TMPDIR'])), flush=True)\n"
        "    os.kill(os.getpid(), int(sys.argv[1]))\n    signal.pause()\n"
    )
    for number, left in ((signal.SIGKILL, 1), (signal.SIGTERM, 0)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(int(number))],
            env=os.environ | {"TMPDIR": str(place), "OVERREAD_STATE": str(state)},
            capture_output=True,
            text=True,
        )
        assert done.stdout == "1\n", done.stderr
        assert len(list(place.iterdir())) == left


def test_a_holder_whose_key_was_revoked_gets_no_seal(discs: Path, ring: Keyring) -> None:
    ring.revoke("Ann", "phone was lost")
    with pytest.raises(InputError, match=r"Ann's key .* was revoked"):
        seal_test(Workspace.open(discs), [ring.find("Ann")])
    assert not is_sealed(discs)


def test_a_test_that_was_opened_is_not_sealed_afterwards(discs: Path, ring: Keyring) -> None:
    space = Workspace.open(discs)
    space.ledger.append("pipeline.opened", {"patients": []})
    with pytest.raises(InputError, match="the test was opened before"):
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
