"""The node: everything that runs while ``overread serve`` does, but the pages."""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from overread.clinic import workflow
from overread.clinic.assemble import choose_route, list_series
from overread.clinic.config import ClinicConfig
from overread.clinic.results.source import read_headers
from overread.clinic.run_folder import RunFacts, run_key, sops_sha256
from overread.clinic.run_steps import Predict, RunSteps
from overread.clinic.spool import Spool, Status, Stored
from overread.clinic.state import State, now
from overread.clinic.storage import start_storage
from overread.clinic.tables import StudyState
from overread.errors import InputError
from overread.files import fsync_folder
from overread.ledger.ledger import Ledger
from overread.runtime.engine import use_threads
from overread.runtime.package import Package

LONGEST_TICK_SECONDS = 0.5
CHECK_SECONDS = 60.0
STOP_SECONDS = 20
log = logging.getLogger(__name__)


@dataclass
class _Arrival:
    last: float
    sender: str
    told: bool = False


class Node:
    """A DICOM node that answers studies with packages.

    Parameters
    ----------
    config
        A checked configuration.
    predict
        How a package answers an image; ``runtime.predict`` unless a test says otherwise.

    Raises
    ------
    InputError
        A package that cannot be loaded or was changed; a state folder that another node uses.
    """

    def __init__(self, config: ClinicConfig, predict: Predict | None = None) -> None:
        if predict is None:
            from overread.runtime.predict import predict as runtime_predict

            predict = runtime_predict
        self.config = config
        use_threads(config.threads)
        self.packages = {route.name: Package.load(route.package) for route in config.routes}
        config.folder.mkdir(parents=True, exist_ok=True)
        fsync_folder(config.folder.parent)
        self._lock = _lock(config.folder)
        self.spool = Spool(config.folder / "spool")
        self.state = State(config.folder / "clinic.db")
        self.ledger = Ledger.open(config.ledger or config.folder / "ledger.db")
        by_hash = {p.sha256: p for p in self.packages.values()}
        self.steps = RunSteps(config, by_hash, self.spool, self.state, self.ledger, predict)
        self.trouble = ""
        self._arrivals: dict[str, _Arrival] = {}
        self._arrivals_lock = threading.Lock()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="study-completion", daemon=True)
        self._server: Any = None

    def start(self) -> None:
        """Take up what was left, then listen. Raises InputError where the port cannot be had."""
        workflow.launch(self.steps, self.config.folder / "workflows.db")
        workflow.resume(self.steps, starting=True)
        for study in self.spool.studies():
            self._take_up(study)
        config = self.config
        try:
            self._server = start_storage(
                self.spool,
                aet=config.aet,
                host=config.host,
                port=config.port,
                on_stored=self._stored,
                peers=config.peers,
                maximum_associations=config.maximum_associations,
            )
        except InputError:
            self.stop()
            raise
        self._watcher.start()
        packages = {name: p.sha256 for name, p in self.packages.items()}
        self.steps.note("clinic.started", aet=config.aet, packages=packages)

    def stop(self) -> None:
        """Stop listening, let the study in hand end for a while, and leave the rest to the next start."""
        self._stop.set()
        if self._server is not None:
            self._server.shutdown()
            self._watcher.join(timeout=STOP_SECONDS)
        workflow.stop(STOP_SECONDS)
        self._lock.close()

    def _stored(self, stored: Stored, sender: str) -> None:
        if stored.status is Status.SUCCESS:
            with self._arrivals_lock:
                self._arrivals[stored.study] = _Arrival(time.monotonic(), sender)
        else:
            log.warning("refused an instance from %s: %#06x %s", sender, stored.status, stored.comment)

    def _take_up(self, study: str) -> None:
        """A study found at the start: wait for more of it unless these instances were handled before."""
        sops = self.spool.instances(study)
        known = self.state.study(study)
        settled = known is not None and known.state is not StudyState.RECEIVING
        if settled and known is not None and known.sops_sha256 == sops_sha256(sops):
            return
        with self._arrivals_lock:
            self._arrivals[study] = _Arrival(time.monotonic(), known.sender if known else "")

    def _watch(self) -> None:
        tick = min(LONGEST_TICK_SECONDS, self.config.quiet_seconds / 5)
        checked = time.monotonic()
        while not self._stop.wait(tick):
            with self._arrivals_lock:
                arrivals = dict(self._arrivals)
            troubles = [self._guarded(partial(self._look, s, a)) for s, a in arrivals.items()]
            if time.monotonic() - checked > CHECK_SECONDS:
                checked = time.monotonic()
                troubles.append(self._guarded(lambda: workflow.resume(self.steps, starting=False)))
            self.trouble = "; ".join(t for t in troubles if t)

    def _guarded(self, action: Callable[[], None]) -> str:
        """Do one thing; an error is logged and returned as text.

        A full disk or a locked database passes; a dead watcher would lose studies without a word.
        """
        try:
            action()
        except Exception as error:
            log.exception("the study watcher met an error and goes on")
            return f"{type(error).__name__}: {error}"
        return ""

    def _look(self, study: str, arrival: _Arrival) -> None:
        if not arrival.told:
            self._tell(study, arrival)
        if time.monotonic() - arrival.last < self.config.quiet_seconds:
            return
        self._complete(study)
        with self._arrivals_lock:
            # Unless another instance came meanwhile: then the study is taken up once more.
            if self._arrivals.get(study) is arrival:
                del self._arrivals[study]

    def _tell(self, study: str, arrival: _Arrival) -> None:
        sops = self.spool.instances(study)
        known = self.state.study(study)
        descriptors = None if known else describe(self.spool.path(study, sops[0]))
        new = self.state.arrived(study, len(sops), arrival.sender, descriptors)
        if new:
            self.steps.note("clinic.received", study=study)
        arrival.told = True

    def _complete(self, study: str) -> None:
        sops = self.spool.instances(study)
        digest = sops_sha256(sops)
        try:
            series = list_series([self.spool.path(study, sop) for sop in sops])
            route = choose_route(self.config.routes, series)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            # A header that no library can read would otherwise hold up its study for ever, without a word.
            if not isinstance(error, InputError):
                log.exception("study %s: its headers cannot be read", study)
            text = f"the headers cannot be read: {error}"
            self.state.set_study(study, StudyState.FAILED, sops_sha256=digest, error=text, run="")
            self.steps.note("clinic.failed", study=study, code="UNREADABLE")
            return
        modalities = ", ".join(sorted({str(s.header.get("Modality", "") or "?") for s in series}))
        package = self.packages[route.name] if route else None
        self.steps.note(
            "clinic.complete",
            study=study,
            instances=len(sops),
            sops_sha256=digest,
            route=route.name if route else None,
            package_sha256=package.sha256 if package else None,
        )
        common = {"sops_sha256": digest, "modalities": modalities, "instances": len(sops)}
        if route is None or package is None:
            there = "; ".join(map(str, series))
            text = f"no route of clinic.yaml fits this study, which holds {there}"
            self.state.set_study(study, StudyState.NO_ROUTE, error=text, run="", **common)
            return
        key = run_key(study, sops, package.sha256)
        known = self.state.run(key)
        if known is not None:
            # The same instances were sent again: their answer stands.
            self.state.set_study(study, known.state, run=key, error="", **common)
            return
        facts = self.steps.folder(key).write_facts(
            RunFacts(
                key=key,
                study_uid=study,
                sops=tuple(sops),
                route=route.name,
                package_name=package.manifest.name,
                package_version=package.manifest.version,
                package_sha256=package.sha256,
                virtual=any(is_virtual(s.header) for s in series),
                created=now(),
            )
        )
        self.state.set_study(study, StudyState.RECEIVING, **common)
        self.state.add_run(
            key=key,
            study_uid=study,
            created=facts.created,
            state=StudyState.QUEUED,
            route=facts.route,
            package_name=facts.package_name,
            package_version=facts.package_version,
            package_sha256=facts.package_sha256,
            sops_sha256=digest,
            instances=len(sops),
        )
        workflow.start_analysis(key)


def describe(path: Path) -> dict[str, Any]:
    """Columns of the study table from one instance; without those that cannot be read."""
    header = read_headers([path])[0]
    columns = {
        "patient_id": "PatientID",
        "patient_name": "PatientName",
        "description": "StudyDescription",
        "modalities": "Modality",
        "study_date": "StudyDate",
    }
    found: dict[str, Any] = {"virtual": int(is_virtual(header))}
    for name, keyword in columns.items():
        try:
            found[name] = str(header.get(keyword, "") or "")
        except (ValueError, TypeError, LookupError, NotImplementedError) as error:
            log.warning("%s: %s cannot be read (%s)", path.stem, keyword, error)
    return found


def is_virtual(header: Dataset) -> bool:
    """Whether the images are marked as those of a virtual patient."""
    identity, comments = (str(header.get(k, "") or "") for k in ("PatientID", "PatientComments"))
    return identity.upper().startswith("VIRTUAL") or "virtual patient" in comments.lower()


def _lock(folder: Path) -> Any:
    handle = (folder / ".lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise InputError(
            f"{folder}: another node works in this folder; give each node a folder of its own"
        ) from error
    return handle
