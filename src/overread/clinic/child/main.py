"""The program of a child process: a line of JSON is a job, a line of JSON its answer.

Started by `overread.clinic.child.process`. It raises its own likelihood to be ended by the kernel when memory runs out,
so that the node, whose work cannot be done again by others, is left alone.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Any

from overread.clinic.brief import Brief

log = logging.getLogger("overread.clinic.child")
OUT_OF_MEMORY_WORDS = ("bad_alloc", "Failed to allocate memory", "BFCArena")


def main() -> None:
    """Read jobs until the node closes the pipe."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints goes where errors go.
    os.dup2(2, 1)
    os.umask(0o077)
    start = json.loads(sys.stdin.readline())
    _die_with_the_node(start["lifeline"])
    _limits(start["memory"], start["gpu"])
    handler = logging.StreamHandler()
    handler.setFormatter(Brief("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    worker = _Worker(start["config"], start["cores"])
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "warm":
            worker.warm(job["for"])
            continue
        try:
            answer = {"value": worker.do(job)}
        except (OSError, MemoryError) as error:
            answer = {
                "error": type(error).__name__,
                "text": str(error),
                "errno": getattr(error, "errno", None),
            }
        except Exception as error:
            log.exception("a job failed")
            answer = {"error": "Exception", "text": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Worker:
    """The jobs, and what they keep between each other: loaded packages."""

    def __init__(self, config: str, cores: int) -> None:
        from overread.clinic.config import ClinicConfig
        from overread.runtime.engine import use_threads

        self.config = ClinicConfig.model_validate_json(config)
        use_threads(cores)
        self._bench: Any = None

    def do(self, job: dict[str, Any]) -> Any:
        match job["do"]:
            case "look":
                from overread.clinic.look import Marks, look

                marks = Marks(Path(job["marks"])) if job["marks"] else None
                files = [Path(p) for p in job["files"]]
                return look(files, self.config.routes, set(job["skip"]), marks=marks)
            case "answer":
                return self.bench.answer(job["key"])
            case "write":
                return self.bench.write(job["key"])
            case other:
                raise ValueError(f"found job {other!r}, expected look, answer or write")

    def warm(self, job: str) -> None:
        """Import what a job needs, before there is one."""
        if job == "look":
            import overread.clinic.look
        else:
            import onnxruntime  # noqa: F401

            import overread.clinic.run_study
            import overread.runtime.predict  # noqa: F401

    @property
    def bench(self) -> Any:
        if self._bench is None:
            from overread.clinic.loaded_packages import Packages
            from overread.clinic.run_study import Bench

            self._bench = Bench(self.config, Packages(self.config))
        return self._bench


def _die_with_the_node(lifeline: int) -> None:
    """SIGIO, whose default is to end the process, comes when the node's end of the pipe is closed.

    The kernel closes it whatever way the node ends; no thread of ours needs to run for it, for a hung library may hold
    the interpreter's lock.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    try:
        # Gone already?
        if os.read(lifeline, 1) == b"":
            sys.exit(0)
    except BlockingIOError:
        pass


def _limits(memory: int, gpu: str | None) -> None:
    try:
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    except OSError:
        log.info("the kernel's choice under want of memory cannot be set")
    if memory and not gpu:
        # A driver of a GPU maps far more than it uses; there the node watches what is used.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
