"""A pause of pynetdicom's own thread that holds.

An association that we ask for has a thread of its own (the reactor), which takes what comes in while nobody waits for
an answer. Each request pauses it. In pynetdicom 3.0 the pause is an event beside a flag, and the flag may still say
"paused" after the thread has been let go: a second request soon after the first then finds the thread running, which
takes the answer away ("Received unexpected C-STORE service message"), and the request times out. It happens on busy
machines.
"""

from __future__ import annotations

import threading

from pynetdicom.association import Association

LOOK_SECONDS = 0.1
"""How often it is looked whether the thread that is waited for still lives."""


class Checkpoint(threading.Event):
    """Stands in for an association's ``_reactor_checkpoint``: what `clear` returns from is a thread that stands still.

    Waiting, being let go and being stopped are one state under one lock: a thread that was woken, but stopped again
    before it ran, goes on waiting.
    """

    def __init__(self, reactor: threading.Thread) -> None:
        super().__init__()
        self._reactor = reactor
        self._changed = threading.Condition()
        self._open = True
        self._waiting = False

    def is_set(self) -> bool:
        """Whether the thread may go on."""
        return self._open

    def set(self) -> None:
        """Let the thread go on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Stop the thread, and return once it stands still, has ended, or is the caller."""
        with self._changed:
            self._open = False
            if threading.current_thread() is not self._reactor:
                while not self._waiting and self._reactor.is_alive():
                    self._changed.wait(LOOK_SECONDS)

    def wait(self, timeout: float | None = None) -> bool:
        """Stand still until the thread may go on; what the thread itself calls."""
        with self._changed:
            self._waiting = True
            self._changed.notify_all()
            went_on = self._changed.wait_for(lambda: self._open, timeout)
            self._waiting = False
            return went_on


def hold(association: Association) -> None:
    """Give ``association`` a pause that holds."""
    association._reactor_checkpoint = Checkpoint(association)
