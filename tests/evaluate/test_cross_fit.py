"""Cross-fitting: every patient tunes through the network that was not trained with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.evaluate import roads

from overread.cohort.case import Case
from overread.errors import InputError
from overread.evaluate.calibrate import calibrate
from overread.evaluate.cross_fit import cross_fit
from overread.evaluate.tuned import tuned_of
from overread.runtime.package import Package


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """One case a patient."""
    found = roads.cases_for(tmp_path_factory.mktemp("cases"), n=60)
    return [replace(c, patient=c.case) for c in found]


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_of_one_and_the_same_network_it_decides_what_calibration_on_all_decides(
    task: str, cases: list[Case]
) -> None:
    package = roads.package_for(task)
    found = cross_fit(package, [(package, cases[:25]), (package, cases[25:])])
    plain = calibrate(package, cases)
    assert found.calibration == plain.calibration and found.operating_points == plain.operating_points
    assert found.reference["tuning"] == {"cases": 60, "patients": 60, "refused": 0, "folds": 2}
    assert found.uncertainty.notes[-1] == (
        "calibrated on 60 cases of 60 patients, each answered by the one of 2 networks that was not trained with its "
        "patient"
    )


def test_each_case_goes_through_the_network_of_its_round_alone(
    cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = roads.package_for("classification")
    other = replace(one, path=Path("other"))
    asked: list[tuple[Package, list[str]]] = []

    def seen(package: Package, own: list[Case], **more: object):  # type: ignore[no-untyped-def]
        asked.append((package, [c.case for c in own]))
        return tuned_of(package, own)

    monkeypatch.setattr("overread.evaluate.cross_fit.tuned_of", seen)
    cross_fit(one, [(one, cases[:30]), (other, cases[30:])])
    assert asked == [(one, [c.case for c in cases[:30]]), (other, [c.case for c in cases[30:]])]


def test_a_patient_in_two_rounds_is_refused(cases: list[Case]) -> None:
    package = roads.package_for("classification")
    again = replace(cases[0], case="again")
    with pytest.raises(InputError, match=r"case 'again': patient .* was left out by two networks, 0 and 1"):
        cross_fit(package, [(package, cases[:30]), (package, [again])])
