"""It answers as a classification does."""

from overread.runtime.tasks.classification import DECODING, OUTPUTS, answer, raw

__all__ = ["DECODING", "OUTPUTS", "answer", "raw"]
