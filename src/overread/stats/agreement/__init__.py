"""Agreement of raters and of measurements."""

from overread.stats.agreement.bland_altman import BlandAltman, bland_altman
from overread.stats.agreement.concordance import Concordance, concordance_correlation
from overread.stats.agreement.fleiss import FleissKappa, fleiss_kappa, rating_counts
from overread.stats.agreement.icc import IccForm, IntraclassCorrelation, icc
from overread.stats.agreement.kappa import CohenKappa, cohen_kappa

__all__ = [
    "BlandAltman",
    "CohenKappa",
    "Concordance",
    "FleissKappa",
    "IccForm",
    "IntraclassCorrelation",
    "bland_altman",
    "cohen_kappa",
    "concordance_correlation",
    "fleiss_kappa",
    "icc",
    "rating_counts",
]
