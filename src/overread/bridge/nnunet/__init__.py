"""nnU-Net v2 results folders: plans, checkpoints, networks."""
