"""The limits of a package: what training and tuning cases were like, and what the protocol declares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from overread.cohort.case import Case
from overread.cohort.fingerprint import Fingerprint
from overread.cohort.load import load_case
from overread.imaging.image import Image
from overread.pipeline.protocol import Protocol
from overread.runtime.looks import likeness_of
from overread.runtime.manifest import Limits, Preprocess
from overread.runtime.reference import Seen, color_limits, grey_limits

SLACK = 1.25
"""Sizes and spacings may lie beyond those of training and tuning cases by this factor: no more than the scaling that
augmentation draws (e^0.15 to e^0.2) made the network used to."""
VOXELS = 4e8
"""Looked at in all for the reference distribution; of volumes fewer cases, of pictures up to `MOST_CASES`."""
MOST_CASES, FEWEST_CASES = 400, 24


def looked_at(cases: Sequence[Case], look: Fingerprint) -> list[Case]:
    """As many of ``cases`` as the bounds allow, evenly over the table."""
    size = math.prod(look.median_shape)
    count = min(len(cases), max(FEWEST_CASES, min(MOST_CASES, int(VOXELS / max(size, 1)))))
    return [cases[i * len(cases) // count] for i in range(count)]


def package_limits(
    protocol: Protocol,
    look: Fingerprint,
    spec: Preprocess,
    train: Sequence[Case],
    tune: Sequence[Case],
    advance: Callable[[], None] = lambda: None,
    also: Callable[[Case, Image], None] = lambda case, image: None,
) -> Limits:
    """Limits from the fingerprint, from ``train`` and ``tune`` cases looked at again (`looked_at`), and as declared.

    ``also`` is called with each training case and its image, while that is at hand.

    Raises InputError for a case that cannot be read, or made SUV where the plan wants that.
    """

    def seen(case: Case, also: Callable[[Case, Image], None] = lambda case, image: None) -> Seen:
        image = load_case(case)
        found = Seen.of(image, spec)
        also(case, image)
        advance()
        return found

    trained, tuned = [seen(c, also) for c in train], [seen(c) for c in tune]
    every = [*trained, *tuned]
    size, spacing = [], []
    for axis in range(protocol.dimensions):
        sizes = [look.min_shape[axis], look.max_shape[axis], *(s.size[axis] for s in tuned)]
        steps = [look.min_spacing[axis], look.max_spacing[axis], *(s.spacing[axis] for s in tuned)]
        size.append((max(1, math.floor(min(sizes) / SLACK)), math.ceil(max(sizes) * SLACK)))
        spacing.append((float(min(steps) / SLACK), float(max(steps) * SLACK)))
    return Limits(
        modality=sorted({m for c in protocol.channels for m in c.modality} | set(look.modalities)),
        body_part=[b.upper() for b in protocol.limits.body_part],
        age_years=protocol.limits.age_years,
        size=size,
        # A 2D photograph has no physical spacing: the reader's placeholder of 1 must not become a limit.
        spacing_mm=spacing if protocol.dimensions == 3 else None,
        slack=SLACK,
        color=color_limits(s.color for s in every),
        grey_values=grey_limits(every, patients=len({c.patient for c in (*train, *tune)})),
        likeness=likeness_of(
            [s.looks for s in trained],
            [s.looks for s in tuned],
            patients=[c.patient for c in train],
            tuned_patients=[c.patient for c in tune],
        ),
        unstated=protocol.limits.unstated,
    )
