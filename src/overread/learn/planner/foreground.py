"""How often a patch is drawn around the foreground."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

SHARE = 0.5


def choose_foreground_share(
    patch: Sequence[int], fractions: Mapping[str, float], extents: Mapping[str, float]
) -> tuple[float, str]:
    """Half of the patches where one anywhere would show a label's typical object less than once; none otherwise.

    ``fractions`` of the voxels and ``extents`` in voxels of a typical object, by label. What lies everywhere needs no
    favour, which would teach that there is more of it than there is.
    """
    d = len(patch)
    rare = []
    for name, fraction in fractions.items():
        whole = extents.get(name, 0.0) ** d * (math.pi / 4 if d == 2 else math.pi / 6)
        if fraction * math.prod(patch) < whole:
            rare.append(name)
    if rare:
        return (
            SHARE,
            f"Half of the patches are drawn around an object: {', '.join(rare)} would be in few others.",
        )
    return 0.0, "Patches are drawn anywhere: every one shows enough of each label."
