"""Objects received a second, side by side on this machine's loopback, with DCMTK as the sender.

    python benchmarks/clinic.py [--objects 60] [--rounds 1] [--memory 100000]

Receivers: overread (an object is on the disk before it is acknowledged), DCMTK storescp, Orthanc and pynetdicom (none
of which waits for the disk). Objects of 9 kB and 525 kB, sent by storescu over 1 and 8 associations, with TCP_NODELAY
unset (DCMTK's default) and set to 1, which DCMTK obeys on either side. What is not installed is left out.
``--memory N`` sends N objects of 9 kB to overread alone and tells how its resident memory grew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from rich.console import Console
from rich.table import Table

SIDES = {"9 kB": 60, "525 kB": 512}
ASSOCIATIONS = (1, 8)
OURS = "overread"
PYNETDICOM = """
import sys
from pathlib import Path
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification
def store(event, folder=Path(sys.argv[2])):
    (folder / f"{event.request.AffectedSOPInstanceUID}.dcm").write_bytes(event.encoded_dataset())
    return 0
ae = AE("ANY")
ae.maximum_pdu_size = 0
ae.maximum_associations = 100
ae.supported_contexts = AllStoragePresentationContexts[:120]
ae.add_supported_context(Verification)
ae.start_server(("127.0.0.1", int(sys.argv[1])), evt_handlers=[(evt.EVT_C_STORE, store)])
"""


def write_objects(folder: Path, count: int, side: int, study: str) -> None:
    """CT images with 60 elements beside the pixels."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in range(count):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{study}.1.{k + 1}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientID, ds.Modality = study, f"{study}.1", "P", "CT"
        for n in range(60):
            ds.add_new(0x00091000 + n, "LO", f"value {n}")
        ds.add_new(0x00090010, "LO", "benchmark")
        ds.Rows = ds.Columns = side
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.InstanceNumber = 1, "MONOCHROME2", k + 1
        ds.PixelData = rng.integers(0, 4000, (side, side), dtype=np.uint16).tobytes()
        ds.save_as(folder / f"{k:06d}.dcm", enforce_file_format=True)


