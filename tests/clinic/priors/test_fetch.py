"""Priors from archives that are right, wrong, silent or slow: kept with the run, and never waited for long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom.dsutils import split_dataset
from tests.clinic.priors.archive import dicom_archive, web_archive
from tests.clinic.receive.raw import node
from tests.clinic.site import write_series

from overread.clinic.child.process import StoppingError
from overread.clinic.config_parts import Priors
from overread.clinic.priors import coming
from overread.clinic.priors.fetch import Fetcher, wanted_of
from overread.clinic.priors.kept import KeptPriors, read_priors
from overread.clinic.pull.settings import Pull
from overread.clinic.receive.settings import Receive
from overread.clinic.spool import Spool

OLD, OLDER, NOW = "1.2.1", "1.2.2", "1.2.3"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """What an archive has: two earlier studies of the patient, and one of somebody else."""
    old = write_series(tmp_path / "a", study=OLD, series="1.2.1.1", slices=2, StudyDate="20230501")
    older = write_series(tmp_path / "b", study=OLDER, series="1.2.2.1", slices=2, StudyDate="20220501")
    other = write_series(
        tmp_path / "c", study="1.2.7", series="1.2.7.1", slices=1, StudyDate="20230601", PatientID="P2"
    )
    return [*old, *older, *other]


class Here:
    """A node's folder, and a run that has its study."""

    def __init__(
        self, folder: Path, source: dict[str, Any], known: tuple[str, ...] = (), spool: Spool | None = None
    ) -> None:
        self.folder, self.run = folder / "state", folder / "state" / "results" / "k"
        self.run.mkdir(parents=True)
        self.spool = spool or Spool(self.folder / "spool")
        pull = Pull.model_validate({"sources": [{"name": "A", **source}]})
        config = SimpleNamespace(aet="NODE", folder=self.folder, pull=pull, receive=Receive())
        self.clock = [0.0]
        self.fetcher = Fetcher(
            cast(Any, config), self.spool, lambda uid: uid in known, clock=lambda: self.clock[0]
        )
        self.current = write_series(folder / "now", study=NOW, slices=1)[0]

    def fetch(self, **rule: Any) -> KeptPriors:
        wanted = wanted_of(self.current, NOW, "MR")
        kept = self.fetcher.fetch(self.run, Priors(source="A", **{"most": 5, "seconds": 120, **rule}), wanted)
        assert read_priors(self.run) == kept
        return kept

    def sent(self) -> dict[str, list[str]]:
        return {p.name: sorted(f.stem for f in p.iterdir()) for p in sorted(self.run.glob("priors/*"))}


def at(port: int, **values: Any) -> dict[str, Any]:
    return {"aet": "PACS", "host": "127.0.0.1", "port": port, **values}


def test_by_find_and_get(tmp_path: Path, files: list[Path]) -> None:
    with dicom_archive(files) as port:
        here = Here(tmp_path, at(port))
        kept = here.fetch()
    assert [(p.study, p.date, p.modalities, p.instances) for p in kept.priors] == [
        (OLD, "20230501", "MR", 2),
        (OLDER, "20220501", "MR", 2),
    ]
    assert kept.notes == ()
    assert here.sent() == {OLD: ["1.2.1.1.1", "1.2.1.1.2"], OLDER: ["1.2.2.1.1", "1.2.2.1.2"]}
    assert here.spool.studies() == [], "it is no study that the node was sent"
    assert not list(here.folder.glob(".priors-*"))
    assert [len(f) for f in kept.files(here.run)] == [2, 2]


def test_by_qido_and_wado(tmp_path: Path, files: list[Path]) -> None:
    with web_archive(files) as (url, asked):
        here = Here(tmp_path, {"kind": "web", "url": url})
        kept = here.fetch(most=1)
    assert [p.study for p in kept.priors] == [OLD]
    assert here.sent() == {OLD: ["1.2.1.1.1", "1.2.1.1.2"]}
    assert "PatientID=P1&StudyDate=20140104-20240102" in asked[0]
    assert asked[-1] == f"/dicom-web/studies/{OLD}/series/1.2.1.1"


def test_by_move_it_is_told_from_a_new_study(tmp_path: Path, files: list[Path]) -> None:
    new: list[str] = []
    there: dict[str, Here] = {}

    def stored(stored: Any, sender: str) -> None:
        if not coming.is_expected(there["here"].folder, stored.study, sender):
            new.append(stored.study)

    spool = Spool(tmp_path / "state" / "spool")
    with (
        node(tmp_path, spool=spool, on_stored=stored) as server,
        dicom_archive(files, move_to=server.port) as port,
    ):
        here = there["here"] = Here(tmp_path, at(port, retrieve="move"), spool=spool)
        kept = here.fetch(most=1)
    assert new == [] and [p.study for p in kept.priors] == [OLD]
    assert here.sent() == {OLD: ["1.2.1.1.1", "1.2.1.1.2"]}
    assert spool.studies() == [], "taken out of the spool again"
    assert not list((here.folder / "coming").iterdir())


