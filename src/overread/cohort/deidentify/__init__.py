"""De-identification of DICOM by PS3.15 annex E: the Basic Profile and its options."""

from overread.cohort.deidentify.dataset import Change, deidentify_dataset
from overread.cohort.deidentify.errors import WithheldError
from overread.cohort.deidentify.keys import Key, load_key
from overread.cohort.deidentify.options import OPTIONS
from overread.cohort.deidentify.run import Result, deidentify

__all__ = [
    "OPTIONS",
    "Change",
    "Key",
    "Result",
    "WithheldError",
    "deidentify",
    "deidentify_dataset",
    "load_key",
]
