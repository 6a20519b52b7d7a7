"""Planning, augmentation, losses, the one training loop, export."""

import os

# Threads that wait spin for some tens of microseconds and then sleep, where the person has not decided otherwise: beside
# another busy process the default spins for milliseconds, and a step took 1 to 2 s instead of 0.4 s; on an idle machine
# both take alike (docs/performance.md). Of GCC's OpenMP, which torch's wheels for Linux bring; read once, when torch loads
# it, so this stands before any import of torch.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
