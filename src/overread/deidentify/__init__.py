"""De-identification of DICOM by PS3.15 annex E: the Basic Profile and its options."""

from overread.deidentify.dataset import deidentify_dataset
from overread.deidentify.done import Change
from overread.deidentify.errors import WithheldError
from overread.deidentify.keys import Key, load_key
from overread.deidentify.options import OPTIONS
from overread.deidentify.run import Result, deidentify

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
