"""From instances that arrive to runs that are queued: when is a study complete, what does it hold, who answers it?"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from overread.clinic import workflow
from overread.clinic.aside import AsideBook
from overread.clinic.child.process import ChildDiedError, ChildTooLargeError, ChildTooSlowError
from overread.clinic.completeness import Arrival, Arrivals, Content, decide
from overread.clinic.delivering import something_went_out
from overread.clinic.routing import choose_routes
from overread.clinic.run_folder import RunFacts, run_key, sops_sha256
from overread.clinic.run_steps import RunSteps
from overread.clinic.state import now
from overread.clinic.tables import ENDED, Aside, Priority, RunRow, StudyState
from overread.runtime.package import Package

WAIT_AFTER_DEATH_SECONDS = 1.0
log = logging.getLogger(__name__)


@dataclass
class Intake:
    """Studies on their way into the node. ``packages`` are by route; ``look`` reads headers in another process."""

    steps: RunSteps
    packages: dict[str, Package]
    look: Callable[[dict[str, Any]], dict[str, Any]]
    arrivals: Arrivals = field(default_factory=Arrivals)
    arriving: Callable[[], frozenset[str]] = frozenset
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)

    @property
    def book(self) -> AsideBook:
        """What was set aside."""
        return AsideBook(self.steps.config.folder / "aside")

    def take_up(self, study: str) -> None:
        """A study found at the start: wait for more of it unless these instances were handled before."""
        sops = self.steps.spool.instances(study)
        known = self.steps.state.study(study)
        settled = known is not None and known.state is not StudyState.RECEIVING
        if settled and known is not None and known.sops_sha256 == sops_sha256(sops):
            return
        # A process that ended over it last time has left its mark.
        self.book.died(study, self.steps.config.work.deaths, "with the node")
        self.arrivals.stored(study, known.sender if known else "")

    def step(self, arrival: Arrival) -> None:
        """Look once at a study that is coming in."""
        study, config = arrival.study, self.steps.config
        if self.clock() < self._not_before.get(study, 0.0):
            return
        if not arrival.told:
            self._tell(arrival)
        rule = config.complete_for(arrival.sender)
        verdict = decide(
            rule,
            arrival,
            now=self.clock(),
            quiet=config.quiet_for(rule),
            arriving=study in self.arriving(),
            content=lambda: Content.of(len(self.steps.spool.instances(study)), self._read(arrival)),
        )
        if verdict.complete:
            self.complete(arrival, verdict.note)
            self._seen.pop(study, None)
            self.arrivals.done(arrival)

    def _tell(self, arrival: Arrival) -> None:
        """Put a study on the page as soon as something of it is here."""
        study = arrival.study
        sops = self.steps.spool.instances(study)
        columns: dict[str, Any] | None = None
        if self.steps.state.study(study) is None and sops:
            seen = self._look(study, sops[:1], mark=True)
            columns = {**seen["columns"], "virtual": int(seen["virtual"])}
        if self.steps.state.arrived(study, len(sops), arrival.sender, columns):
            self.steps.note("clinic.received", study=study)
        self.arrivals.told(arrival)

    def _read(self, arrival: Arrival) -> dict[str, Any]:
        """What all headers of a study say; read again where an instance has come since."""
        kept = self._seen.get(arrival.study)
        if kept is None or kept[0] != arrival.last:
            aside = {a.sop for a in self.book.objects(arrival.study)}
            sops = [s for s in self.steps.spool.instances(arrival.study) if s not in aside]
            kept = self._seen[arrival.study] = (arrival.last, self._look(arrival.study, sops, mark=True))
        return kept[1]

    def _look(self, study: str, sops: list[str], *, mark: bool) -> dict[str, Any]:
        """Headers, read in another process; what ends that again and again is set aside. Raises as that process."""
        book = self.book
        job = {
            "do": "look",
            "files": [str(self.steps.spool.path(study, sop)) for sop in sops],
            "skip": book.routes(study),
            "marks": str(book.marks(study)) if mark else "",
        }
        try:
            answer = self.look(job)
        except (ChildDiedError, ChildTooSlowError, ChildTooLargeError) as error:
            what = book.died(study, self.steps.config.work.deaths, str(error))
            self._not_before[study] = self.clock() + WAIT_AFTER_DEATH_SECONDS
            self._seen.pop(study, None)
            raise type(error)(f"study {study}: {error} while reading {what or 'its headers'}") from error
        if "error" in answer:
            raise OSError(
                answer.get("errno") or 5, f"study {study}: {self.steps.bench.public(answer['text'])}"
            )
        return dict(answer["value"])

    def complete(self, arrival: Arrival, note: str = "") -> None:
        """Queue a run for each package that a route gives a complete study to."""
        study, steps = arrival.study, self.steps
        seen = self._read(arrival)
        found = [Aside(**a) for a in seen["aside"]]
        if found:
            self.book.add(study, found)
            steps.note("clinic.aside", study=study, objects={a.sop: a.code for a in found})
        aside = self.book.objects(study)
        every = steps.spool.instances(study)
        readable = [s for s in every if s not in {a.sop for a in aside}]
        modalities = ", ".join(sorted({s["modality"] or "?" for s in seen["series"]}))
        digest = sops_sha256(every)
        common = {
            "sops_sha256": digest,
            "modalities": modalities,
            "instances": len(every),
            "aside": [Aside(a.sop, a.code, steps.bench.public(a.text)) for a in aside],
        }
        if not seen["series"]:
            texts = "; ".join(sorted({steps.bench.public(a.text) for a in aside})[:3])
            text = f"the headers cannot be read: {texts}"
            steps.state.set_study(study, StudyState.FAILED, error=text, run="", runs=(), **common)
            steps.note("clinic.failed", study=study, code="UNREADABLE")
            return
        moment = datetime.now().astimezone().time()
        chosen = [
            s.route
            for s in choose_routes(steps.config.routes, seen, sender=arrival.sender, moment=moment)
            if s.taken
        ]
        by_package = {self.packages[r.name].sha256: r for r in reversed(chosen)}
        routes = [r for r in chosen if by_package[self.packages[r.name].sha256] is r]
        steps.note(
            "clinic.complete",
            study=study,
            instances=len(every),
            sops_sha256=digest,
            route=", ".join(r.name for r in routes) or None,
            package_sha256=", ".join(self.packages[r.name].sha256 for r in routes) or None,
        )
        if not routes:
            there = "; ".join(s["label"] for s in seen["series"])
            text = f"no route of clinic.yaml fits this study, which holds {there}"
            steps.state.set_study(study, StudyState.NO_ROUTE, error=text, run="", runs=(), **common)
            return
        notes = [f"{len(aside)} of {len(every)} objects of the study were set aside unread"] if aside else []
        notes += [note] if note else []
        keys = []
        earlier = steps.state.runs_of(study)
        for route in routes:
            package = self.packages[route.name]
            key = self._standing(run_key(study, readable, package.sha256), readable, earlier)
            keys.append(key)
            if steps.state.run(key) is None:
                predecessor = latest(earlier, route.name, key)
                facts = RunFacts(
                    key=key,
                    study_uid=study,
                    sops=tuple(readable),
                    route=route.name,
                    package_name=package.manifest.name,
                    package_version=package.manifest.version,
                    package_sha256=package.sha256,
                    virtual=bool(seen["virtual"]),
                    created=now(),
                    predecessor=predecessor,
                    notes=tuple(notes),
                    shadow=route.shadow,
                    priority=route.priority.value,
                )
                add_run(steps, steps.folder(key).write_facts(facts), digest)
        for run in earlier:
            if run.key not in keys and run.state not in ENDED and not something_went_out(run):
                steps.state.set_run(
                    run.key, StudyState.SUPERSEDED, error="a newer run has taken its place", again=0
                )
        first = steps.state.run(keys[0])
        state = first.state if first else StudyState.QUEUED
        steps.state.set_study(study, state, run=keys[0], runs=keys, error="", **common)
        for key in keys:
            run_row = steps.state.run(key)
            if run_row is not None and run_row.state is StudyState.QUEUED:
                workflow.start_analysis(key, priority=run_row.priority)

    def _standing(self, key: str, sops: list[str], earlier: list[RunRow]) -> str:
        """The run that has taken the place of ``key`` over the same images, as a person asked; or ``key`` itself."""
        for run in earlier:
            if run.key == key or run.instances != len(sops):
                continue
            with suppress(FileNotFoundError):
                facts = self.steps.folder(run.key).facts()
                if facts.predecessor == key and facts.sops == tuple(sops):
                    return self._standing(run.key, sops, [r for r in earlier if r.key != run.key])
        return key


def latest(earlier: list[RunRow], route: str, key: str) -> str:
    """Key of the last run of a route of which anything has gone out; empty where there is none."""
    gone = [r for r in earlier if r.route == route and r.key != key and something_went_out(r)]
    return gone[-1].key if gone else ""


def add_run(steps: RunSteps, facts: RunFacts, digest: str) -> None:
    """Put a run into the database, queued; its study is yet to be told."""
    from overread.clinic.tables import RANK

    steps.state.add_run(
        key=facts.key,
        study_uid=facts.study_uid,
        created=facts.created,
        state=StudyState.QUEUED,
        route=facts.route,
        package_name=facts.package_name,
        package_version=facts.package_version,
        package_sha256=facts.package_sha256,
        sops_sha256=digest,
        instances=len(facts.sops),
        rank=RANK[Priority(facts.priority)],
        shadow=int(facts.shadow),
        shown=False,
    )
