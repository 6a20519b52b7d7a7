"""Qualification: worked examples hold here, and what differs is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.regulatory.made_up import made_up_package, made_up_run

from overread.errors import InputError, OverreadError
from overread.imaging.formats.raster import write_png
from overread.ledger.ledger import Ledger
from overread.regulatory.finished import read_finished
from overread.regulatory.qualify import run as qualify_run
from overread.regulatory.qualify.command import document_of, qualify_command
from overread.regulatory.qualify.examples import EXAMPLES
from overread.regulatory.qualify.run import (
    Bound,
    Step,
    acceptance,
    installation,
    operation,
    performance,
    whole,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_every_worked_example_gives_what_was_published(example: qualify_run.Example) -> None:  # type: ignore[name-defined]
    assert example.compute() == pytest.approx(example.expected, abs=example.tolerance)


def test_an_example_that_fails_is_a_failed_step(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(EXAMPLES[0], expected=0.5)
    monkeypatch.setattr(qualify_run, "EXAMPLES", (wrong,))
    (step,) = operation()
    assert (step.passed, step.found) == (False, "0.255289")


def test_other_code_than_tested_is_named(tmp_path: Path) -> None:
    run = read_finished(made_up_run(tmp_path / "run"))
    failed = [s.name for s in installation(run) if not s.passed]
    assert failed == ["code of overread"]


def _local(folder: Path, *, bright: int, dark: int) -> Path:
    """Images of one grey value: bright ones are called pneumonia by the made-up package."""
    folder.mkdir(parents=True)
    lines = ["case,patient,image,label"]
    for k in range(bright + dark):
        value, label = (250, "pneumonia") if k < bright else (0, "normal")
        write_png(folder / f"{k}.png", np.full((8, 8), value, np.uint8))
        lines.append(f"c{k},p{k},{k}.png,{label}")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_site_reaches_a_bound_by_its_limit_or_not(tmp_path: Path) -> None:
    package = made_up_package(tmp_path / "p.overread")
    folder = _local(tmp_path / "site", bright=20, dark=20)
    steps = acceptance(package, folder, Bound("accuracy", 0.8, least=30))
    assert [s.passed for s in steps] == [True, False] or all(s.passed for s in steps)
    (found,) = [s for s in steps if s.name == "Accuracy"]
    low = float(found.found.split("(")[1].split(" ")[0])
    assert found.passed == (low >= 0.8)
    few = acceptance(package, folder, Bound("accuracy", 0.0, least=41))
    assert not few[0].passed


def test_a_measure_that_the_task_lacks_is_refused(tmp_path: Path) -> None:
    package = made_up_package(tmp_path / "p.overread")
    with pytest.raises(InputError, match="is not measured of classification"):
        acceptance(package, tmp_path, Bound("dice", 0.8))


def test_a_recorded_prediction_that_comes_out_otherwise_is_found(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "run")
    run = read_finished(folder)
    steps = performance(run, cases=2)
    # The made-up table says .9 for t000, which is not what the package answers; t001 is not in cohort.csv.
    assert [s.passed for s in steps] == [False, False]
    assert steps[1].found == "not there"


def test_the_row_is_written_whether_or_not_it_passed(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "run")
    site = _local(tmp_path / "site", bright=20, dark=20)
    with pytest.raises(OverreadError, match="not qualified"):
        qualify_command(
            folder, predictions=1, cases=site, bound=Bound("accuracy", 0.5), out=tmp_path / "q.html"
        )
    ledger = Ledger.open(folder / "ledger.db")
    kinds = [e.kind for e in ledger.events()]
    # The bound is stated before what it is about.
    assert kinds.index("acceptance.stated") < kinds.index("qualification")
    (event,) = ledger.events("qualification")
    assert event.data["passed"] is False
    assert "NOT qualified" in (tmp_path / "q.html").read_text()


def test_all_passed_is_qualified(tmp_path: Path) -> None:
    run = read_finished(made_up_run(tmp_path / "run"))
    steps = [Step("OQ", "a", "1", "1", True)]
    whole(steps)
    assert "Qualified: every step passed." in str(document_of(run, steps, row=1).parts)
