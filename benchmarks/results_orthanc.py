"""Whether an archive of others takes every result object: Orthanc on loopback, C-STORE, and its own count.

Usage: python benchmarks/results_orthanc.py [CASE ...] (needs Orthanc on the path).
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.clinic.results.made import all_objects, material
from tests.clinic.results.test_objects import CASES

from overread.clinic.send import parse_peer, send_files

WAIT_SECONDS = 60.0


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def main() -> None:
    """Print a line for each kind of answer: objects made, taken, and what Orthanc holds."""
    orthanc = shutil.which("Orthanc")
    if orthanc is None:
        sys.exit("Orthanc is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder, dicom, http = Path(name), free_port(), free_port()
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "DicomPort": dicom,
            "HttpPort": http,
            "AuthenticationEnabled": False,
            "UnknownSopClassAccepted": True,
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        log = (folder / "log").open("w")
        server = subprocess.Popen([orthanc, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            held = 0
            for case in sys.argv[1:] or CASES:
                package, series, wanted, _ = CASES[case]
                files = series(folder / case / "in")
                made_of = material(package(folder / case / "p.overread"), files, **wanted)
                # A run of its own for each: the same run would make the same UIDs.
                run = replace(made_of.run, key=case)
                made = all_objects(replace(made_of, run=run), folder / case / "out")
                _wait(http)
                peer = parse_peer(f"ORTHANC@127.0.0.1:{dicom}")
                sent = send_files(list(made.values()), peer, "OVERREAD")
                now = len(_get(http, "/instances"))
                print(
                    f"{case:24} made {len(made)}, not taken {len(sent.failed)}, more held {now - held}",
                    flush=True,
                )
                held = now
        finally:
            server.terminate()
            server.wait()
            log.close()


def _get(port: int, path: str) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return list(json.load(answer))


def _wait(port: int) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            _get(port, "/instances")
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
