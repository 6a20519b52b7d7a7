"""It answers as a classification does."""

from overread.runtime.tasks.classification import DECODING, OUTPUTS, POOL, answer, raw

__all__ = ["DECODING", "OUTPUTS", "POOL", "answer", "raw"]
