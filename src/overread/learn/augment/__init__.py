"""Augmentation: what is drawn for an image, and what that does to image, label map and boxes."""
