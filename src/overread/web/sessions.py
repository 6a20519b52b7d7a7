"""Who is logged in, in memory alone: a full disk locks nobody out, and a restart ends every session.

A cookie holds a random token; here only its SHA-256 is kept. The token against cross-site requests is made from it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from overread.clinic.people import Role

COOKIE = "overread"
MOST_SESSIONS = 1000


@dataclass(frozen=True)
class Session:
    """One person's visit."""

    name: str
    roles: frozenset[Role]
    csrf: str
    must_change: bool = False
    seen: dict[str, float] = field(default_factory=dict, compare=False)

    def may(self, role: Role) -> bool:
        """Whether this user has a role."""
        return role in self.roles


class Sessions:
    """Sessions by token; one ends ``idle`` seconds after its last request, and ``longest`` after its login."""

    def __init__(self, idle: float, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.idle, self.longest, self._clock = idle, longest, clock
        self._held: dict[str, tuple[Session, float, float]] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, roles: frozenset[Role], *, must_change: bool = False) -> str:
        """A new session; its token, which nobody else ever holds."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(name, roles, csrf_of(token), must_change)
        with self._lock:
            self._drop_old(now)
            while len(self._held) >= MOST_SESSIONS:
                self._held.pop(min(self._held, key=lambda k: self._held[k][2]))
            self._held[_key(token)] = (session, now, now)
        return token

    def find(self, token: str, *, active: bool = True) -> Session | None:
        """The session of a token, which goes on; None where it has ended. ``active`` False: a page that looks by itself
        does not keep a session alive."""
        now = self._clock()
        with self._lock:
            self._drop_old(now)
            held = self._held.get(_key(token))
            if held is None:
                return None
            if active:
                self._held[_key(token)] = (held[0], held[1], now)
            return held[0]

    def end(self, token: str) -> None:
        """Log out."""
        with self._lock:
            self._held.pop(_key(token), None)

    def end_all(self, name: str, *, but: str = "") -> None:
        """End every session of a user, whose password or roles have changed."""
        with self._lock:
            for key in [k for k, (s, _, _) in self._held.items() if s.name == name and k != _key(but)]:
                del self._held[key]

    def changed_password(self, token: str) -> None:
        """The user of a session has changed the password."""
        with self._lock:
            held = self._held.get(_key(token))
            if held is not None:
                self._held[_key(token)] = (replace(held[0], must_change=False), held[1], held[2])

    def _drop_old(self, now: float) -> None:
        for key, (_, begun, last) in list(self._held.items()):
            if now - last > self.idle or now - begun > self.longest:
                del self._held[key]


def csrf_of(token: str) -> str:
    """The token that forms of a session carry."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