def test_what_is_here_is_not_asked_for(tmp_path: Path, files: list[Path]) -> None:
    with dicom_archive(files) as port:
        here = Here(tmp_path, at(port), known=(OLD,))
        for path in files[:2]:
            ds = dcmread(path)
            begin = split_dataset(path)[1]
            here.spool.store(
                path.read_bytes()[begin:], ds.SOPClassUID, ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID
            )
        assert here.fetch(most=1).priors[0].instances == 2
    assert here.spool.instances(OLD) == ["1.2.1.1.1", "1.2.1.1.2"], "and it stays what it is"


def test_a_liar_is_found_out(tmp_path: Path, files: list[Path]) -> None:
    """The answers say P1, and the images are another's."""
    with dicom_archive(files, mask={"PatientID": "P1"}) as port:
        here = Here(tmp_path, at(port))
        kept = here.fetch()
    assert [p.study for p in kept.priors] == [OLD, OLDER]
    assert kept.notes == ("a prior of 20230601 is another patient's (PatientID differs) and was dropped",)
    assert "1.2.7" not in here.sent()


def test_an_archive_that_answers_for_everybody(tmp_path: Path, files: list[Path]) -> None:
    with dicom_archive(files, mask={"PatientID": "P2"}) as port:
        kept = Here(tmp_path, at(port)).fetch()
    assert kept == KeptPriors((), ("A answered with another patient's studies (PatientID differs)",))


def test_an_archive_that_is_away(tmp_path: Path) -> None:
    here = Here(tmp_path, at(9))
    first = here.fetch()
    assert first.priors == () and "cannot be reached" in first.notes[0]
    (here.run / "priors.json").unlink()
    assert here.fetch().notes == ("no priors: A did not answer in time a moment ago",)
    here.clock[0] = 61.0
    assert "cannot be reached" in here.fetch().notes[0]


def test_an_archive_that_never_answers_delays_no_longer_than_allowed(tmp_path: Path) -> None:
    go_on = threading.Event()

    def silent(event: Any) -> Iterator[Any]:
        go_on.wait()
        yield 0x0000, None

    with dicom_archive([], find=silent) as port:
        here = Here(tmp_path, at(port))
        try:
            # The archive is silent until it is told to go on: whoever waited for it would not come back.
            kept = here.fetch(seconds=0.5)
        finally:
            go_on.set()
        assert kept.priors == () and "longer than 0.5 s" in kept.notes[0]


def test_an_archive_that_answers_for_ever(tmp_path: Path, files: list[Path]) -> None:
    def endless(event: Any) -> Iterator[Any]:
        row = Dataset()
        row.StudyInstanceUID, row.PatientID = OLD, "P1"
        while not event.is_cancelled:
            yield 0xFF00, row

    with dicom_archive([], find=endless) as port:
        kept = Here(tmp_path, at(port)).fetch(seconds=1)
    assert kept.priors == () and "longer than 1 s" in kept.notes[0]


def test_a_node_that_stops_leaves_it_to_the_next_start(tmp_path: Path) -> None:
    here = Here(tmp_path, at(9))
    here.fetcher.stop.set()
    with pytest.raises(StoppingError):
        here.fetch()
    assert read_priors(here.run) is None


def test_nobody_is_asked_about_a_patient_without_a_number(tmp_path: Path) -> None:
    here = Here(tmp_path, at(9))
    here.current = write_series(tmp_path / "none", study=NOW, slices=1, PatientID="")[0]
    assert here.fetch().notes == ("no priors: the study has no PatientID",)


def test_what_was_coming_at_the_end_is_removed_at_the_start(tmp_path: Path) -> None:
    removed: list[str] = []
    spool = cast(
        Any, SimpleNamespace(instances=lambda uid: ["1"], remove=lambda uid, sops: removed.append(uid))
    )
    with coming.expected(tmp_path, "1.5", "PACS"):
        assert coming.is_expected(tmp_path, "1.5", "PACS") and not coming.is_expected(tmp_path, "1.5", "CT")
        with coming.expected(tmp_path, "1.6", "PACS"):
            assert coming.clear(tmp_path, spool, lambda uid: uid == "1.6") == removed == ["1.5"]
    assert not coming.is_expected(tmp_path, "1.5", "PACS")
