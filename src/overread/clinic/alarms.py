"""Alarms by webhook and mail: what is wrong, once when it begins, again while it lasts, and when it is over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import assert_never

from overread.clinic.config_destinations import Alarms, MailTo, Webhook
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState

log = logging.getLogger(__name__)


def conditions(
    state: State,
    settings: Alarms,
    *,
    trouble: str,
    free_gib: float,
    warn_gib: float,
    certificates: Sequence[str],
    now: datetime,
) -> dict[str, str]:
    """What is wrong by key, in words without a patient's name."""
    found: dict[str, str] = {}
    if trouble:
        found["node"] = f"the node cannot do its work: {trouble}"
    if free_gib < warn_gib:
        found["disk"] = f"the disk fills: {free_gib:.1f} GiB free, warned below {warn_gib:g}"
    for line in certificates:
        found[f"certificate {line}"] = line
    for delivery in state.undelivered():
        if delivery.state is DeliveryState.REFUSED:
            found[f"refused {delivery.run}"] = (
                f"{delivery.destination} refused the results of run {delivery.run}"
            )
        elif delivery.first_tried:
            waited = (now - datetime.fromisoformat(delivery.first_tried)).total_seconds()
            if waited > settings.unreachable_seconds:
                key = f"destination {delivery.destination}"
                found[key] = f"{delivery.destination} has not taken results for {waited / 60:.0f} min"
    for run in state.dead_letters():
        found[f"failed {run.key}"] = f"run {run.key} of study {run.study_uid} failed"
    for request in state.given_up():
        found[f"request {request.id}"] = f"request {request.id} ({request.kind}) was given up"
    for study in state.studies(states=(StudyState.FAILED,)):
        if not study.runs:
            found[f"failed {study.study_uid}"] = f"study {study.study_uid} could not be read"
    return found


@dataclass
class Bell:
    """Who is told, and what they were told already. ``clock`` in seconds of one that does not jump."""

    settings: Alarms
    timeout: float
    clock: Callable[[], float] = time.monotonic
    _told: dict[str, float] = field(default_factory=dict)
    _ringing: threading.Thread | None = None

    def ring_beside(self, wrong: Mapping[str, str]) -> bool:
        """As `ring`, in a thread of its own, so that a receiver that hangs delays the next alarm and nothing else.

        False while the round before is still being told; what is wrong then is told by a later one.
        """
        if self._ringing is not None and self._ringing.is_alive():
            return False
        self._ringing = threading.Thread(target=self.ring, args=(dict(wrong),), name="alarms", daemon=True)
        self._ringing.start()
        return True

    def ring(self, wrong: Mapping[str, str]) -> list[str]:
        """Tell what began, what lasts for long, and what is over; the lines that were sent."""
        now = self.clock()
        lines = [text for key, text in wrong.items() if now >= self._told.get(key, now)]
        over = [key for key in self._told if key not in wrong]
        for key in wrong:
            if now >= self._told.get(key, now):
                self._told[key] = now + self.settings.repeat_seconds
        for key in over:
            del self._told[key]
        lines += [f"over: {key}" for key in over]
        if lines:
            for receiver in self.settings.to:
                self._tell(receiver, lines)
        return lines

    def _tell(self, receiver: Webhook | MailTo, lines: list[str]) -> None:
        try:
            match receiver:
                case Webhook():
                    from overread.clinic.outward import webhook

                    moment = datetime.now(UTC).isoformat(timespec="seconds")
                    content = {"event": "alarm", "time": moment, "lines": lines}
                    said = webhook.post(content, receiver, self.timeout)
                case MailTo():
                    from overread.clinic.outward import mail

                    said = mail.post(f"{len(lines)} alarms", lines, receiver, self.timeout)
                case _:
                    assert_never(receiver)
            if not said.taken:
                log.error("alarm not taken by %s: %s", receiver.name, said.text)
        except Exception as error:
            # An alarm that cannot be given must not stop what gives it; the log has it.
            log.error("alarm cannot be given to %s: %s", receiver.name, error)
