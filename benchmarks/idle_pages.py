"""Connections to the pages that say nothing, while DICOM is answered.

    python -m benchmarks.idle_pages [--connections 400] [--seconds 30]

A node (``overread serve``) of which hundreds of connections to the pages are held open without a byte, and opened again
as they are closed. Meanwhile C-ECHO and C-STORE by DCMTK must be answered, and a page as soon as they are gone. Prints
the median and the longest time of each.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console
from tests.clinic.site import Archive, free_port, make_site, write_segmenter, write_series


def hold(port: int, many: int, stop: threading.Event) -> None:
    """So many connections, each opened again when it is closed."""
    held: list[socket.socket] = []
    while not stop.is_set():
        while len(held) < many and not stop.is_set():
            with contextlib.suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", port), timeout=5)
                connection.setblocking(False)
                held.append(connection)
        for connection in list(held):
            gone = True
            try:
                gone = connection.recv(1) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                pass
            if gone:
                connection.close()
                held.remove(connection)
        time.sleep(0.05)
    for connection in held:
        connection.close()


def timed(command: list[str]) -> float:
    """Seconds that a command took. Raises SystemExit where it failed."""
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {(done.stdout + done.stderr).strip()[:300]}")
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overread-idle-") as made:
        folder = Path(made)
        archive = Archive(folder / "pacs", free_port())
        archive.start()
        site = make_site(folder / "site", archive.port)
        write_segmenter(site.folder / "blocks.overread")
        site.start()
        times: dict[str, list[float]] = {"C-ECHO": [], "C-STORE": []}
        stop = threading.Event()
        holder = threading.Thread(
            target=hold, args=(site.config["web"]["port"], arguments.connections, stop), daemon=True
        )
        try:
            dicom = ["127.0.0.1", str(site.config["port"])]
            files = write_series(folder / "in", slices=6)
            quiet = timed(["echoscu", "-aec", "OVERREAD", *dicom])
            holder.start()
            time.sleep(2)
            until = time.monotonic() + arguments.seconds
            while time.monotonic() < until:
                times["C-ECHO"].append(timed(["echoscu", "-aec", "OVERREAD", *dicom]))
                times["C-STORE"].append(timed(["storescu", "-aec", "OVERREAD", *dicom, str(files[0])]))
            stop.set()
            holder.join()
            begun = time.perf_counter()
            site.get("/healthz")
            page = time.perf_counter() - begun
        finally:
            stop.set()
            site.end()
            archive.stop()
    console = Console()
    console.print(f"without them: C-ECHO {quiet:.2f} s")
    for name, found in times.items():
        console.print(
            f"with {arguments.connections}: {name} median {statistics.median(found):.2f} s, longest {max(found):.2f} s "
            f"of {len(found)}"
        )
    console.print(f"after them: a page in {page:.2f} s")


if __name__ == "__main__":
    main()
