"""Mutated conversations against a receiver in a process of its own.

    python -m benchmarks.fuzz_receiver [--examples 50000] [--seed 0]

After every thousand the receiver must answer a C-ECHO and a C-STORE, hold no association and no half-written file, and
must not have grown; at the end nothing may lie outside its folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console
from rich.progress import track
from tests.clinic.receive.mutate import converse, mutated
from tests.clinic.receive.raw import Peer, data_set, node

BLOCK = 1000
GROWTH_MB = 64


def serve(folder: str, pipe: Connection) -> None:
    with node(Path(folder), request_seconds=2, idle_seconds=5, pdu_seconds=5) as here:
        pipe.send(here.port)
        while pipe.recv():
            until = time.monotonic() + 60
            while not here.nothing_left() and time.monotonic() < until:
                time.sleep(0.05)
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
            pipe.send((here.nothing_left(), resident, len(here.files())))


def works(port: int, number: int) -> bool:
    sop = f"1.2.99.{number}"
    peer = Peer(port, address="127.0.0.7")
    peer.associate()
    fine = peer.echo() == 0 and peer.store(data_set(sop, study="1.2.99"), sop) == 0
    peer.release()
    return fine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    console, begun = Console(highlight=False), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="overread-fuzz-") as folder, ThreadPoolExecutor(4) as pool:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, theirs))
        process.start()
        port = ours.recv()
        first = resident = 0.0
        kept = 0
        for start in track(range(0, arguments.examples, BLOCK), "fuzzing", console=console):
            seeds = range(arguments.seed + start, arguments.seed + min(start + BLOCK, arguments.examples))
            list(pool.map(lambda seed: converse(port, mutated(seed), seconds=60), seeds))
            if not works(port, start):
                raise SystemExit(f"after seeds {seeds[0]} to {seeds[-1]}: no success")
            ours.send(True)
            clean, resident, kept = ours.recv()
            first = first or resident
            if not clean:
                raise SystemExit(
                    f"after seeds {seeds[0]} to {seeds[-1]}: associations or half-written files are left"
                )
            if resident - first > GROWTH_MB:
                raise SystemExit(
                    f"after seeds {seeds[0]} to {seeds[-1]}: {resident:.0f} MB resident, {first:.0f} before"
                )
        ours.send(False)
        process.join(60)
        outside = [p.name for p in Path(folder).iterdir() if p.name != "spool"]
        if outside or process.exitcode:
            raise SystemExit(f"found {outside} beside the spool, exit code {process.exitcode}")
    console.print(
        f"{arguments.examples} mutated conversations in {time.monotonic() - begun:.0f} s: the receiver served all "
        f"others, kept {kept} objects, and grew from {first:.0f} to {resident:.0f} MB"
    )


if __name__ == "__main__":
    main()
