"""The demo: virtual patients, a trained and tested model, a clinic node, and its results back in a PACS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

import yaml
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from overread.cohort.cohort import Case, Cohort
from overread.cohort.virtual.cohort import make_virtual_cohort
from overread.demo.nodes import free_ports, overread, process, wait_for_port
from overread.demo.results import read_segmentation, report_lines
from overread.errors import InputError, OverreadError
from overread.files import write_text
from overread.imaging.formats.nifti import read_nifti
from overread.keys.ring import STATE
from overread.pipeline.stages import run_stages
from overread.pipeline.workspace import Workspace, console
from overread.stats.segmentation import dice

MARKER = "overread-demo.txt"
PATIENTS = 100
BUDGET = "360s"
EPOCHS: int | None = None
QUIET_SECONDS = 5.0
ANSWER_SECONDS = 1200.0


def run_demo(out: Path, *, serve: bool = False) -> None:
    """Drive the whole road once in ``out``; with ``serve`` leave the nodes and the status page running."""
    began = time.perf_counter()
    _fresh(out)
    protocol = out / "lesions"
    console.print(
        f"[bold]overread demo[/bold]: everything goes to {out}/ ; all patients are virtual patients.\n"
    )
    console.rule("[bold]cohort", align="left", style="dim")
    cohort = make_virtual_cohort(protocol, patients=PATIENTS)
    with _own_openings(out / "openings"):
        run_stages(protocol, BUDGET, epochs=EPOCHS)
    case = _typical(cohort)
    with ExitStack() as stack:
        page = _clinic(stack, out, Workspace.open(protocol).package_file, cohort, case)
        _closing(out, protocol, page if serve else None, time.perf_counter() - began)
        if serve:
            console.print("\nThe nodes are running. Stop them with Ctrl-C.")
            _until_stopped()


@contextmanager
def _own_openings(folder: Path) -> Iterator[None]:
    """Count the demo's opening in ``folder``: the same virtual patients are made anew in every demo."""
    before = os.environ.get(STATE)
    os.environ[STATE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[STATE]
        else:
            os.environ[STATE] = before


def _fresh(out: Path) -> None:
    """An empty ``out``; an earlier demo there is replaced, anything else is left alone."""
    if out.is_file():
        raise InputError(f"{out}: is a file; name a folder with --out")
    if out.exists() and not (out / MARKER).is_file() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty and was not made by the demo; name another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    write_text(
        out / MARKER,
        "Made by `overread demo` from virtual patients. The demo replaces this folder when run again.\n",
    )


def _typical(cohort: Cohort) -> Case:
    """The test patient in the middle by lesion volume."""
    cases = sorted(cohort.split("test"), key=lambda c: float(c.attributes["lesion_ml"]))
    return cases[len(cases) // 2]


def _clinic(stack: ExitStack, out: Path, package: Path, cohort: Cohort, case: Case) -> str:
    """Start both nodes, send ``case``, wait for its results and print them; returns the page's address."""
    console.rule("[bold]clinic", align="left", style="dim")
    port, pacs_port, web_port = free_ports(3)
    config = {
        "aet": "OVERREAD",
        "port": port,
        "folder": "node",
        "quiet_seconds": QUIET_SECONDS,
        "web": {"port": web_port, "login": False},
        "routes": [{"name": "lesions", "package": str(package.resolve()), "match": {"Modality": "^MR$"}}],
        "destinations": [{"name": "pacs", "aet": "PACS", "host": "127.0.0.1", "port": pacs_port}],
    }
    write_text(out / "clinic.yaml", yaml.safe_dump(config, sort_keys=False))
    pacs, node_log, pacs_log = out / "pacs", out / "node.log", out / "pacs.log"
    child = stack.enter_context(process(["receive", "--out", str(pacs), "--port", str(pacs_port)], pacs_log))
    wait_for_port(pacs_port, child, pacs_log)
    child = stack.enter_context(process(["serve", str(out / "clinic.yaml")], node_log))
    wait_for_port(port, child, node_log)
    console.print(f"  clinic node OVERREAD on port {port}, stand-in PACS on port {pacs_port}")
    study = cohort.folder / "dicom" / case.case
    console.print(
        f"  sending {case.case} ({len(list(study.rglob('*.dcm')))} DICOM instances, held out from training)"
    )
    overread("send", str(study), "--to", f"OVERREAD@127.0.0.1:{port}")
    sent = time.perf_counter()
    page = f"http://127.0.0.1:{web_port}/"
    report, segmentation = _wait_for_results(pacs, page)
    what = (
        "SR and SEG" if segmentation is not None else "SR (nothing was found, so there is nothing to outline)"
    )
    console.print(
        f"  {what} back in the PACS after {time.perf_counter() - sent:.1f} s, "
        f"of which {QUIET_SECONDS:g} s waiting for late slices"
    )
    for line in report_lines(report):
        console.print(f"    {line}", highlight=False)
    assert case.mask is not None
    truth = read_nifti(case.mask)
    if segmentation is not None:
        found = read_segmentation(segmentation, study / "T1", truth)
        overlap = dice(found, truth.array[0] > 0)
        console.print(
            f"  Dice of the delivered SEG against the drawn lesions: {overlap:.3f} (this one virtual patient)"
        )
    return page


def _wait_for_results(pacs: Path, page: str) -> tuple[Dataset, Dataset | None]:
    """SR and SEG that the PACS holds; no SEG where all is delivered and there is none, since nothing was found."""
    limit = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < limit:
        # Asked before the PACS is looked at: what is delivered now lies there then.
        with urlopen(f"{page}api/studies") as answer:
            studies = json.load(answer)["studies"]
        failed = [s for s in studies if s["state"] == "failed"]
        delivered = bool(studies) and all(s["state"] == "delivered" for s in studies)
        if failed:
            raise OverreadError(
                f"the node could not answer the study: {failed[0]['run']['error']}; see node.log in the demo's folder"
            )
        found: dict[str, Dataset] = {}
        for path in pacs.rglob("*.dcm"):
            dataset = dcmread(path)
            found[UID(dataset.SOPClassUID).name] = dataset
        report = next((d for n, d in found.items() if "SR" in n), None)
        segmentation = next((d for n, d in found.items() if n.startswith("Segmentation")), None)
        if report is not None and (segmentation is not None or delivered):
            return report, segmentation
        time.sleep(0.3)
    raise OverreadError(
        f"no SR and SEG in {pacs} after {ANSWER_SECONDS:g} s; see node.log and pacs.log beside it"
    )


def _closing(out: Path, protocol: Path, page: str | None, seconds: float) -> None:
    report = json.loads((protocol / "report.json").read_text(encoding="utf-8"))
    primary = report["primary"]
    m = next(r for r in report["test"] if all(r[k] == primary[k] for k in ("metric", "label")))
    console.rule("[bold]what was found", align="left", style="dim")
    console.print(
        f"  lesion Dice on {m['n']} sealed virtual patients: [bold]{m['estimate']:.3f}[/bold] "
        f"({m['confidence']:.0%} CI {m['low']:.3f} to {m['high']:.3f})",
        highlight=False,
    )
    command = sys.argv[0] if Path(sys.argv[0]).name == "overread" else "overread"
    places = {
        "report": protocol / "report.html",
        "package": protocol / report["package"]["path"],
        "evidence": f"{protocol / 'ledger.db'} ({command} ledger verify {protocol})",
        "results in the PACS": out / "pacs",
        "node": f"{out / 'node'} ({command} serve {out / 'clinic.yaml'})",
    }
    if page:
        places["status page"] = page
    for name, place in places.items():
        console.print(f"  {name}: {place}", highlight=False, soft_wrap=True)
    console.print(f"  whole demo: {seconds:.0f} s")


def _until_stopped() -> None:
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stopped.append(n))
    while not stopped:
        time.sleep(0.2)
