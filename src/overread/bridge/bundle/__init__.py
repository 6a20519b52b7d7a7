"""MONAI bundles: configurations read without running them."""
