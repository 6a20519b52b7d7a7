"""nnU-Net's two networks by the names of their weights, so that checkpoints load without its code.

`PlainConvUNet` (Isensee 2021, doi 10.1038/s41592-020-01008-z) and `ResidualEncoderUNet` (Isensee 2024, arXiv
2404.09556) as in dynamic_network_architectures 0.4; what only training needs is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from overread.errors import InputError

NETWORKS = ("PlainConvUNet", "ResidualEncoderUNet")
CONVOLUTIONS = {"Conv2d": 2, "Conv3d": 3}
NORMS: Mapping[str, Any] = {
    "InstanceNorm2d": nn.InstanceNorm2d,
    "InstanceNorm3d": nn.InstanceNorm3d,
    "BatchNorm2d": nn.BatchNorm2d,
    "BatchNorm3d": nn.BatchNorm3d,
}
ACTIVATIONS: Mapping[str, Any] = {"LeakyReLU": nn.LeakyReLU, "ReLU": nn.ReLU}
KNOWN = {
    *(
        "n_stages",
        "features_per_stage",
        "conv_op",
        "kernel_sizes",
        "strides",
        "n_conv_per_stage",
        "n_blocks_per_stage",
    ),
    *(
        "n_conv_per_stage_decoder",
        "conv_bias",
        "norm_op",
        "norm_op_kwargs",
        "dropout_op",
        "dropout_op_kwargs",
    ),
    *("nonlin", "nonlin_kwargs", "deep_supervision", "nonlin_first"),
}


class _Parts:
    """What every unit of a network is made of, by the plan's arguments."""

    def __init__(self, told: Mapping[str, Any], where: str) -> None:
        dimensions = _named(told.get("conv_op"), CONVOLUTIONS, where, "conv_op")
        self.conv: Any = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.up: Any = nn.ConvTranspose2d if dimensions == 2 else nn.ConvTranspose3d
        self.pool: Any = nn.AvgPool2d if dimensions == 2 else nn.AvgPool3d
        self.dimensions, self.bias = dimensions, bool(told.get("conv_bias", False))
        norm, nonlin = told.get("norm_op"), told.get("nonlin")
        self._norm = None if norm is None else _named(norm, NORMS, where, "norm_op")
        self._nonlin = None if nonlin is None else _named(nonlin, ACTIVATIONS, where, "nonlin")
        self._norm_told = dict(told.get("norm_op_kwargs") or {})
        self._nonlin_told = dict(told.get("nonlin_kwargs") or {}) | {"inplace": False}

    def norm(self, channels: int) -> nn.Module | None:
        return None if self._norm is None else self._norm(channels, **self._norm_told)

    def nonlin(self) -> nn.Module:
        return nn.Identity() if self._nonlin is None else self._nonlin(**self._nonlin_told)


