"""The last step of a run: what each destination has been given, and what the run comes to by that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.clinic.config import ClinicConfig
from overread.clinic.deliver import DELIVERED, OFFERED, STORED, Offered, offer, parts_of
from overread.clinic.outward.dicom import forget_reports
from overread.clinic.outward.parcel import Parcel
from overread.clinic.run_folder import RunFolder
from overread.clinic.state import State, now
from overread.clinic.tables import DeliveryState, RunRow, StudyState
from overread.files import sha256_file

REFUSED = "the results were refused by"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivering:
    """Deliveries of this node. ``note`` adds to the chain of evidence, ``public`` takes folders out of a text."""

    config: ClinicConfig
    state: State
    results: Path
    note: Callable[..., None]
    public: Callable[[Exception | str], str]

    def deliver(self, folder: RunFolder, key: str, name: str, attempt: int) -> float | None:
        """Offer the objects of a run to a destination. Seconds to the next attempt, or None."""
        destination = next((d for d in self.config.destinations if d.name == name), None)
        if destination is None:
            self.state.set_delivery(key, name, DeliveryState.REFUSED, error="no longer in the configuration")
            self.settle(key)
            return None
        known, run = self.state.delivery(key, name), self.state.run(key)
        if known.state is DeliveryState.DELIVERED or run is None or run.state is StudyState.SUPERSEDED:
            self.settle(key)
            return None
        if self._more_is_coming(run):
            return self.config.quiet_seconds
        objects = folder.objects()
        hashes = {p.name: sha256_file(p) for p in objects}
        study = self.state.study(run.study_uid)
        parcel = Parcel(
            facts=folder.facts(),
            objects=[p for p in objects if known.objects.get(p.name) != DELIVERED],
            calling=self.config.aet,
            timeout=self.config.delivery.timeout_seconds,
            serial_number=self.config.serial_number,
            prediction=run.prediction,
            error=run.error,
            priority=study.priority if study else run.priority,
            urgent_reason=study.urgent_reason if study else "",
            stored=frozenset(n for n, what in known.objects.items() if what == STORED),
            hashes=hashes,
            commitments=self.config.folder / "commitments",
        )
        # Noted before: whatever ends the attempt, a report that takes the place of this one names it.
        begun = {n: OFFERED for n in parts_of(parcel, destination) if known.objects.get(n) != STORED}
        self.state.set_delivery(key, name, known.state, objects={**known.objects, **begun})
        ended = offer(
            parcel,
            destination,
            self.config.delivery,
            attempt=attempt,
            refusals=known.refusals,
            known=known.objects,
        )
        self._keep(key, name, attempt, known.error, ended, known.refusals, hashes)
        if ended.state is DeliveryState.DELIVERED:
            self.forget_commitments(folder, name)
        return ended.wait

    def forget_commitments(self, folder: RunFolder, name: str) -> None:
        """What a destination committed itself to of a run has been used, or is to be asked for anew."""
        from pydicom import dcmread

        reports = self.config.folder / "commitments" / name
        if reports.is_dir():
            heads = (dcmread(p, specific_tags=["SOPInstanceUID"]) for p in folder.objects())
            forget_reports(reports, {str(head.SOPInstanceUID) for head in heads})

    def _keep(
        self,
        key: str,
        name: str,
        attempt: int,
        before: str,
        ended: Offered,
        refusals: int,
        hashes: dict[str, str],
    ) -> None:
        values: dict[str, Any] = {
            "attempts": attempt,
            "refusals": refusals + int(ended.refused),
            "error": self.public(ended.error),
            "objects": {n: self.public(what) for n, what in ended.objects.items()},
        }
        if attempt == 1:
            values["first_tried"] = now()
        if values["error"] and values["error"] != before:
            log.warning("run %s: not delivered to %s yet: %s", key, name, values["error"])
        # Evidence first: after a crash in between an event may be there twice, but is never missing.
        if ended.state is DeliveryState.DELIVERED:
            self.note("clinic.delivered", run=key, destination=name, objects=hashes)
        elif ended.state is DeliveryState.REFUSED:
            self.note("clinic.refused", run=key, destination=name)
            log.error("run %s: %s refused the results: %s", key, name, values["error"])
        self.state.set_delivery(key, name, ended.state, **values)
        self.settle(key)

    def _more_is_coming(self, run: RunRow) -> bool:
        """Whether nothing of this run has gone out and newer images are coming in: then a newer run will tell more."""
        study = self.state.study(run.study_uid)
        return study is not None and study.state is StudyState.RECEIVING and not something_went_out(run)

    def settle(self, key: str) -> None:
        """The run's state from those of its deliveries."""
        run = self.state.run(key)
        if run is None or run.state in (StudyState.SUPERSEDED, StudyState.SHADOW):
            return
        if run.state is StudyState.FAILED and not run.error.startswith(REFUSED):
            return
        states = {d.state for d in run.deliveries}
        refused = [f"{d.destination}: {d.error}" for d in run.deliveries if d.state is DeliveryState.REFUSED]
        if states & {DeliveryState.WAITING, DeliveryState.CONFIRMING} or not states:
            self.state.set_run(key, StudyState.DELIVERING, error="")
        elif refused:
            self.state.set_run(key, StudyState.FAILED, error=f"{REFUSED} {'; '.join(refused)}")
        else:
            self.state.set_run(key, StudyState.DELIVERED, error="")


def something_went_out(run: RunRow) -> bool:
    """Whether a destination has, or may have, any of a run's results."""
    return any(
        d.state is DeliveryState.DELIVERED
        or any(what in (DELIVERED, STORED, OFFERED) for what in d.objects.values())
        for d in run.deliveries
    )
