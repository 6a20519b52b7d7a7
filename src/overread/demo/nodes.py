"""Two DICOM nodes as processes of their own: overread's clinic node, and a stand-in for the hospital's PACS."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overread.errors import OverreadError

START_SECONDS = 300.0


def free_ports(count: int) -> list[int]:
    """Ports on the loopback address that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


@contextmanager
def process(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``overread <arguments>`` until the block ends; its output goes to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "overread.cli", *arguments], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def wait_for_port(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    """Return once something listens on ``port``. Raises OverreadError with the log's end when the process dies."""
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit:
        if child.poll() is not None:
            break
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    tail = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    raise OverreadError(f"the node on port {port} did not start: {tail[0]} (whole output: {log})")


def overread(*arguments: str) -> None:
    """Run one overread command in a process of its own. Raises OverreadError when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "overread.cli", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OverreadError(f"overread {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