def free_port() -> int:
    """A port that nobody listens on, below those that connections get by themselves."""
    while True:
        port = random.randint(15_000, 30_000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def command(name: str, port: int, folder: Path) -> list[str] | None:
    """How a receiver is started, or None where it is not installed."""
    match name:
        case "storescp":
            program = shutil.which("storescp")
            return [program, "--fork", "-od", str(folder), "+xa", str(port)] if program else None
        case "Orthanc":
            program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/bin")
            settings = {
                "StorageDirectory": str(folder),
                "IndexDirectory": str(folder),
                "DicomPort": port,
                "HttpPort": free_port(),
                "DicomAlwaysAllowStore": True,
                "DicomCheckCalledAet": False,
                "DicomThreadsCount": 8,
                "Plugins": [],
            }
            (folder / "orthanc.json").write_text(json.dumps(settings))
            return [program, str(folder / "orthanc.json")] if program else None
        case "pynetdicom":
            return [sys.executable, "-c", PYNETDICOM, str(port), str(folder)]
        case _:
            arguments = ["receive", "--out", str(folder), "--port", str(port), "--aet", "ANY"]
            return [sys.executable, "-m", "overread.cli", *arguments]


@contextmanager
def receiver(name: str, *, no_delay: bool = True) -> Iterator[tuple[int, int] | None]:
    """A receiver that answers: its port and process; None where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="overread-bench-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        started = command(name, port, Path(folder))
        if started is None:
            yield None
            return
        process = subprocess.Popen(
            started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(no_delay)
        )
        try:
            while subprocess.run(["echoscu", "127.0.0.1", str(port)], capture_output=True).returncode:
                if process.poll() is not None:
                    raise SystemExit(f"{name} ended with {process.returncode}: {' '.join(started)}")
                time.sleep(0.05)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(60)


def send(folders: list[Path], port: int, *, no_delay: bool) -> float:
    """Seconds that storescu takes for all folders at once, an association each."""
    begun = time.perf_counter()
    senders = [
        subprocess.Popen(
            ["storescu", "+sd", "127.0.0.1", str(port), str(folder)],
            env=environment(no_delay),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for folder in folders
    ]
    for sender in senders:
        _, said = sender.communicate()
        if sender.returncode or b"E: " in said:
            raise SystemExit(f"storescu failed: {said.decode(errors='replace')[-500:]}")
    return time.perf_counter() - begun


def environment(no_delay: bool) -> dict[str, str]:
    """This process's, with or without what tells DCMTK not to wait for acknowledgements."""
    others = {k: v for k, v in os.environ.items() if k != "TCP_NODELAY"}
    return {**others, "TCP_NODELAY": "1"} if no_delay else others


def flushes() -> float:
    """How often a second this disk makes one small new piece of data last: what one association can get at most."""
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(50):
            os.write(file.fileno(), bytes(9000))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return 1 / statistics.median(times)


def resident_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no resident memory in /proc")


def compare(console: Console, objects: int, rounds: int) -> None:
    names = [OURS, "storescp", "Orthanc", "pynetdicom"]
    table = Table("object", "associations", "TCP_NODELAY", *names, "overread / storescp")
    with tempfile.TemporaryDirectory(prefix="overread-bench-in-") as made:
        for size, side in SIDES.items():
            folders = [Path(made) / f"{side}-{n}" for n in range(max(ASSOCIATIONS))]
            for n, folder in enumerate(folders):
                write_objects(folder, objects, side, f"1.2.826.{side}.{n}")
            for count in ASSOCIATIONS:
                for no_delay in (False, True):
                    rates: dict[str, list[float]] = {}
                    for _ in range(rounds):
                        for name in names:
                            with receiver(name, no_delay=no_delay) as running:
                                if running is None:
                                    continue
                                seconds = send(folders[:count], running[0], no_delay=no_delay)
                                rates.setdefault(name, []).append(count * objects / seconds)
                    best = {name: statistics.median(r) for name, r in rates.items()}
                    ratio = f"{best[OURS] / best['storescp']:.2f}" if "storescp" in best else "-"
                    shown = [f"{best[n]:.0f}" if n in best else "-" for n in names]
                    table.add_row(size, str(count), "1" if no_delay else "unset", *shown, ratio)
                    console.print(size, count, "nodelay" if no_delay else "nagle", *shown, ratio)
    console.print(table)


def memory(console: Console, total: int) -> None:
    per_round = min(total, 8000)
    with tempfile.TemporaryDirectory(prefix="overread-bench-in-") as made, receiver(OURS) as running:
        assert running is not None
        sent, first = 0, 0.0
        while sent < total:
            folders = [Path(made) / f"{sent}-{n}" for n in range(8)]
            for n, folder in enumerate(folders):
                write_objects(folder, per_round // 8, 60, f"1.2.826.{sent + 1}.{n}")
            seconds = send(folders, running[0], no_delay=True)
            for folder in folders:
                shutil.rmtree(folder)
            sent += per_round
            now = resident_mb(running[1])
            first = first or now
            console.print(
                f"{sent} objects: {now:.1f} MB resident, {per_round / seconds:.0f} objects a second"
            )
        console.print(f"grown by {now - first:.1f} MB from {per_round} to {sent} objects")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=60, help="of each association")
    parser.add_argument("--rounds", type=int, default=1, help="median of so many")
    parser.add_argument("--memory", type=int, help="send so many objects and watch the memory instead")
    arguments = parser.parse_args()
    console = Console(highlight=False, width=120)
    if shutil.which("storescu") is None:
        raise SystemExit("storescu (package dcmtk) sends here; install it")
    console.print(f"one flush of this disk: {1000 / flushes():.1f} ms")
    if arguments.memory:
        memory(console, arguments.memory)
    else:
        compare(console, arguments.objects, arguments.rounds)


if __name__ == "__main__":
    main()
