from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from overread.stats.readers import (
    VarianceComponents,
    dbm_components,
    obuchowski_rockette,
    reader_power,
    reader_sample_size,
    roe_metz,
    roe_metz_auc,
    roe_metz_separation,
)

# Van Dyke et al. 1993, 114 cases: components as printed in the manual of RJafroc (Hillis 2011 uses them too).
VAN_DYKE = VarianceComponents(
    var=0.00080228827,
    cov1=0.00034661371,
    cov2=0.00034407483,
    cov3=0.00023902837,
    cases=114,
    var_treatment_reader=0.00020040252,
    var_reader=0.00153499935,
)


@pytest.mark.parametrize(
    ("model", "cases", "power"),
    [("rrrc", 165, 0.80541995), ("frrc", 131, 0.80091813), ("rrfc", 53, 0.80496663)],
)
def test_van_dyke_power(model: str, cases: int, power: float) -> None:
    """Printed by RJafroc: 10 readers, effect of the pilot study; one case fewer falls short of 0.8."""
    found = reader_power(VAN_DYKE, difference=-0.043800322, readers=10, cases=cases, model=model)
    assert found.power == pytest.approx(power, abs=2e-8)
    sized = reader_sample_size(VAN_DYKE, difference=-0.043800322, readers=10, model=model)
    assert (
        sized.power
        >= 0.8
        > reader_power(
            VAN_DYKE, difference=-0.043800322, readers=10, cases=sized.cases - 1, model=model
        ).power
    )
    assert sized.cases <= cases


def test_franken_sample_size() -> None:
    """Franken et al. 1992, 100 cases: RJafroc prints 121 cases, power 0.8004469, for 6 readers and 0.05."""
    pilot = VarianceComponents(
        0.0015257762493344647, 0.0007916821469504741, 0.0004836376726811721, 0.0005125091474260411, 100
    )
    found = reader_sample_size(pilot, difference=0.05, readers=6)
    assert found.cases == 121
    assert found.power == pytest.approx(0.8004469, abs=1e-7)


def test_dorfman_berbaum_metz_components() -> None:
    """As printed in the manual of RJafroc for Van Dyke's data (pseudovalues)."""
    found = dbm_components(VAN_DYKE)
    expected = {
        "reader": 0.00153499935,
        "case": 0.02724923428,
        "treatment_reader": 0.00020040252,
        "treatment_case": 0.01197529621,
        "reader_case": 0.01226472859,
        "error": 0.03997160319,
    }
    assert found == pytest.approx(expected, rel=2e-7)


def test_power_by_simulation() -> None:
    """Power foretold from the components of one large study is what simulated studies reach."""
    separation = (1.1, 1.6)
    parts = {"var_r": 0.01, "var_tr": 0.01, "var_c": 0.3, "var_tc": 0.3, "var_rc": 0.2, "var_trc": 0.2}
    pilots = [
        obuchowski_rockette(s.rating, s.truth).components
        for s in (
            roe_metz(readers=12, negatives=200, positives=200, separation=separation, seed=seed, **parts)
            for seed in range(8)
        )
    ]
    names = ("var", "cov1", "cov2", "cov3", "var_treatment_reader")
    mean = VarianceComponents(
        cases=400, **{k: float(np.mean([getattr(p, k) for p in pilots])) for k in names}
    )
    total = sum(parts.values())
    gap = roe_metz_auc(separation=separation[1], variance=total) - roe_metz_auc(
        separation=separation[0], variance=total
    )
    expected = reader_power(mean, difference=gap, readers=5, cases=100).power
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        study = roe_metz(
            readers=5, negatives=50, positives=50, separation=separation, seed=generator, **parts
        )
        test = obuchowski_rockette(study.rating, study.truth).rrrc
        assert test is not None
        hits += test.p_value <= 0.05
    assert hits / 400 == pytest.approx(expected, abs=0.08)


