"""Rules by which one of more than two classes is decided: argmax is only right where all errors weigh alike.

Thresholds of all classes stand beside each other: decided is the class whose probability is the largest multiple of its
threshold. With the classes' frequencies as thresholds that is the decision with the best expected balanced accuracy
(Menon et al., ICML 2013;28:603; Collell, Prelec and Patil, Neurocomputing 2018;275:330).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.patients import count
from overread.evaluate.rows import part_of
from overread.evaluate.rules import case_rule
from overread.evaluate.thresholds import point_of
from overread.runtime.manifest import OperatingPoint

BALANCED = "balanced accuracy"
OF = " of "


def several_rule(text: str, labels: Sequence[str]) -> str:
    """A rule for more than two classes: the empty one (the likeliest is decided), ``balanced accuracy``, ``youden`` of
    each class against the rest, or of one class: ``sensitivity>=0.95 of melanoma``.

    Raises ValueError for anything else.
    """
    plain = " ".join(text.split())
    if plain.replace("_", " ") == BALANCED:
        return BALANCED
    if plain in ("", "youden"):
        return plain
    asked, of, label = plain.partition(OF)
    if not of or label not in labels:
        raise ValueError(
            f"found {text!r}, expected nothing (the likeliest class is decided), {BALANCED}, youden, or a rule of one "
            f"class such as sensitivity>=0.95 of {labels[-1]}"
        )
    return f"{case_rule(asked)}{OF}{label}"


def points_of(
    p: NDArray[np.float64],
    y: NDArray[np.int64],
    labels: Sequence[str],
    rule: str,
    *,
    cluster: NDArray[Any] | None = None,
) -> tuple[dict[str, OperatingPoint], dict[str, str]]:
    """Thresholds of the classes by ``rule`` (`several_rule`), and what is to be known of each.

    ``p (n, labels)`` are the tuning cases' probabilities, ``y (n,)`` their classes. One class alone has a threshold
    where the rule is of that class: it is decided from there on, whatever the others say.
    """
    if not rule:
        return {}, {}
    if rule == BALANCED:
        # Of patients, and one more of each class, so that one that tuning lacks is not decided for everybody.
        counts = [1 + count(part_of(cluster, y == k), int((y == k).sum())) for k in range(len(labels))]
        return {
            label: OperatingPoint(rule=rule, threshold=n / sum(counts))
            for label, n in zip(labels, counts, strict=True)
        }, {}
    asked, of, label = rule.partition(OF)
    chosen = [label] if of else list(labels)
    points, notes = {}, {}
    for name in chosen:
        k = list(labels).index(name)
        found, notes[name] = point_of(p[:, k], y == k, asked, cluster=cluster)
        # A threshold of 0 is reached by everything, and has no multiples.
        points[name] = found.model_copy(
            update={"rule": rule, "threshold": max(found.threshold, float(np.finfo(np.float64).tiny))}
        )
    return points, notes
