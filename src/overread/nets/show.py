"""Figures of networks as lines for a person."""

from __future__ import annotations

import math
from collections.abc import Sequence

from overread.nets.figures import Figures, Layer
from overread.nets.inspection import Form

ENDLESS = "all"


def networks_lines(found: Sequence[Figures]) -> list[str]:
    """A table of networks, one a line."""
    head = ["network", "parameters", "GFLOPs", "training MiB", "receptive field", "licence", "source"]
    rows = [
        [
            f.name,
            f"{f.parameters / 1e6:.2f} M",
            f"{f.flops / 1e9:.2f}",
            f"{f.training_bytes / 2**20:.0f}",
            _field(f.field),
            f.licence,
            f.source,
        ]
        for f in found
    ]
    return [*_aligned([head, *rows]), "", _legend(found[0])]


def inspect_lines(forms: Sequence[Form]) -> list[str]:
    """A network's sums side by side, then its layers."""
    first = forms[0].figures
    sums = [["", *(f"{f.form} {_by(f.figures.size)}" for f in forms)]]
    for label, told in (
        ("parameters", [f"{f.figures.parameters:,}" for f in forms]),
        ("GFLOPs an image", [f"{f.figures.flops / 1e9:.2f}" for f in forms]),
        ("all maps, MiB an image", [f"{f.figures.activation_bytes / 2**20:.1f}" for f in forms]),
        ("training, MiB for one image", [f"{f.figures.training_bytes / 2**20:.0f}" for f in forms]),
        ("receptive field, voxels", [_field(f.figures.field) for f in forms]),
        ("effective, voxels", ["-" if f.effective is None else f"{f.effective:.0f}" for f in forms]),
    ):
        sums.append([label, *told])
    return [
        f"{_name(forms)}: {first.channels} channel{'s' if first.channels > 1 else ''}, {first.outputs} outputs; "
        f"{first.source}; {first.licence}",
        "",
        *_aligned(sums),
        "",
        *_aligned(_layers(forms)),
        "",
        _legend(first),
    ]


def _name(forms: Sequence[Form]) -> str:
    return next((f.figures.name for f in forms if f.form != "2.5D"), forms[0].figures.name)


def _layers(forms: Sequence[Form]) -> list[list[str]]:
    """Layers of the forms beside each other, by their names."""
    columns = [{_plain(layer.name): layer for layer in f.figures.layers} for f in forms]
    names = list(dict.fromkeys(name for column in columns for name in column))
    head = ["layer", "kind"]
    for form in forms:
        head += [f"{form.form}: kernel/stride/padding", "map", "field", "parameters", "MFLOPs", "MiB"]
    rows = [head]
    for name in names:
        found = [column.get(name) for column in columns]
        kind = next(layer.kind for layer in found if layer)
        rows.append([name, kind, *(cell for layer in found for cell in _cells(layer))])
    return rows


def _cells(layer: Layer | None) -> list[str]:
    if layer is None:
        return [""] * 6
    return [
        "/".join(_same(v) for v in (layer.kernel, layer.stride, layer.padding)) if layer.kernel else "",
        _by(layer.shape),
        _field(layer.field),
        f"{layer.parameters:,}" if layer.parameters else "",
        f"{layer.flops / 1e6:.1f}" if layer.flops else "",
        f"{layer.activation_bytes / 2**20:.2f}",
    ]


def _plain(name: str) -> str:
    """Without what 2.5D puts around the network, so that its layers stand beside those of the others."""
    return name.replace("body.plane.", "body.").replace("pool.within.", "pool.")


def _same(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(set(axes)) == 1 else _by(axes)


def _field(field: Sequence[float]) -> str:
    told = [ENDLESS if math.isinf(n) else f"{n:.0f}" for n in field]
    return told[0] if len(set(told)) == 1 else "x".join(told)


def _by(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))


def _legend(found: Figures) -> str:
    return (
        f"Of images of {_by(found.size)} voxels unless a column says otherwise, counted without running them. A "
        "multiplication and an addition are two FLOPs. Receptive field: voxels that a cell of the last map depends on "
        f"in theory, {ENDLESS}: the whole image; effective: noticeably, at random weights. Training: float32, AdamW, "
        "one image; what operators take inside themselves is not counted."
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
