"""Fetch the priors of a run: asked for, checked to be the patient's, kept with the run, and never waited for long."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from overread.clinic.config import ClinicConfig
from overread.clinic.config_parts import Priors
from overread.clinic.priors.choose import Choice, Wanted, choose
from overread.clinic.priors.coming import expected
from overread.clinic.priors.identity import Found, differs, identity_of
from overread.clinic.priors.kept import FOLDER, KeptPriors, Prior, write_priors
from overread.clinic.priors.query import LateError, in_time, query
from overread.clinic.pull.retrieve import get_study, move_study
from overread.clinic.pull.settings import AnySource, Source
from overread.clinic.pull.web import fetch_study
from overread.clinic.spool import Spool, safe_uid
from overread.clinic.stopping import StoppingError
from overread.errors import InputError, OverreadError
from overread.files import fsync_folder
from overread.imaging.dicom.files import open_dataset
from overread.imaging.dicom.values import text

PAUSE_SECONDS = 60.0
"""A source that did not answer in time is left alone for so long, that many studies do not all wait for it."""
TICK_SECONDS = 0.1
TAGS = ["StudyInstanceUID", "SeriesInstanceUID", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "StudyDate",
        "StudyDescription", "Modality", "SpecificCharacterSet"]  # fmt: skip
log = logging.getLogger(__name__)


@dataclass
class Fetcher:
    """Fetches for one process. ``known``: whether the node was sent a study, which then lies in ``spool``."""

    config: ClinicConfig
    spool: Spool
    known: Callable[[str], bool]
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    _away: dict[str, float] = field(default_factory=dict)

    def fetch(self, folder: Path, rule: Priors, wanted: Wanted) -> KeptPriors:
        """What could be had within ``rule.seconds``; kept in ``folder``, a run's, before it is returned.

        Raises StoppingError where the node stops meanwhile, and never because of the archive. Whatever that does, a
        thread of its own waits for it, which is left behind at the end of the time and ends at its next step.
        """
        source = next(s for s in self.config.pull.sources if s.name == rule.source)
        kept, late = KeptPriors(), False
        if not wanted.identity.patient_id:
            kept = KeptPriors(notes=("no priors: the study has no PatientID",))
        elif self.clock() < self._away.get(source.name, 0.0):
            kept = KeptPriors(notes=(f"no priors: {source.name} did not answer in time a moment ago",))
        else:
            kept, late = self._in_time(folder, source, rule, wanted)
        if self.stop.is_set():
            raise StoppingError("the node stops")
        if late:
            self._away[source.name] = self.clock() + PAUSE_SECONDS
        write_priors(folder, kept)
        return kept

    def _in_time(
        self, folder: Path, source: AnySource, rule: Priors, wanted: Wanted
    ) -> tuple[KeptPriors, bool]:
        begun = time.monotonic()
        one = _Fetch(self, folder, source, rule, wanted, begun + rule.seconds)
        thread = threading.Thread(target=one.run, name=f"priors-{source.name}", daemon=True)
        thread.start()
        while thread.is_alive() and not self.stop.is_set() and time.monotonic() - begun < rule.seconds:
            thread.join(TICK_SECONDS)
        return one.close()


class _Fetch:
    """One attempt, in a thread: what it has when time is over counts, what it does later does not."""

    def __init__(
        self, fetcher: Fetcher, folder: Path, source: AnySource, rule: Priors, wanted: Wanted, until: float
    ) -> None:
        self._fetcher, self._folder, self._source = fetcher, folder, source
        self._rule, self._wanted, self._until = rule, wanted, until
        self._lock = threading.Lock()
        self._closed, self._done, self._late = False, False, False
        self._priors: list[Prior] = []
        self._notes: list[str] = []

    def close(self) -> tuple[KeptPriors, bool]:
        """What there is, and whether the source was too slow or away."""
        with self._lock:
            self._closed = True
            late = self._late or not self._done
            if not self._done:
                self._notes.append(f"priors: {self._source.name} took longer than {self._rule.seconds:g} s")
            return KeptPriors(tuple(self._priors), tuple(dict.fromkeys(self._notes))), late

    def run(self) -> None:
        """Ask, choose, retrieve."""
        try:
            found = list(
                query(
                    self._source,
                    self._wanted,
                    days=self._rule.days,
                    calling=self._fetcher.config.aet,
                    until=self._until,
                )
            )
            choice: Choice = choose(found, self._wanted, self._rule)
            self._say(*choice.notes)
            for study, series in choice.studies:
                in_time(self._until)
                self._one(study, series)
        except LateError:
            return
        except OverreadError as error:
            self._late = True
            self._say(f"priors: {error}")
        except Exception as error:
            # Whatever an archive makes a library do costs the priors and nothing else.
            log.exception("the priors of a run met an error")
            self._say(f"priors: {self._source.name}: {type(error).__name__}")
        with self._lock:
            self._done = True

    def _say(self, *notes: str) -> None:
        with self._lock:
            self._notes += [" ".join(n.split())[:300] for n in notes]

    def _one(self, study: str, series: Sequence[Found]) -> None:
        with tempfile.TemporaryDirectory(prefix=".priors-", dir=self._fetcher.config.folder) as scratch:
            try:
                files = self._files(safe_uid(study), series, Path(scratch))
                prior, whose = self._checked(study, {s.series for s in series}, files)
            except (InputError, ValueError) as error:
                self._say(f"a prior of {series[0].date} cannot be read ({error})")
                return
            if whose:
                self._say(
                    f"a prior of {series[0].date} is another patient's ({whose} differs) and was dropped"
                )
                return
            if prior is None:
                self._say(f"{self._source.name} sent nothing of a prior of {series[0].date}")
                return
            with self._lock:
                if not self._closed:
                    self._name(study, files)
                    self._priors.append(prior)

    def _files(self, study: str, series: Sequence[Found], scratch: Path) -> list[Path]:
        """The instances, from our own spool where the study is there, or from the archive."""
        fetcher = self._fetcher
        if fetcher.known(study):
            return [fetcher.spool.path(study, sop) for sop in fetcher.spool.instances(study)]
        config, source = fetcher.config, self._source
        if isinstance(source, Source) and source.retrieve == "move":
            return self._moved(source, study, series, scratch)
        spool = Spool(scratch)
        for one in series:
            if isinstance(source, Source):
                get_study(
                    source, study, calling=config.aet, spool=spool, series=one.series, until=self._until
                )
            else:
                longest = config.receive.maximum_object_mb << 20
                fetch_study(source, study, spool=spool, longest=longest, series=one.series, until=self._until)
        return [spool.path(study, sop) for sop in spool.instances(study)]

    def _moved(self, source: Source, study: str, series: Sequence[Found], scratch: Path) -> list[Path]:
        """What the archive sends to our door, taken out of the spool again."""
        config, spool = self._fetcher.config, self._fetcher.spool
        with expected(config.folder, study, source.aet):
            try:
                for one in series:
                    move_study(source, study, calling=config.aet, series=one.series, until=self._until)
            finally:
                sops = spool.instances(study)
                files = []
                for sop in sops:
                    _link(spool.path(study, sop), scratch / f"{sop}.dcm")
                    files.append(scratch / f"{sop}.dcm")
                if sops and not self._fetcher.known(study):
                    spool.remove(study, sops)
        return files

    def _checked(self, study: str, series: set[str], files: list[Path]) -> tuple[Prior | None, str]:
        """What the files are, and whether any says that it is somebody else's. Other series are left out."""
        heads = []
        for path in list(files):
            head = open_dataset(path, path.name, stop_before_pixels=True, specific_tags=TAGS)
            if text(head, "SeriesInstanceUID") not in series or text(head, "StudyInstanceUID") != study:
                files.remove(path)
                continue
            if whose := differs(self._wanted.identity, identity_of(head)):
                return None, whose
            heads.append(head)
        if not heads:
            return None, ""
        return Prior(
            study,
            text(heads[0], "StudyDate"),
            text(heads[0], "StudyDescription"),
            ", ".join(sorted({text(h, "Modality") for h in heads})),
            tuple(sorted({text(h, "SeriesInstanceUID") for h in heads})),
            len(heads),
            self._source.name,
        ), ""

    def _name(self, study: str, files: Sequence[Path]) -> None:
        """Put the files where the run's priors are, on the disk before it is said that they are."""
        into = self._folder / FOLDER / study
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        for path in files:
            with suppress(FileNotFoundError):
                _link(path, into / path.name)
        fsync_folder(into)


def _link(path: Path, target: Path) -> None:
    """The same file under another name; a copy where that name is on another disk."""
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(path, target)


def wanted_of(path: Path, study: str, modalities: str) -> Wanted:
    """The study whose priors are looked for, from one of its images and the ``modalities`` that the node knows of it.

    Raises InputError where the header cannot be read.
    """
    tags = [*TAGS, "StudyTime"]
    head = open_dataset(path, path.name, stop_before_pixels=True, specific_tags=tags)
    kinds = tuple(m for m in (part.strip() for part in modalities.split(",")) if m)
    return Wanted(identity_of(head), study, text(head, "StudyDate"), text(head, "StudyTime"), kinds)


def clear_scratch(folder: Path) -> None:
    """At the node's start: remove what attempts left that ended with the node."""
    for left in folder.glob(".priors-*"):
        shutil.rmtree(left, ignore_errors=True)
