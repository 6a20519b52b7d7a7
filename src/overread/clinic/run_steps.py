"""What a run does, step by step; each step may be done twice and ends the same.

What is computed is computed elsewhere (`overread.clinic.run_study`), in a child process; here are its states, the
chain of evidence, and what is done when a process ends over a study.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from overread.clinic.child.pool import Children
from overread.clinic.child.process import (
    ChildDiedError,
    ChildTooLargeError,
    ChildTooSlowError,
    StoppingError,
)
from overread.clinic.config import ClinicConfig, Route
from overread.clinic.delivering import Delivering
from overread.clinic.priors.fetch import Fetcher, wanted_of
from overread.clinic.priors.kept import read_priors
from overread.clinic.results.failure import Failure
from overread.clinic.run_folder import RunFacts, RunFolder
from overread.clinic.run_study import Bench, Predict
from overread.clinic.spool import Spool
from overread.clinic.state import State
from overread.clinic.tables import Priority, StudyState
from overread.clinic.written import Written
from overread.errors import InputError
from overread.ledger.ledger import Ledger
from overread.ledger.pseudonyms import Pseudonyms
from overread.runtime.package import Package

ACTOR = "overread"
# Whoever kills the node, as an administrator may, is not to be taken for the study: so many more times.
NODE_DEATHS = 4
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSteps:
    """The steps of every run and all that they need.

    ``packages`` are by their hash. ``children`` compute; without them the steps do so themselves, by ``predict``.
    ``fetcher`` asks archives for priors; without it nobody does.
    """

    config: ClinicConfig
    packages: Mapping[str, Package]
    spool: Spool
    state: State
    ledger: Ledger
    predict: Predict | None = None
    children: Children | None = None
    fetcher: Fetcher | None = None

    @property
    def results(self) -> Path:
        """Where runs keep their files."""
        return self.config.folder / "results"

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """What UIDs are called in the chain of evidence."""
        return Pseudonyms.of_folder(self.config.folder)

    @cached_property
    def bench(self) -> Bench:
        """Where this process computes, and how it makes texts public."""
        return Bench(self.config, self.packages, self.predict)

    @cached_property
    def delivering(self) -> Delivering:
        """The last step."""
        return Delivering(self.config, self.state, self.results, self.note, self.bench.public)

    def folder(self, key: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.results, key)

    def route(self, name: str) -> Route | None:
        """A route of the configuration, or None where it is no longer there."""
        return next((r for r in self.config.routes if r.name == name), None)

    def note(self, kind: str, **payload: Any) -> None:
        """One event in the chain of evidence: hashes and counts, UIDs under a keyed hash, never a name."""
        self.ledger.append(kind, self.pseudonyms.hidden(payload), actor=ACTOR)

    def answer(self, key: str) -> bool:
        """Step 1: read the study, ask the package, keep the result. False where the run cannot go on.

        Raises OSError and MemoryError, which say nothing about the study: the step is to be tried again.
        """
        folder = self.folder(key)
        if folder.result() is not None:
            return True
        facts = folder.facts()
        if not self._package_is_here(key, facts):
            return False
        self.state.set_run(key, StudyState.RUNNING, error="", again=0)
        self._fetch_priors(folder, facts)
        ended = self._survived(
            folder, facts, lambda: self._compute("answer", facts), lambda f: self.bench.fail(key, f)
        )
        event = "clinic.predicted" if "outcome" in ended else "clinic.failed"
        self.note(event, run=key, study=facts.study_uid, **ended)
        return True

    def _fetch_priors(self, folder: RunFolder, facts: RunFacts) -> None:
        """Earlier studies, where the route asks for them and nobody has looked yet; with none of them it goes on."""
        route = self.route(facts.route)
        if self.fetcher is None or route is None or route.priors is None or read_priors(folder.folder):
            return
        known = self.state.study(facts.study_uid)
        try:
            first = self.bench.path_of(facts, facts.sops[0])
            wanted = wanted_of(first, facts.study_uid, known.modalities if known else "")
        except (InputError, IndexError) as error:
            log.warning("run %s: no priors: %s", facts.key, self.bench.public(error))
            return
        kept = self.fetcher.fetch(folder.folder, route.priors, wanted)
        for note in kept.notes:
            log.warning("run %s: %s", facts.key, self.bench.public(note))
        self.note(
            "clinic.priors", run=facts.key, study=facts.study_uid, priors=[p.study for p in kept.priors]
        )

    def write(self, key: str) -> bool:
        """Step 2: make the result objects. False where none can be made, or none is to be sent."""
        folder = self.folder(key)
        facts = folder.facts()
        if not self._package_is_here(key, facts):
            return False

        def no_object(failure: Failure) -> dict[str, Any]:
            return Written(text=f"no result object: {failure.text}").plain

        written = Written.of(self._survived(folder, facts, lambda: self._compute("write", facts), no_object))
        if not written.files:
            if written.failed:
                # A study of two patients: `answer` has noted it.
                self.state.set_run(key, StudyState.FAILED, error=written.text)
                log.error("run %s: %s", key, written.failed)
            else:
                self.give_up(key, written.text)
            return False
        if written.faults:
            self.note("clinic.failed", run=key, study=facts.study_uid, code="OBJECT_MISSING")
        state = StudyState.FAILED if written.text else StudyState.DELIVERING
        if facts.shadow and not written.text:
            state = StudyState.SHADOW
        self.state.set_run(
            key,
            state,
            prediction=dict(written.prediction or {}),
            files=list(written.files),
            error=written.text,
        )
        if written.urgent and not facts.shadow:
            self._urgent(facts, ", ".join(written.urgent))
        return not facts.shadow

    def deliver(self, key: str, name: str, attempt: int) -> float | None:
        """Step 3, for each destination: offer the objects. Seconds to the next attempt, or None."""
        return self.delivering.deliver(self.folder(key), key, name, attempt)

    def destinations(self, key: str) -> list[str]:
        """Where the results of a run go, each noted as waiting."""
        facts = self.folder(key).facts()
        route = self.route(facts.route)
        chosen = route.destinations if route else None
        names = [d.name for d in self.config.destinations if chosen is None or d.name in chosen]
        for name in names:
            self.state.delivery(key, name)
        return names

    def settle(self, key: str) -> None:
        """The run's state from those of its deliveries."""
        self.delivering.settle(key)

    def give_up(self, key: str, text: str, again: bool = False) -> None:
        """The run ends without a result object; ``again``: the next start of the node tries once more."""
        run = self.state.run(key)
        self.state.set_run(key, StudyState.FAILED, error=text, again=int(again))
        self.note("clinic.failed", run=key, study=run.study_uid if run else "", code="NO_RESULT")
        log.error("run %s: %s", key, text)

    def _urgent(self, facts: RunFacts, labels: str) -> None:
        reason = f"{facts.package_name}: {labels}"
        self.state.add_workitem(facts.study_uid, facts.key, f"Read: {labels}", reason)
        if self.state.raise_study(facts.study_uid, Priority.URGENT, reason):
            self.note("clinic.urgent", run=facts.key, study=facts.study_uid)

    def _package_is_here(self, key: str, facts: RunFacts) -> bool:
        if facts.package_sha256 in self.packages:
            return True
        text = f"package {facts.package_name} {facts.package_version} is no longer in the configuration"
        self.give_up(key, text, again=True)
        return False

    def _compute(self, what: str, facts: RunFacts) -> dict[str, Any]:
        """One job, in a child process where there are any. Raises as that, and what the job said went wrong."""
        if self.children is None:
            return dict(getattr(self.bench, what)(facts.key))
        route = self.route(facts.route) or self.config.routes[0]
        answer = self.children.run({"do": what, "key": facts.key}, route)
        match answer.get("error"):
            case None:
                return dict(answer["value"])
            case "MemoryError":
                raise ChildTooLargeError(f"took more memory than a run may ({answer['text']})")
            case "Exception":
                raise ChildDiedError(self.bench.public(answer["text"]))
            case _:
                raise OSError(answer["errno"] or errno.EIO, self.bench.public(answer["text"]))

    def _survived(
        self,
        folder: RunFolder,
        facts: RunFacts,
        job: Callable[[], dict[str, Any]],
        fail: Callable[[Failure], dict[str, Any]],
    ) -> dict[str, Any]:
        """What ``job`` gives, or ``fail`` where processes end over it, whatever the reason.

        A process of the node's own that ends meanwhile is counted, too: its mark is set before and taken back after.
        """
        limit = self.config.work.deaths
        nodes = folder.deaths("node")
        if nodes >= NODE_DEATHS * limit:
            done = fail(
                Failure("CRASHED", f"the node itself ended {nodes} times while it worked on this study")
            )
            folder.set_deaths(node=0, child=0)
            return done
        folder.set_deaths(node=nodes + 1)
        while True:
            try:
                done = job()
            except ChildTooSlowError as error:
                done = fail(Failure("TOO_LONG", f"the analysis {error}"))
            except ChildTooLargeError as error:
                done = fail(Failure("TOO_LARGE", f"the analysis {error}"))
            except ChildDiedError as error:
                deaths = folder.deaths("child") + 1
                folder.set_deaths(child=deaths)
                log.error("run %s: %s, for the %d. time", facts.key, error, deaths)
                if deaths < limit:
                    continue
                done = fail(Failure("CRASHED", f"the analysis failed {deaths} times: {error}"))
            except (OSError, MemoryError, StoppingError):
                folder.set_deaths(node=nodes)
                raise
            folder.set_deaths(node=0, child=0)
            return done