class _Unit(nn.Module):
    """Convolution, norm and, where wanted, the activation."""

    def __init__(
        self,
        parts: _Parts,
        given: int,
        made: int,
        kernel: Any,
        stride: Any,
        *,
        bias: bool,
        active: bool,
        first: bool,
    ) -> None:
        super().__init__()
        kernel = _per_axis(kernel, parts.dimensions)
        self.conv = parts.conv(
            given,
            made,
            kernel,
            _per_axis(stride, parts.dimensions),
            [(k - 1) // 2 for k in kernel],
            bias=bias,
        )
        self.norm, self.first = parts.norm(made), first
        self.nonlin = parts.nonlin() if active else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm is None:
            return self.nonlin(x)
        return self.norm(self.nonlin(x)) if self.first else self.nonlin(self.norm(x))


class _Stack(nn.Module):
    def __init__(
        self, parts: _Parts, count: int, given: int, made: int, kernel: Any, stride: Any, first: bool = False
    ) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            *(
                _Unit(
                    parts,
                    made if i else given,
                    made,
                    kernel,
                    1 if i else stride,
                    bias=parts.bias,
                    active=True,
                    first=first,
                )
                for i in range(count)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(x)


class _Block(nn.Module):
    """Two convolutions beside a shortcut that pools where they stride (ResNet-D: He 2019, arXiv 1812.01187)."""

    def __init__(self, parts: _Parts, given: int, made: int, kernel: Any, stride: Any) -> None:
        super().__init__()
        stride = _per_axis(stride, parts.dimensions)
        self.conv1 = _Unit(parts, given, made, kernel, stride, bias=parts.bias, active=True, first=False)
        self.conv2 = _Unit(parts, made, made, kernel, 1, bias=parts.bias, active=False, first=False)
        skip: list[nn.Module] = [parts.pool(stride, stride)] if max(stride) > 1 else []
        if given != made:
            skip.append(_Unit(parts, given, made, 1, 1, bias=False, active=False, first=False))
        self.skip, self.nonlin2 = nn.Sequential(*skip), parts.nonlin()

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlin2(self.conv2(self.conv1(x)) + self.skip(x))


class _Blocks(nn.Module):
    def __init__(self, parts: _Parts, count: int, given: int, made: int, kernel: Any, stride: Any) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(_Block(parts, made if i else given, made, kernel, 1 if i else stride) for i in range(count))
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class _Encoder(nn.Module):
    def __init__(self, stages: Sequence[nn.Module], stem: nn.Module | None) -> None:
        super().__init__()
        if stem is not None:
            self.stem = stem
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x) if hasattr(self, "stem") else x
        out = []
        for stage in self.stages:
            x = stage(x)
            out.append(x)
        return out


class _Decoder(nn.Module):
    def __init__(self, stages: list[nn.Module], ups: list[nn.Module], heads: list[nn.Module]) -> None:
        super().__init__()
        self.stages, self.transpconvs = nn.ModuleList(stages), nn.ModuleList(ups)
        self.seg_layers = nn.ModuleList(heads)

    def forward(self, skips: list[Tensor]) -> Tensor:
        x = skips[-1]
        for i, (up, stage) in enumerate(zip(self.transpconvs, self.stages, strict=True)):
            x = stage(torch.cat([up(x), skips[-2 - i]], dim=1))
        return self.seg_layers[-1](x)


class UNet(nn.Module):
    """``(batch, channels, *spatial)`` to logits of full resolution, in the axes of nnU-Net."""

    def __init__(self, encoder: _Encoder, decoder: _Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def build(name: str, told: Mapping[str, Any], channels: int, outputs: int, where: str) -> UNet:
    """The network called ``name`` with the arguments of a plan; nothing that the plan names is imported.

    Raises InputError, beginning with ``where``, for another network, and for arguments that this one does not have.
    """
    kind = name.rsplit(".", 1)[-1]
    if kind not in NETWORKS:
        raise InputError(
            f"{where}: network {name}, expected {' or '.join(NETWORKS)}; others are not imported"
        )
    unknown = sorted(k for k, v in told.items() if k not in KNOWN and v)
    if unknown:
        raise InputError(f"{where}: network {kind} with {', '.join(unknown)}, which is not imported")
    parts, first = _Parts(told, where), bool(told.get("nonlin_first", False))
    count = int(told["n_stages"])
    widths, kernels, strides = (
        _per_stage(told[k], count) for k in ("features_per_stage", "kernel_sizes", "strides")
    )
    stem: nn.Module | None = None
    stages: list[nn.Module] = []
    if kind == "PlainConvUNet":
        depths = _per_stage(told["n_conv_per_stage"], count)
        given = [channels, *widths[:-1]]
        stages = [
            nn.Sequential(_Stack(parts, n, g, w, k, s, first))
            for n, g, w, k, s in zip(depths, given, widths, kernels, strides, strict=True)
        ]
    else:
        depths = _per_stage(told["n_blocks_per_stage"], count)
        stem = _Stack(parts, 1, channels, widths[0], kernels[0], 1)
        given = [widths[0], *widths[:-1]]
        stages = [
            _Blocks(parts, n, g, w, k, s)
            for n, g, w, k, s in zip(depths, given, widths, kernels, strides, strict=True)
        ]
    depths = _per_stage(told["n_conv_per_stage_decoder"], count - 1)
    ups: list[nn.Module] = []
    after: list[nn.Module] = []
    heads: list[nn.Module] = []
    for i in range(1, count):
        below, skip, stride = widths[-i], widths[-i - 1], strides[-i]
        ups.append(parts.up(below, skip, stride, stride, bias=parts.bias))
        after.append(_Stack(parts, depths[i - 1], 2 * skip, skip, kernels[-i - 1], 1, first))
        heads.append(parts.conv(skip, outputs, 1, bias=True))
    return UNet(_Encoder(stages, stem), _Decoder(after, ups, heads))


def own_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's weights each once: nnU-Net names many of them two or four times."""
    return {k: v for k, v in state.items() if "all_modules" not in k and not k.startswith("decoder.encoder.")}


def _named(name: Any, known: Mapping[str, Any], where: str, key: str) -> Any:
    kind = str(name).rsplit(".", 1)[-1]
    if kind not in known:
        raise InputError(f"{where}: {key} {name!r}, expected {', '.join(known)}; others are not imported")
    return known[kind]


def _per_stage(value: Any, count: int) -> list[Any]:
    return [value] * count if isinstance(value, int) else list(value)


def _per_axis(value: Any, dimensions: int) -> list[int]:
    return [int(value)] * dimensions if isinstance(value, int) else [int(v) for v in value]
