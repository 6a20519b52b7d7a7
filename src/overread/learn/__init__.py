"""Planning, augmentation, losses, the one training loop, export."""

import os

# Threads that wait spin for some tens of microseconds and then sleep, where the person has not decided otherwise. The
# default spins for milliseconds: beside another busy process a step took 1 to 2 s instead of 0.4 s, and on an idle
# machine both take alike (docs/performance.md). It is a setting of GCC's OpenMP, which torch's wheels for Linux bring,
# and is read once, when torch loads it: so it stands before any import of torch.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
