"""A disk that is full, again and again, while DCMTK sends: nothing acknowledged is lost, and reception recovers.

    python -m benchmarks.full_disk [--rounds 20] [--megabytes 24] [--seed 0]

A receiver keeps its spool on a tmpfs of so many megabytes (root is needed to mount it). In each round storescu sends
until the disk is full; a C-STORE must then be answered with A7xx, and every object acknowledged so far lie there whole.
Then studies are removed, some by their sender's hand, and the same receiver must take objects again without a restart.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.clinic import free_port, write_objects
from benchmarks.kill_receiver import acknowledged, check, start
from rich.console import Console
from rich.progress import track

SIDE = 256


def send(port: int, files: list[Path]) -> tuple[list[str], bool]:
    """Files that were acknowledged, and whether one was refused for want of resources (PS3.4 table B.2-1)."""
    told, refused = [], False
    for begin in range(0, len(files), 20):
        piece = list(map(str, files[begin : begin + 20]))
        sent = subprocess.run(
            ["storescu", "-v", "-nh", "127.0.0.1", str(port), *piece], capture_output=True, text=True
        )
        log = sent.stdout + sent.stderr
        told += acknowledged(log)
        refused = refused or "OutOfResources" in log.replace(" ", "") or "0xa7" in log.lower()
        if refused:
            break
    return told, refused


def run(rounds: int, megabytes: int, seed: int) -> str:
    """One line about what was seen. Raises SystemExit where it is not as it should be."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="overread-full-") as made:
        folder, disk = Path(made), Path(made) / "disk"
        disk.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "overread-full", str(disk)], check=True
        )
        port = free_port()
        receiver = start(disk / "spool", port)
        count = megabytes * 1_000_000 // (2 * SIDE * SIDE) + 40
        full = taken = 0
        try:
            for number in track(range(rounds), "filling"):
                study = f"1.2.826.8.{number}"
                write_objects(folder / study, count, SIDE, study)
                files = sorted((folder / study).iterdir())
                told, refused = send(port, files)
                if not refused:
                    raise SystemExit(
                        f"{len(told)} of {count} objects were taken and none was refused with A7xx"
                    )
                check(set(told), disk / "spool", files)
                full, taken = full + 1, taken + len(told)
                shutil.rmtree(folder / study)
                for there in (disk / "spool").iterdir():
                    if there.is_dir() and not there.name.startswith(".") and rng.random() < 0.9:
                        shutil.rmtree(there)
                if subprocess.run(["echoscu", "127.0.0.1", str(port)], capture_output=True).returncode:
                    raise SystemExit("the receiver does not answer any more")
                for left in list((disk / "spool").iterdir()):
                    if left.is_dir() and not left.name.startswith("."):
                        shutil.rmtree(left)
                write_objects(folder / "after", 3, SIDE, f"{study}.9")
                again, refused = send(port, sorted((folder / "after").iterdir()))
                if refused or len(again) != 3:
                    raise SystemExit("there is room again, and objects are refused")
                shutil.rmtree(folder / "after")
            if receiver.poll() is not None:
                raise SystemExit(f"the receiver ended with {receiver.returncode}")
        finally:
            receiver.kill()
            receiver.wait()
            subprocess.run(["umount", str(disk)], check=False)
    return f"{full} times full, {taken} objects acknowledged, each there whole; taken again each time"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    Console().print(run(arguments.rounds, arguments.megabytes, arguments.seed))


if __name__ == "__main__":
    main()
