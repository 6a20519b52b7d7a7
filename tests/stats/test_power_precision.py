from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.intervals import proportion_ci
from overread.stats.power import (
    icc_precision,
    kappa_precision,
    limits_of_agreement_precision,
    mean_precision,
    proportion_precision,
    sd_precision,
    sensitivity_specificity_precision,
)


def test_buderer() -> None:
    """Buderer, Acad Emerg Med 1996;3:895: sensitivity .9, specificity .85, prevalence .2, within .1."""
    found = sensitivity_specificity_precision(
        sensitivity=0.9, specificity=0.85, prevalence=0.2, half_width=0.1
    )
    assert found.groups == {"sensitivity": 173, "specificity": 62}
    assert found.n == 173 and found.events == pytest.approx(34.6)


def test_published_sizes_for_sensitivity() -> None:
    """Hajian-Tilaki, J Biomed Inform 2014;48:193; van Hal et al., Lancet Microbe 2025."""
    assert (
        sensitivity_specificity_precision(
            sensitivity=0.8, specificity=None, prevalence=0.1, half_width=0.07
        ).n
        == 1255
    )
    assert (
        sensitivity_specificity_precision(
            sensitivity=0.95, specificity=0.95, prevalence=0.0022, half_width=0.1
        ).n
        == 8295
    )


def test_prevalence_survey() -> None:
    """Worked example of simple random sampling: 15% within a fifth of it needs 545 (Levy and Lemeshow)."""
    assert proportion_precision(p=0.15, half_width=0.2, method="wald", relative=True).n == 545
    assert proportion_precision(p=0.15, half_width=0.03, method="wald").n == 545
    finite = proportion_precision(p=0.15, half_width=0.03, method="wald", population=1000, round_up=False)
    assert finite.n == pytest.approx(544.22 / (1 + 0.54422), rel=1e-4)


@pytest.mark.parametrize("method", ["wald", "wilson", "exact", "jeffreys", "agresti-coull"])
@given(p=st.floats(0.05, 0.95), width=st.floats(0.02, 0.2))
def test_the_size_is_the_smallest_that_is_narrow_enough(method: str, p: float, width: float) -> None:
    found = proportion_precision(p=p, half_width=width, method=method)  # type: ignore[arg-type]
    assert found.half_width is not None and found.half_width <= width + 1e-9
    if found.n > 2:
        before = proportion_precision(p=p, n=found.n - 1, method=method)  # type: ignore[arg-type]
        assert before.half_width is not None and before.half_width > width - 1e-9


@pytest.mark.parametrize("method", ["wilson", "exact", "jeffreys", "agresti-coull"])
def test_half_width_is_that_of_the_interval(method: str) -> None:
    interval = proportion_ci(45, 50, method=method)  # type: ignore[arg-type]
    found = proportion_precision(p=0.9, n=50, method=method)  # type: ignore[arg-type]
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2)


def test_agreement() -> None:
    """Bonett 2002: intraclass correlation .85, four readers, width .2 needs 19.2, so 20."""
    assert icc_precision(icc=0.85, readers=4, width=0.2).n == 20
    # Two readers, icc of .7 or more: his addition of 5 icc.
    assert icc_precision(icc=0.7, readers=2, width=0.2).n - icc_precision(
        icc=0.699, readers=2, width=0.2
    ).n in (3, 4)
    # At kappa 0 with half called positive the variance is 1 / n.
    assert kappa_precision(kappa=0.0, positive=0.5, width=0.2).n == 385
    # Bland and Altman 1986: with 100 pairs a limit is known within 1.96 sqrt(3 / 100) sd.
    assert limits_of_agreement_precision(half_width=1.96 * (3 / 100) ** 0.5).n == 100


def test_mean_and_spread() -> None:
    assert mean_precision(sd=10, half_width=2).n == 97
    assert mean_precision(sd=10, n=97).half_width == pytest.approx(1.99, abs=0.001)
    # Riley et al. 2019: 234 cases know a residual spread within 10%, one more for each parameter.
    assert sd_precision(margin=1.1).n == 234 and sd_precision(margin=1.1, parameters=25).n == 259


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"p": 0.5}, "exactly one"),
        ({"p": 0.5, "half_width": 0.1, "n": 10}, "exactly one"),
        ({"p": 1.2, "half_width": 0.1}, "p is 1.2"),
        ({"p": float("nan"), "half_width": 0.1}, "p is nan"),
        ({"p": 0.5, "half_width": 0.0}, "half_width"),
        ({"p": 0.5, "n": 0}, "n is 0"),
        ({"p": 0.5, "half_width": 0.1, "method": "score"}, "wilson"),
    ],
)
def test_what_cannot_be(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        proportion_precision(**arguments)


def test_nothing_to_size() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sensitivity_specificity_precision(sensitivity=None, specificity=None, prevalence=0.2)
    with pytest.raises(ValueError, match="prevalence"):
        sensitivity_specificity_precision(sensitivity=0.9, specificity=0.9, prevalence=0.0)
    with pytest.raises(ValueError, match="margin"):
        sd_precision(margin=0.9)
    with pytest.raises(ValueError, match="cannot occur"):
        kappa_precision(kappa=-0.9, positive=0.01, width=0.1)
