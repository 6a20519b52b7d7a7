"""Geometry: orientation, resampling, slices."""
