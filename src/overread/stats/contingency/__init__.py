"""Two-way tables of counts: association of two groups, and paired or repeated answers of the same cases."""

from overread.stats.contingency.cochran_q import CochranQTest, cochran_q
from overread.stats.contingency.fisher import FisherTest, fisher_exact
from overread.stats.contingency.marginal_homogeneity import MarginalHomogeneityTest, stuart_maxwell
from overread.stats.contingency.ratios import odds_ratio, risk_ratio

__all__ = [
    "CochranQTest",
    "FisherTest",
    "MarginalHomogeneityTest",
    "cochran_q",
    "fisher_exact",
    "odds_ratio",
    "risk_ratio",
    "stuart_maxwell",
]
