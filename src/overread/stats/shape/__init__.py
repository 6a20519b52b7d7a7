"""Size and form of a mask: surface, diameters, the ellipse in the plane."""

from overread.stats.shape.diameters import Axes, axes_in_plane, max_diameter
from overread.stats.shape.ellipse import Ellipse, fitted_ellipse
from overread.stats.shape.surface import enclosed_size, surface_size

__all__ = [
    "Axes",
    "Ellipse",
    "axes_in_plane",
    "enclosed_size",
    "fitted_ellipse",
    "max_diameter",
    "surface_size",
]
