"""SIGKILL at random moments while DCMTK sends: nothing that was acknowledged may be lost, changed or doubled.

    python -m benchmarks.kill_receiver [--kills 100] [--seed 0]

storescu runs with a verbose log, which says for each object whether it was answered with success. After each kill a new
receiver takes the spool up, and every object acknowledged so far must lie there once, whole.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.clinic import free_port, write_objects
from rich.console import Console
from rich.progress import track

from overread.clinic.keeping.meta import is_whole

RUNNING = 1.5
"""Longest time, in seconds, that a receiver lives once it answers."""


def start(spool: Path, port: int) -> subprocess.Popen[bytes]:
    """A receiver that answers."""
    command = [sys.executable, "-m", "overread.cli", "receive", "--out", str(spool), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while subprocess.run(["echoscu", "127.0.0.1", str(port)], capture_output=True).returncode:
        if process.poll() is not None:
            raise SystemExit(f"the receiver ended with {process.returncode}")
        time.sleep(0.02)
    return process


def acknowledged(log: str) -> list[str]:
    """Files that storescu names and then says success of."""
    found, current = [], ""
    for line in log.splitlines():
        sending = re.search(r"Sending file: (.*)$", line)
        if sending:
            current = sending[1]
        elif "Received Store Response (Success)" in line and current:
            found.append(current)
            current = ""
    return found


def content(path: Path) -> bytes:
    """The data set of a file, without meta information."""
    with path.open("rb") as file:
        head = file.read(144)
        file.seek(144 + int.from_bytes(head[140:144], "little"))
        return file.read()


def run(kills: int, seed: int, objects: int = 2000) -> str:
    """One line about what was seen. Raises SystemExit where something acknowledged is lost, changed or doubled."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="overread-kill-") as made:
        folder, spool = Path(made), Path(made) / "spool"
        write_objects(folder / "in", objects, 40, "1.2.826.7")
        files = sorted((folder / "in").iterdir())
        told: set[str] = set()
        rounds = 0
        for _ in track(range(kills), "killing"):
            port = free_port()
            receiver = start(spool, port)
            check(told, spool, files)
            left = [str(f) for f in rng.sample(files, min(len(files), 400))]
            # Also what is there already: a sender that never heard the answer sends again.
            senders = [
                subprocess.Popen(
                    ["storescu", "-v", "127.0.0.1", str(port), *left[n::2]],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                for n in range(2)
            ]
            time.sleep(rng.uniform(0, RUNNING))
            receiver.send_signal(signal.SIGKILL)
            receiver.wait()
            for sender in senders:
                told.update(acknowledged(sender.communicate()[0]))
            rounds += 1
        receiver = start(spool, free_port())
        check(told, spool, files)
        receiver.terminate()
        receiver.wait()
        return f"{rounds} kills, {len(told)} of {objects} objects acknowledged: each there once, byte by byte"


def check(told: set[str], spool: Path, files: list[Path]) -> None:
    """Every acknowledged file lies in the spool exactly once, and nothing lies there that is not whole."""
    kept = sorted(spool.glob("*/*.dcm"))
    by_content: dict[bytes, int] = {}
    for path in kept:
        if is_whole(path) is None:
            raise SystemExit(f"{path.name} is not whole")
        data = content(path)
        by_content[data] = by_content.get(data, 0) + 1
    for name in told:
        count = by_content.get(content(Path(name)), 0)
        if count != 1:
            raise SystemExit(f"{name} was acknowledged and is there {count} times")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    Console(highlight=False).print(run(arguments.kills, arguments.seed))


if __name__ == "__main__":
    main()
