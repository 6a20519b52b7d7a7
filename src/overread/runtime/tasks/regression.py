"""A number, such as an age: the whole image in, the number with its prediction interval out.

The network gives two outputs in units of the training cases' spread: the number, and the log of how far off it expects
to be. The interval is split conformal on residuals that are divided by the latter (Lei et al., J Am Stat Assoc
2018;113:1094, section 5.2): where the network says that it does not know, it is wider.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import Value
from overread.runtime.manifest import Manifest, Quantity
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks.whole import label_logits
from overread.runtime.uncertainty.pool import Pool

OUTPUTS: tuple[str, ...] = ("logits",)
DECODING: Mapping[str, float] = {"centre": 0.0, "scale": 1.0}
"""Mean and standard deviation of the training cases' numbers: where the network's 0 lies, and how large its 1 is."""
POOL: Pool | None = None
WIDEST = 5.0
"""Log of the largest and (negative) of the smallest spread, so that no output makes an interval of no or all width."""


def raw(network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False) -> Outputs:
    """``logits (2,)`` of the whole image. Raises InputError for a network of other outputs."""
    return label_logits(network, prepared, manifest)


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Value:
    """The number in its unit, with the interval that the tuning cases gave; neither leaves the declared bounds."""
    label = manifest.labels[0]
    quantity = manifest.quantity or Quantity()
    value, spread = (float(v) for v in decoded(raw["logits"], manifest))
    residuals = manifest.calibration.value_residuals.get(label)
    if residuals is None:
        return Value(
            label, value, quantity.unit, reason=manifest.calibration.reasons.get(label, ""), spread=spread
        )
    low, high = bounded(np.array([value + residuals.low * spread, value + residuals.high * spread]), quantity)
    return Value(
        label, value, quantity.unit, float(low), float(high), coverage=residuals.coverage, spread=spread
    )


def decoded(
    logits: NDArray[np.floating], manifest: Manifest
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numbers within their bounds and the spreads that the network expects, ``(...)`` each, of ``logits (..., 2)``."""
    decoding = {**DECODING, **manifest.decoding}
    z = logits.astype(np.float64)
    value = decoding["centre"] + decoding["scale"] * z[..., 0]
    spread = decoding["scale"] * np.exp(np.clip(z[..., 1], -WIDEST, WIDEST))
    return bounded(value, manifest.quantity or Quantity()), spread


def bounded(values: NDArray[np.float64], quantity: Quantity) -> NDArray[np.float64]:
    """``values`` within the declared bounds."""
    low, high = quantity.bounds
    found: NDArray[np.float64] = np.clip(
        values, -np.inf if low is None else low, np.inf if high is None else high
    )
    return found
