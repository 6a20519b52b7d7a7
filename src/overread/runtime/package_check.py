"""What networks, arrays and manifest of a package must agree on, one line for each fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from overread.runtime.manifest import Manifest
from overread.runtime.onnx_file import onnx_facts
from overread.runtime.uncertainty.arrays import Arrays
from overread.task import TASKS

_OF_DRAWS = {
    "dropout": ("head_weight", "head_bias"),
    "laplace": ("head_weight", "head_bias", "laplace_features", "laplace_outputs"),
    "heads": ("heads_weight", "heads_bias"),
}
_OF_DISTANCE = {
    "mahalanobis": ("distance_centre", "distance_axes"),
    "nearest": ("distance_references",),
}


def faults(manifest: Manifest, networks: Mapping[str, bytes], arrays: Arrays, where: str) -> Iterator[str]:
    """Every fault of a package's uncertainty; nothing where it is sound. ``where`` is what errors call the package.

    Raises InputError for a network that is damaged.
    """
    told = manifest.uncertainty
    members = [m.file for m in told.ensemble.members] if told.ensemble else ["model.onnx"]
    if sorted(members) != sorted(networks):
        yield (
            f"package.json: uncertainty.ensemble reads {', '.join(members)}, the package has "
            f"{', '.join(networks)}"
        )
    first = onnx_facts(networks["model.onnx"], f"{where}: model.onnx")
    if told.features and told.features not in first.outputs:
        yield f"package.json: uncertainty.features: {told.features!r}, model.onnx gives {', '.join(first.outputs)}"
    for name, data in networks.items():
        facts = onnx_facts(data, f"{where}: {name}")
        if facts.external:
            yield f"{name}: keeps weights in other files, which the package's hash does not cover"
        lacking = [out for out in manifest.outputs if out not in facts.outputs]
        if lacking:
            yield f"{name}: gives {', '.join(facts.outputs)}, the package reads {', '.join(lacking)}"
    outputs = TASKS[manifest.task].outputs(len(manifest.labels))
    for member in told.ensemble.members if told.ensemble else []:
        if member.scales and len(member.scales) != outputs:
            yield f"package.json: {member.file} has {len(member.scales)} scales, expected {outputs}"
    needed = _OF_DRAWS[told.draws.method] if told.draws else ()
    needed += _OF_DISTANCE[told.distance.method] if told.distance else ()
    missing = [name for name in needed if name not in arrays]
    if missing:
        yield f"uncertainty.npz: lacks {', '.join(missing)}, which package.json reads"
