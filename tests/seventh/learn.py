"""It learns as a classification does."""

from overread.learn.tasks.classification import blank, choose, draw, grid, score, target

__all__ = ["blank", "choose", "draw", "grid", "score", "target"]
