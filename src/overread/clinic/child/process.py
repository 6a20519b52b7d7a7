"""One child process: jobs in, answers out, and an end where it takes too long, too much, or falls over."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from overread.clinic.stopping import StoppingError as StoppingError
from overread.errors import OverreadError

COMMAND: tuple[str, ...] = (sys.executable, "-m", "overread.clinic.child.main")
"""What is started; tests put programs of their own here."""
POLL_SECONDS = 0.1
LONGEST_ANSWER_BYTES = 64 << 20
LONGEST_LINE_BYTES = 4096
log = logging.getLogger(__name__)


class ChildDiedError(OverreadError):
    """The process ended by itself: a crash, or the kernel's want of memory."""


class ChildTooSlowError(OverreadError):
    """The job took longer than it may, and its process was ended."""


class ChildTooLargeError(OverreadError):
    """The job took more memory than it may, and its process was ended."""


@dataclass(frozen=True)
class Budget:
    """What one process may use. ``memory`` in bytes, 0 for no limit; ``gpu`` as in CUDA_VISIBLE_DEVICES."""

    cores: int = 0
    memory: int = 0
    gpu: str | None = None


class Child:
    """A process that does one job after the other.

    It dies with this one, however this one ends: the kernel signals it when the other end of a pipe is gone.
    """

    def __init__(self, config: str, budget: Budget) -> None:
        self.budget = budget
        lifeline, self._held = os.pipe()
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": budget.gpu or ""}
        if budget.cores:
            environment["OMP_NUM_THREADS"] = str(budget.cores)
        try:
            self._process = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(lifeline,),
                env=environment,
            )
        finally:
            os.close(lifeline)
        assert self._process.stderr is not None
        threading.Thread(
            target=_log_lines, args=(self._process.stderr,), name="child-lines", daemon=True
        ).start()
        self._left = b""
        start = {"config": config, "lifeline": lifeline, "cores": budget.cores, "memory": budget.memory}
        # A death is told of when something is asked.
        with contextlib.suppress(ChildDiedError):
            self._say({**start, "gpu": budget.gpu})

    def ask(self, job: Mapping[str, Any], *, seconds: float, stop: threading.Event) -> dict[str, Any]:
        """Do one job and return its answer.

        Raises
        ------
        ChildDiedError, ChildTooSlowError, ChildTooLargeError
            The process is gone; start another.
        StoppingError
            ``stop`` was set meanwhile; the process is gone.
        """
        begun = time.monotonic()
        self._say(job)
        stdout = self._process.stdout
        assert stdout is not None
        while b"\n" not in self._left:
            if stop.is_set():
                self.end()
                raise StoppingError("the node stops")
            if time.monotonic() - begun > seconds:
                self.end()
                raise ChildTooSlowError(f"took longer than {seconds:g} s")
            used = self.memory()
            if self.budget.memory and used > self.budget.memory:
                self.end()
                raise ChildTooLargeError(f"took more memory than {self.budget.memory / 2**30:.2f} GiB")
            if select.select([stdout], [], [], POLL_SECONDS)[0]:
                piece = os.read(stdout.fileno(), 1 << 20)
                self._left += piece
                if not piece or len(self._left) > LONGEST_ANSWER_BYTES:
                    raise ChildDiedError(self._how())
        line, _, self._left = self._left.partition(b"\n")
        return dict(json.loads(line))

    def warm(self, job: str) -> None:
        """Let it load what a job of this name needs; nothing is answered."""
        with contextlib.suppress(ChildDiedError):
            self._say({"do": "warm", "for": job})

    def memory(self) -> int:
        """Bytes of memory that it holds now; 0 where that cannot be known."""
        try:
            statm = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii")
            return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return 0

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def end(self) -> None:
        """No goodbye: it holds nothing that is not made again."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise ChildDiedError(self._how()) from error

    def _how(self) -> str:
        self.end()
        code = self._process.returncode
        if code < 0:
            try:
                return f"its process was ended by {signal.Signals(-code).name}"
            except ValueError:
                return f"its process was ended by signal {-code}"
        return f"its process ended with exit code {code}"


def _log_lines(lines: IO[bytes]) -> None:
    """Everything that a child says, into our log, where names are taken out and a flood is cut.

    Libraries write there as they like, and may quote what they read.
    """
    with lines, contextlib.suppress(OSError, ValueError):
        while line := lines.readline(LONGEST_LINE_BYTES):
            if text := line.decode("utf-8", "replace").rstrip():
                log.warning("child: %s", text)
