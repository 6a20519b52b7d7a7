"""The size of a test is told with the hypothesis that it is for, by the numbers of the literature."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.sealed_road import WORDS, draw_discs

from overread.cohort.cohort import Cohort
from overread.keys.ring import Keyring
from overread.pipeline.protocol import Endpoint
from overread.pipeline.sample_size import hypothesis, rationale, size_findings
from overread.pipeline.stages import init_stage, seal_stage
from overread.pipeline.workspace import Workspace


def opened(folder: Path, **goal: object) -> tuple[Workspace, Cohort]:
    """A protocol of 30 patients, 12 of them in the test, half of whom have small discs, with one goal."""
    if not folder.is_dir():
        draw_discs(folder)
        init_stage(folder)
    path = folder / "protocol.yaml"
    content = yaml.safe_load(path.read_text()) | {"endpoints": [goal]}
    path.write_text(yaml.safe_dump(content))
    space = Workspace.open(folder)
    return space, space.cohort()


def test_a_rate_needs_what_the_exact_test_needs(tmp_path: Path) -> None:
    # 142: the size from which the power stays above 80%, as rpact 4 has it.
    space, cohort = opened(tmp_path / "d", metric="sensitivity", goal=0.75, expected=0.85)
    (row,) = rationale(space, cohort)
    assert (row["needed"], row["here"], row["of"]) == (142, 6, "patients with the finding")
    # With 6 of 6 the one-sided p is .178: so few can show nothing.
    assert row["power"] == 0
    (finding,) = size_findings(space, cohort)
    assert finding.severity == "warning" and "142 patients with the finding are needed" in finding.message


def test_a_rate_of_those_without_the_finding_and_of_all(tmp_path: Path) -> None:
    for metric, here in (("specificity", 6), ("accuracy", 12)):
        (row,) = rationale(*opened(tmp_path / "d", metric=metric, goal=0.2, expected=0.99))
        assert row["here"] == here and row["power"] > 0.9
        assert (
            size_findings(*opened(tmp_path / "d", metric=metric, goal=0.2, expected=0.99))[0].severity
            == "info"
        )


def test_an_area_needs_patients_of_both_kinds(tmp_path: Path) -> None:
    (row,) = rationale(*opened(tmp_path / "d", metric="auroc", goal=0.7, expected=0.9))
    assert row["of"] == "patients, 50% of them with the finding,"
    assert row["needed"] % 2 == 0 and row["needed"] > row["here"] and 0 < row["power"] < 0.8


def test_without_what_is_expected_or_a_formula_the_reason_stands_there(tmp_path: Path) -> None:
    for goal, said in (
        ({"metric": "auroc", "goal": 0.8}, "does not state what is expected"),
        ({"metric": "auroc", "goal": 0.8, "expected": 0.9, "judged_on": "estimate"}, "point estimate"),
        ({"metric": "brier", "goal": 0.2, "expected": 0.1}, "no formula"),
        ({"metric": "sensitivity", "goal": 0.8, "expected": 0.8}, "expected equals the goal"),
    ):
        space, cohort = opened(tmp_path / "d", **goal)
        (row,) = rationale(space, cohort)
        assert said in row["reason"] and row["needed"] is None
        assert size_findings(space, cohort) == []


def test_a_sealed_test_is_thought_to_be_like_the_rest(tmp_path: Path) -> None:
    Keyring().new("Ann", ["quality"], WORDS)
    folder = tmp_path / "d"
    before = rationale(*opened(folder, metric="sensitivity", goal=0.75, expected=0.85))
    seal_stage(folder, ["Ann"])
    assert rationale(*opened(folder, metric="sensitivity", goal=0.75, expected=0.85)) == before


@pytest.mark.parametrize(
    ("goal", "null", "test"),
    [
        (
            {"metric": "auroc", "goal": 0.8},
            "is below 0.8",
            "lower limit of the two-sided 95% interval is at least 0.8",
        ),
        (
            {"metric": "brier", "goal": 0.2},
            "is above 0.2",
            "upper limit of the two-sided 95% interval is at most 0.2",
        ),
        ({"metric": "auroc", "goal": 0.8, "judged_on": "estimate"}, "is below 0.8", "No test"),
    ],
)
def test_the_hypothesis_follows_the_goal(goal: dict[str, object], null: str, test: str) -> None:
    said = hypothesis(Endpoint.model_validate(goal))
    assert null in said[0] and test in said[1]
