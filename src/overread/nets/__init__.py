"""Network architectures by name, for 2D and 3D."""

from overread.nets.inspection import inspect
from overread.nets.named import build

__all__ = ["build", "inspect"]
