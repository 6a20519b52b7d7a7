"""Planning, augmentation, losses, the one training loop, export."""
