"""Control charts: every one designed from the run length between false alarms that is wanted."""

from __future__ import annotations

from overread.stats.control.bernoulli import (
    EventChart,
    bernoulli_cusum_arl,
    bernoulli_cusum_chart,
    bernoulli_cusum_design,
    bernoulli_cusum_h,
    bernoulli_cusum_weights,
)
from overread.stats.control.cusum import CusumChart, cusum_arl, cusum_chart, cusum_design, cusum_h
from overread.stats.control.design import Chart, ChartDesign
from overread.stats.control.ewma import ewma_arl, ewma_chart, ewma_design, ewma_limit
from overread.stats.control.risk_adjusted import (
    risk_adjusted_cusum_arl,
    risk_adjusted_cusum_chart,
    risk_adjusted_cusum_design,
    risk_adjusted_cusum_h,
    risk_adjusted_weights,
)
from overread.stats.control.shewhart import shewhart_arl, shewhart_chart, shewhart_design, shewhart_limit
from overread.stats.control.sprt import (
    SprtBounds,
    SprtProperties,
    SprtResult,
    sprt,
    sprt_bounds,
    sprt_properties,
)

__all__ = [
    "Chart",
    "ChartDesign",
    "CusumChart",
    "EventChart",
    "SprtBounds",
    "SprtProperties",
    "SprtResult",
    "bernoulli_cusum_arl",
    "bernoulli_cusum_chart",
    "bernoulli_cusum_design",
    "bernoulli_cusum_h",
    "bernoulli_cusum_weights",
    "cusum_arl",
    "cusum_chart",
    "cusum_design",
    "cusum_h",
    "ewma_arl",
    "ewma_chart",
    "ewma_design",
    "ewma_limit",
    "risk_adjusted_cusum_arl",
    "risk_adjusted_cusum_chart",
    "risk_adjusted_cusum_design",
    "risk_adjusted_cusum_h",
    "risk_adjusted_weights",
    "shewhart_arl",
    "shewhart_chart",
    "shewhart_design",
    "shewhart_limit",
    "sprt",
    "sprt_bounds",
    "sprt_properties",
]