def test_power_grows_and_equals_alpha_without_a_difference() -> None:
    for model in ("rrrc", "frrc", "rrfc"):
        by_cases = [
            reader_power(VAN_DYKE, difference=0.03, readers=6, cases=n, model=model).power
            for n in (20, 50, 100, 400, 2000)
        ]
        by_readers = [
            reader_power(VAN_DYKE, difference=0.03, readers=r, cases=100, model=model).power
            for r in (2, 4, 8, 16, 50)
        ]
        assert by_cases == sorted(by_cases) and by_readers == sorted(by_readers)
        assert reader_power(
            VAN_DYKE, difference=0.0, readers=6, cases=100, model=model
        ).power == pytest.approx(0.05)
        one = reader_power(
            VAN_DYKE, difference=0.03, readers=6, cases=100, model=model, alpha=0.025, alternative="one-sided"
        ).power
        two = reader_power(VAN_DYKE, difference=0.03, readers=6, cases=100, model=model).power
        assert one == pytest.approx(two, abs=0.01)


@pytest.mark.parametrize("model", ["rrrc", "frrc", "rrfc"])
def test_fewest_readers(model: str) -> None:
    found = reader_sample_size(VAN_DYKE, difference=0.05, cases=120, model=model)
    assert (
        found.power
        >= 0.8
        > reader_power(VAN_DYKE, difference=0.05, readers=found.readers - 1, cases=120, model=model).power
    )


def test_clear_errors() -> None:
    with pytest.raises(ValueError, match="add readers"):
        reader_sample_size(VAN_DYKE, difference=0.02, readers=3)
    with pytest.raises(ValueError, match="either readers or cases"):
        reader_sample_size(VAN_DYKE, difference=0.02)
    with pytest.raises(ValueError, match="difference is 0"):
        reader_sample_size(VAN_DYKE, difference=0, readers=5)
    with pytest.raises(ValueError, match="model is 'mixed'"):
        reader_power(VAN_DYKE, difference=0.02, readers=5, cases=100, model="mixed")
    with pytest.raises(ValueError, match="1 readers"):
        reader_power(VAN_DYKE, difference=0.02, readers=1, cases=100)
    with pytest.raises(ValueError, match="no error at all"):
        reader_power(VarianceComponents(0.001, 0.001, 0, 0, 100), difference=0.02, readers=5, cases=100)


def test_published_reader_study_is_plausible() -> None:
    """G45: Conant et al. 2019, 24 readers, 260 cases (65 cancers), area 0.795 without and 0.852 with AI.

    Published: difference 0.057 (0.028 to 0.087). The data are not public: a simulated study of that size,
    with usual variances between readers and cases, must give an interval of about that width.
    """
    without, aided, gap, low, high = 0.795, 0.852, 0.057, 0.028, 0.087
    assert aided - without == pytest.approx(gap, abs=5e-4)
    separation = (roe_metz_separation(auc=without), roe_metz_separation(auc=aided))
    widths, differences = [], []
    for seed in range(12):
        study = roe_metz(readers=24, negatives=195, positives=65, separation=separation, seed=seed)
        test = obuchowski_rockette(study.rating, study.truth).rrrc
        assert test is not None
        interval = test.differences[0].difference
        widths.append(interval.high - interval.low)
        differences.append(-interval.estimate)
    assert 0.5 < np.median(widths) / (high - low) < 2
    assert low < np.mean(differences) < high


def test_roe_metz_areas(goldens_data: Path) -> None:
    """Parameter sets of DIDSR/iMRMC: the mean simulated area is the expected one."""
    with (goldens_data / "roeMetzConfigs.csv").open() as f:
        rows = list(csv.DictReader(f))
    for row in rows[::3]:
        v = {k: float(row[k]) for k in row if k.startswith("var")}
        parts = {
            "var_r": v["var_r.neg"],
            "var_tr": v["var_r.Aneg"],
            "var_c": v["var_c.neg"],
            "var_tc": v["var_c.Aneg"],
            "var_rc": v["var_rc.neg"],
            "var_trc": v["var_rc.Aneg"],
        }
        mu = float(row["mu.Apos"])
        areas = [
            obuchowski_rockette(s.rating, s.truth).means
            for s in (
                roe_metz(readers=5, negatives=50, positives=50, separation=(mu, mu), seed=seed, **parts)
                for seed in range(60)
            )
        ]
        assert np.mean(areas) == pytest.approx(
            roe_metz_auc(separation=mu, variance=sum(parts.values())), abs=0.02
        )
