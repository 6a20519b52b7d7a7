"""A package's networks as PyTorch source and weights, with the manifest beside them."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from overread.bridge.export.load import difference
from overread.bridge.export.torch_code import TorchCode, torch_code
from overread.bridge.export.written import Written, write_texts
from overread.errors import InputError
from overread.runtime.manifest import Manifest
from overread.runtime.package import Package

README = """# {name} {version}

The networks of a package, as plain PyTorch: {networks}.

    import torch
    from network import Network

    network = Network()
    network.load_state_dict(torch.load("weights.pt", weights_only=True))
    network.eval()
    outputs = network(torch.zeros(1, {shape}))

Outputs, in their order: {outputs}. On inputs drawn at random they lie within {difference:.1e} of the package's.
`package.json` is the package's manifest: channels, labels, and under `preprocess`, `windows` and `views` what stands
between an image and this network. Several networks answer together as `uncertainty.ensemble` says.
Package: sha256 {sha256}. Status: {status}.
"""


def write_torch(package: Package, out: Path) -> Written:
    """``network.py`` and ``weights.pt`` (``network_1.py`` ... of further networks), ``package.json`` and a README."""
    codes, worst = codes_of(package)
    manifest, texts = package.manifest, {}
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for i, code in enumerate(codes):
        end = f"_{i}" if i else ""
        texts[f"network{end}.py"] = code.source
        torch.save(code.weights, out / f"weights{end}.pt")
        files += [f"network{end}.py", f"weights{end}.pt"]
    texts["package.json"] = json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    texts["README.md"] = README.format(
        name=manifest.name,
        version=manifest.version,
        networks=", ".join(f for f in files if f.endswith(".py")),
        shape=", ".join(map(str, input_shape(manifest))),
        outputs=", ".join(manifest.outputs),
        difference=worst,
        sha256=package.sha256,
        status=manifest.model_card.get("status", "not stated"),
    )
    write_texts(out, texts)
    return Written([*files, "package.json", "README.md"], worst)


def codes_of(package: Package) -> tuple[list[TorchCode], float]:
    """The source and weights of every network, and their largest difference from the package's."""
    manifest, shape = package.manifest, input_shape(package.manifest)
    title = f"{manifest.name} {manifest.version}".replace('"', "'").replace("\\", "/")
    codes, worst = [], 0.0
    for model in package.networks.values():
        code = torch_code(model, title, manifest.outputs)
        worst = max(worst, difference(code, model, shape, manifest.outputs))
        codes.append(code)
    return codes, worst


def input_shape(manifest: Manifest) -> list[int]:
    """``(channels, *spatial)`` of what the network sees at once. Raises InputError where the package says no size."""
    size = manifest.windows.size if manifest.windows else manifest.preprocess.size
    if size is None:
        raise InputError(
            f"package {manifest.name}: states neither windows nor a size, by which its network could be checked"
        )
    return [len(manifest.preprocess.intensity), *size]
