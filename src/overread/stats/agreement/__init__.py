"""Agreement of raters and of measurements."""

from overread.stats.agreement.bland_altman import BlandAltman, bland_altman
from overread.stats.agreement.concordance import Concordance, concordance_correlation
from overread.stats.agreement.deming import deming_regression
from overread.stats.agreement.fleiss import FleissKappa, fleiss_kappa, rating_counts
from overread.stats.agreement.gwet import GwetAgreement, gwet_ac
from overread.stats.agreement.icc import IccForm, IntraclassCorrelation, icc
from overread.stats.agreement.kappa import CohenKappa, cohen_kappa
from overread.stats.agreement.kendall import KendallConcordance, kendall_w
from overread.stats.agreement.krippendorff import KrippendorffAlpha, krippendorff_alpha
from overread.stats.agreement.line import Line
from overread.stats.agreement.passing_bablok import passing_bablok
from overread.stats.agreement.repeatability import Repeatability, repeatability_coefficient
from overread.stats.agreement.staple import Staple, staple

__all__ = [
    "BlandAltman",
    "CohenKappa",
    "Concordance",
    "FleissKappa",
    "GwetAgreement",
    "IccForm",
    "IntraclassCorrelation",
    "KendallConcordance",
    "KrippendorffAlpha",
    "Line",
    "Repeatability",
    "Staple",
    "bland_altman",
    "cohen_kappa",
    "concordance_correlation",
    "deming_regression",
    "fleiss_kappa",
    "gwet_ac",
    "icc",
    "kendall_w",
    "krippendorff_alpha",
    "passing_bablok",
    "rating_counts",
    "repeatability_coefficient",
    "staple",
]
