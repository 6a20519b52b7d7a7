"""Two sides on the same cases, against numbers that can be worked out by hand."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.regulatory.made_up import made_up_run
from tests.runtime.models import manifest

from overread.cohort.cohort import Cohort
from overread.cohort.hashes import content_of_test
from overread.errors import InputError
from overread.ledger.ledger import Ledger
from overread.ledger.register import register
from overread.pipeline.openings import looks_before
from overread.regulatory.comparison.document import compare_command, data_of, document_of
from overread.regulatory.comparison.paired import compare, reclassification
from overread.regulatory.comparison.side import Side, looked, side_of_column, side_of_run, sides_of_packages
from overread.regulatory.documents.html import html_of
from overread.runtime.manifest import Manifest


def _manifest(threshold: float) -> Manifest:
    return manifest(operating_points={"abnormal": {"rule": "youden", "threshold": threshold, "figures": {}}})


def _side(scores: list[float | None], truth: list[int], *, threshold: float = 0.5, name: str = "a") -> Side:
    rows: list[dict[str, Any]] = [
        {
            "case": f"c{k}",
            "patient": f"p{k}",
            "outcome": "ok" if s is not None else "refused",
            "label": ["normal", "abnormal"][y],
            "decided": None if s is None else ["normal", "abnormal"][int(s >= threshold)],
            "score_abnormal": s,
        }
        for k, (s, y) in enumerate(zip(scores, truth, strict=True))
    ]
    return Side(name, _manifest(threshold), rows)


TRUTH = [1] * 10 + [0] * 10
FIRST = [0.9] * 7 + [0.2] * 3 + [0.1] * 8 + [0.8] * 2
BETTER = [0.9] * 9 + [0.2] * 1 + [0.1] * 9 + [0.8] * 1


def _of(rows: list[Any], measure: str) -> Any:
    (found,) = [d for d in rows if d.measure == measure]
    return found


def test_a_side_beside_itself_differs_by_nothing() -> None:
    c = compare(_side(FIRST, TRUTH), _side(FIRST, TRUTH))
    assert all(d.difference.estimate == 0 for d in c.differences)
    assert c.reclassified[0]["nri"]["estimate"] == 0


def test_differences_are_second_less_first() -> None:
    c = compare(_side(FIRST, TRUTH), _side(BETTER, TRUTH))
    sensitivity, specificity = _of(c.differences, "sensitivity"), _of(c.differences, "specificity")
    assert (sensitivity.first, sensitivity.second) == (0.7, 0.9)
    assert sensitivity.difference.estimate == pytest.approx(0.2)
    assert specificity.difference.estimate == pytest.approx(0.1)
    assert _of(c.differences, "auroc").difference.estimate > 0
    # Three discordant pairs, all for the second, mid-p of 3 of 3 with both classes together: 2 * 0.125 - 0.125.
    assert _of(c.differences, "accuracy").p_value == pytest.approx(0.125)


def test_an_old_threshold_on_new_scores_is_what_breaks() -> None:
    """The same ranking on another scale: equal areas and equal calls at its own cut-off, none at the old one."""
    shifted = [s / 4 for s in FIRST]
    c = compare(_side(FIRST, TRUTH), _side(shifted, TRUTH, threshold=0.125))
    assert _of(c.differences, "auroc").difference.estimate == 0
    assert _of(c.differences, "sensitivity").difference.estimate == 0
    assert _of(c.transfer, "sensitivity").second == 0
    assert _of(c.transfer, "sensitivity").difference.high < 0


def test_net_reclassification_by_hand() -> None:
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    first = np.array([0, 0, 1, 1, 1, 1, 0, 0], bool)
    second = np.array([1, 1, 1, 0, 0, 1, 1, 0], bool)
    found = reclassification(truth, first, second)
    assert found["events"] | {"net": None} == {"n": 4, "up": 2, "down": 1, "net": None}
    assert found["others"] | {"net": None} == {"n": 4, "up": 1, "down": 1, "net": None}
    assert found["nri"]["estimate"] == pytest.approx((2 - 1) / 4 + (1 - 1) / 4)
    assert found["nri"]["low"] < found["nri"]["estimate"] < found["nri"]["high"]


def test_a_refused_case_is_no_right_call() -> None:
    refused: list[float | None] = [None, *FIRST[1:10], None, *FIRST[11:]]
    c = compare(_side(list(FIRST), TRUTH), _side(refused, TRUTH))
    assert _of(c.differences, "sensitivity").second == pytest.approx(0.6)
    assert _of(c.differences, "specificity").second == pytest.approx(0.7)
    assert _of(c.differences, "auroc").n == 18


def test_mean_dice_is_paired() -> None:
    rows = [{"case": f"c{k}", "patient": f"p{k}", "outcome": "ok", "dice": 0.5 + 0.02 * k} for k in range(20)]
    better = [r | {"dice": r["dice"] + 0.05} for r in rows]
    c = compare(Side("a", manifest(), rows), Side("b", manifest(), better))
    (found,) = c.differences
    assert found.difference.estimate == pytest.approx(0.05)
    # The same gain in every case: nothing is left to chance.
    assert found.difference.low == pytest.approx(found.difference.high)


def test_other_cases_or_another_truth_are_refused() -> None:
    with pytest.raises(InputError, match="no case in common"):
        compare(_side(FIRST, TRUTH), Side("b", manifest(), [{"case": "x", "patient": "x", "outcome": "ok"}]))
    with pytest.raises(InputError, match="case c0: label"):
        compare(_side(FIRST, TRUTH), _side(FIRST, [0, *TRUTH[1:]]))


def test_two_runs_become_a_page_and_data(tmp_path: Path) -> None:
    first = made_up_run(tmp_path / "first")
    second = made_up_run(tmp_path / "second", exploratory=["The test patients were opened 2 times."])
    c = compare(side_of_run(first), side_of_run(second))
    assert "Exploratory: The test patients were opened 2 times." in html_of(document_of(c))
    assert data_of(c)["exploratory"]
    compare_command(first, second, cases=None, out=tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["cases"] == 100


def test_a_comparator_is_a_column_of_the_table(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "run", comparator={"t000": "normal"})
    c = compare(side_of_column(folder, "before"), side_of_run(folder))
    assert c.cases == 1
    found = _of(c.differences, "sensitivity")
    # The comparator missed the only test case of cohort.csv, which has it; the package found it.
    assert (found.first, found.second, found.n) == (0, 1, 1)
    with pytest.raises(InputError, match="no column 'after'"):
        side_of_column(folder, "after")


def test_what_a_comparator_cannot_say_is_refused(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "run", comparator={"t000": "perhaps"})
    with pytest.raises(InputError, match="before is 'perhaps', expected one of normal, pneumonia"):
        side_of_column(folder, "before")


def test_sensitivity_of_decisions_without_scores() -> None:
    rows = [
        {"case": f"c{k}", "patient": f"p{k}", "label": t, "decided": d}
        for k, (t, d) in enumerate(
            [("abnormal", "abnormal"), ("abnormal", None), ("normal", "normal"), ("normal", None)]
        )
    ]
    right = [r | {"decided": r["label"]} for r in rows]
    c = compare(Side("a", manifest(), rows), Side("b", manifest(), right))
    # No answer is no finding, and clears nobody.
    assert [_of(c.differences, m).first for m in ("sensitivity", "specificity")] == [0.5, 0.5]
    assert [_of(c.differences, m).second for m in ("sensitivity", "specificity")] == [1, 1]


def test_a_look_for_a_comparison_counts(tmp_path: Path) -> None:
    """In the ledger beside the cases, and in the machine's list where the folder was copied without it."""
    folder = made_up_run(tmp_path / "run")
    ledger = Ledger.open(folder / "ledger.db")
    cases = Cohort.read(folder).split("test")
    before = looks_before(ledger)
    assert looked(folder, cases, ["0" * 64]) and looks_before(ledger) == before + 1
    copy = Path(shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("ledger.db*")))
    assert looked(copy, Cohort.read(copy).split("test"), ["0" * 64]) == ()
    assert register(content_of_test(cases, folder), chain_head="").before == 2
    sealed = [replace(c, sealed=True) for c in cases]
    with pytest.raises(InputError, match="is sealed; `overread test"):
        looked(folder, sealed, ["0" * 64])


def test_a_change_is_judged_on_cases_apart_from_training(tmp_path: Path) -> None:
    folder = made_up_run(tmp_path / "run")
    path = folder / "package" / "chest-1.0.overread"
    cases = [(f"{split}{k}", split, k) for split in ("test", "train", "val") for k in ("normal", "pneumonia")]
    lines = [f"{case},{case},{split},x.png,{label}" for case, split, label in cases]
    (folder / "cohort.csv").write_text("\n".join(["case,patient,split,image,label", *lines, ""]))
    both = [sides_of_packages([path, path], folder, held_out=held)[0].rows for held in (False, True)]
    assert [len(rows) for rows in both] == [6, 2]
    assert {r["case"] for r in both[1]} == {"testnormal", "testpneumonia"}
