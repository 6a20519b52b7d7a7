"""The way out of a package: plain PyTorch, a MONAI bundle, a MONAI application package."""
