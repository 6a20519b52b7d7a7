"""Kill the node again and again while studies come in: is anything acknowledged lost, doubled or left unanswered?

    python benchmarks/kill_node.py --kills 1000 --out kills.json

A node (``overread serve`` in a folder of its own) and a PACS that counts what it gets. Studies are sent one after the
other, each instance again until it is acknowledged; meanwhile SIGKILL hits the node, or one of its child processes, at
random moments, and the node is started again. At the end: every acknowledged instance is in the spool with its bytes,
every study is delivered, the PACS holds each result object once, and the chain of evidence verifies. Needs the test
tree beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.clinic.site import Archive, Site, free_port, make_site, write_segmenter, write_series

from overread.clinic.send import UnreachableError, parse_peer, send_files
from overread.ledger.ledger import Ledger


def children_of(pid: int) -> list[int]:
    """Process ids of the node's children."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (OSError, ValueError):
        return []


class Killer:
    """Kills at random moments, and starts again."""

    def __init__(self, site: Site, kills: int, longest: float, seed: int) -> None:
        self.site, self.kills, self.longest = site, kills, longest
        self.random, self.done, self.of_children = random.Random(seed), 0, 0

    def run(self) -> None:
        while self.done < self.kills:
            time.sleep(self.random.uniform(0.0, self.longest))
            process = self.site.process
            assert process is not None
            victims = children_of(process.pid)
            if victims and self.random.random() < 0.2:
                try:
                    os.kill(self.random.choice(victims), signal.SIGKILL)
                    self.of_children += 1
                except ProcessLookupError:
                    continue
            else:
                process.kill()
                process.wait()
                self.site.launch()
            self.done += 1
            print(f"\r{self.done} of {self.kills} kills", end="", flush=True)


def send_until_taken(site: Site, files: list[Path]) -> None:
    """As a modality does: what was not acknowledged is sent again."""
    left = list(files)
    while left:
        try:
            result = send_files(left, parse_peer(site.peer), "MODALITY", timeout=20)
            left = [a.path for a in result.failed]
        except UnreachableError:
            time.sleep(0.1)


def sha(path: Path) -> str:
    """Hash of the pixel bytes, which end the data set."""
    return hashlib.sha256(path.read_bytes()[-240:]).hexdigest()


def main() -> None:
    """Run, print a table, exit 1 where anything was lost, doubled or left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds between two kills, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=900.0, help="seconds for the rest to be answered")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kill-node-"))
    archive = Archive(folder / "pacs", free_port())
    archive.start()
    site = make_site(folder / "site", archive.port)
    site.config["work"] = {"deaths": 20}
    write_segmenter(site.folder / "blocks.overread")
    site.start()
    killer = Killer(site, args.kills, args.longest, args.seed)
    thread = threading.Thread(target=killer.run)
    thread.start()
    sent: dict[str, list[Path]] = {}
    while thread.is_alive():
        number = len(sent) + 1
        study = f"1.2.3.{number}"
        files = write_series(
            folder / "in" / str(number), study=study, series=f"{study}.1", frame=f"{study}.9"
        )
        send_until_taken(site, files)
        sent[study] = files
    thread.join()
    site.end()
    site.start()
    begun = time.monotonic()
    states: dict[str, str] = {}
    while time.monotonic() - begun < args.patience:
        states = {study: site.study(study).get("state", "unknown") for study in sent}
        if all(s in ("delivered", "failed") for s in states.values()):
            break
        time.sleep(1.0)
    site.stop()
    archive.stop()
    spool = site.folder / "state" / "spool"
    lost = [
        str(f.name)
        for study, files in sent.items()
        for f in files
        if not (spool / study / f.name).exists() or sha(spool / study / f.name) != sha(f)
    ]
    ledger = Ledger.open(site.folder / "state" / "ledger.db", create=False).verify()
    result = {
        "kills": killer.done,
        "of children": killer.of_children,
        "studies": len(sent),
        "instances acknowledged": sum(map(len, sent.values())),
        "instances lost or changed": len(lost),
        "studies not delivered": sum(s != "delivered" for s in states.values()),
        "objects at the PACS": len(archive.files()),
        "objects twice under other UIDs": len(archive.files()) - 2 * len(sent),
        "objects refused as other content": len(archive.refusals),
        "ledger verifies": ledger.ok,
    }
    print()
    for name, value in result.items():
        print(f"{name:34} {value}")
    if args.out:
        args.out.write_text(json.dumps(result, indent=2) + "\n")
    bad = (
        lost
        or result["studies not delivered"]
        or result["objects twice under other UIDs"]
        or archive.refusals
    )
    if bad or not result["ledger verifies"]:
        print(f"the node's folder is kept: {folder}")
        raise SystemExit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
