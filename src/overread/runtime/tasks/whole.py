"""Tasks whose network sees the whole image and gives some numbers of it."""

from __future__ import annotations

from overread.errors import InputError
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.task import TASKS


def label_logits(network: Network, prepared: Prepared, manifest: Manifest) -> Outputs:
    """``logits (outputs,)`` of one image, and the ``features (F,)`` of networks that give them.

    Raises InputError for a network that gives another number of logits.
    """
    out = {name: array[0].reshape(-1) for name, array in network(prepared.array[None]).items()}
    check_labels(out["logits"].size, manifest)
    return out


def check_labels(found: int, manifest: Manifest) -> None:
    """Raise InputError unless the network gives ``found`` values as the task needs them for so many labels."""
    n = len(manifest.labels)
    expected = len(manifest.regions) or TASKS[manifest.task].outputs(n)
    if found != expected:
        told = "" if expected == n else f", for which a {manifest.task} network gives {expected}"
        raise InputError(
            f"package {manifest.name} {manifest.version}: its network gives {found} values where "
            f"{n} labels are named ({', '.join(manifest.labels)}){told}; network and package.json belong to different "
            "models"
        )
