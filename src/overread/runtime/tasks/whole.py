"""Tasks whose network sees the whole image and gives one number a label."""

from __future__ import annotations

from overread.errors import InputError
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared


def label_logits(network: Network, prepared: Prepared, manifest: Manifest) -> Outputs:
    """``logits (labels,)`` of one image, and the ``features (F,)`` of networks that give them.

    Raises InputError for a network that gives another number of logits.
    """
    out = {name: array[0].reshape(-1) for name, array in network(prepared.array[None]).items()}
    check_labels(out["logits"].size, manifest)
    return out


def check_labels(found: int, manifest: Manifest) -> None:
    """Raise InputError unless the network gives ``found`` values for as many labels."""
    if found != len(manifest.labels):
        raise InputError(
            f"package {manifest.name} {manifest.version}: its network gives {found} values where "
            f"{len(manifest.labels)} labels are named ({', '.join(manifest.labels)}); network and package.json "
            "belong to different models"
        )
