"""A PACS that is down for an hour of simulated time: how results are offered meanwhile, and that each arrives once.

    python benchmarks/pacs_away.py [--studies 10] [--hours 1]

The node's own step of delivery, whose waits are added to a clock of the benchmark's own instead of being waited for.
In the middle of the outage the node's process is thought to end: what waited is taken up at once, as a start does.
Needs the test tree beside it.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pydicom import dcmread
from rich.console import Console
from tests.clinic.site import Archive, free_port, write_segmenter, write_series

from overread.clinic.config import ClinicConfig
from overread.clinic.run_folder import RunFacts, run_key, sops_sha256
from overread.clinic.run_steps import RunSteps
from overread.clinic.spool import Spool
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.ledger.ledger import Ledger
from overread.runtime.package import Package
from overread.runtime.predict import predict


def made_run(steps: RunSteps, package: Package, folder: Path, study: str) -> str:
    """A study in the spool and its run, answered and with its objects made; the run's key."""
    files = write_series(folder / study, study=study, series=f"{study}.1", frame=f"{study}.9")
    (steps.spool.folder / study).mkdir(parents=True)
    for path in files:
        steps.spool.path(study, path.stem).write_bytes(path.read_bytes())
    sops = [p.stem for p in files]
    key = run_key(study, sops, package.sha256)
    common = {"package_name": "p", "package_version": "1", "package_sha256": package.sha256, "route": "r"}
    facts = RunFacts(key, study, tuple(sops), created="2026-01-02T03:04:05+00:00", virtual=False, **common)
    steps.folder(key).write_facts(facts)
    steps.state.arrived(study, len(files), "CT", {})
    digest = sops_sha256(sops)
    steps.state.add_run(
        key=key,
        study_uid=study,
        created=facts.created,
        state=StudyState.QUEUED,
        sops_sha256=digest,
        instances=len(sops),
        **common,
    )
    steps.state.set_study(study, StudyState.QUEUED, run=key, runs=[key])
    if not steps.answer(key) or not steps.write(key):
        raise SystemExit(f"{study}: was not answered")
    steps.destinations(key)
    return key


def main() -> None:
    """Run and print a table; exit 1 where anything is missing or doubled."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--hours", type=float, default=1.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overread-away-") as made:
        folder = Path(made)
        archive = Archive(folder / "pacs", free_port())
        package = write_segmenter(folder / "p.overread")
        config = ClinicConfig.model_validate(
            {
                "aet": "N",
                "folder": folder / "state",
                "routes": [{"name": "r", "package": package.path}],
                "destinations": [{"name": "P", "aet": "PACS", "host": "127.0.0.1", "port": archive.port}],
            }
        )
        steps = RunSteps(
            config,
            {package.sha256: package},
            Spool(config.folder / "spool"),
            State(config.folder / "clinic.db"),
            Ledger.open(config.folder / "ledger.db"),
            predict,
        )
        keys = [made_run(steps, package, folder / "in", f"1.2.826.9.{n}") for n in range(arguments.studies)]
        outage, attempts, waits = 3600 * arguments.hours, Counter[str](), list[float]()
        due = [(0.0, key, 1) for key in keys]
        heapq.heapify(due)
        restarted = clock = 0.0
        while due:
            clock, key, attempt = heapq.heappop(due)
            if not restarted and clock > outage / 2:
                restarted = clock
                due = [(clock, k, n) for _, k, n in due]
                heapq.heapify(due)
            if clock >= outage and archive.server is None:
                archive.start()
            wait = steps.deliver(key, "P", attempt)
            attempts[key] += 1
            if wait is not None:
                waits.append(wait)
                heapq.heappush(due, (clock + wait, key, attempt + 1))
        archive.stop()
        got = Counter(archive.arrivals)
        wanted = [p for key in keys for p in steps.folder(key).objects()]
        uids = {str(dcmread(p, stop_before_pixels=True).SOPInstanceUID) for p in wanted}
        states = Counter(steps.state.delivery(key, "P").state for key in keys)
        delivered = len(list(steps.ledger.events("clinic.delivered")))
        if not steps.ledger.verify().ok:
            raise SystemExit("the chain of evidence does not verify")
    console = Console()
    console.print(
        f"{len(keys)} studies, {len(wanted)} objects; {sum(attempts.values())} attempts in {outage:g} s"
    )
    console.print(
        f"longest wait {max(waits):g} s; the last arrived {clock - outage:.0f} s after the PACS was back"
    )
    console.print(f"objects at the PACS {len(got)}, told as delivered {delivered}, ledger verifies")
    if set(got) != uids or set(got.values()) != {1} or states != {DeliveryState.DELIVERED: len(keys)}:
        raise SystemExit("something is missing, doubled, or not told")
    if delivered != len(keys):
        raise SystemExit("the chain of evidence tells otherwise")


if __name__ == "__main__":
    main()
