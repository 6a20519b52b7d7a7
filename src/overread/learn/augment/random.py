"""Random numbers of one image for one purpose, whatever else is drawn.

Philox: Salmon et al., SC 2011, doi 10.1145/2063384.2063405.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np


def generator(seed: int, purpose: str, epoch: int, index: int) -> np.random.Generator:
    """Counter-based generator for ``purpose`` (the name of a transform, say) of image ``index`` in ``epoch``.

    Every purpose counts in a word of its own, so that a further one, or one that draws more, moves no other's numbers.
    """
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, crc32(purpose.encode()), epoch, index]))
