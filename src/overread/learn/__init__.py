"""Planning, augmentation, losses, the one training loop, export."""

import os

# Waiting threads sleep instead of spinning, where the person has not decided otherwise: beside one other busy process a
# spinning pair of threads took 2.1 s for a step that sleeping ones do in 0.36 s (docs/performance.md). Read once, when
# torch loads its OpenMP runtime (OpenMP 5.2 section 21.1.10), so it stands before any import of torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
