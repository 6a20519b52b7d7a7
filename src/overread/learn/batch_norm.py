"""Batch normalisation over the whole batch of all processes (Ioffe 2015, arXiv 1502.03167).

torch's `SyncBatchNorm` does it on GPUs and refuses to train on processors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from overread.learn.losses.protocol import full
from overread.learn.pooled import pooled, together


class PooledBatchNorm(_BatchNorm):
    """`torch.nn.BatchNorm2d` and its kin, with the mean and variance of the processes' batches together."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected (batch, channels, ...), found {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """``(batch, channels, *spatial)``, normalised by channel."""
        if not (self.training and together()):
            return super().forward(input)
        x = full(input)
        axes = [0, *range(2, x.ndim)]
        shape = (1, -1, *[1] * (x.ndim - 2))
        own = x.new_full((1,), x.numel() / x.shape[1])
        sums = pooled(torch.cat([x.sum(axes), own]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = x - mean.view(shape)
        variance = pooled(centred.square().sum(axes)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        out = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


def over_processes(network: nn.Module, device: torch.device) -> nn.Module:
    """``network`` with its batch normalisations pooled over the processes; weights and their names stay."""
    if device.type == "cuda":
        synced: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return synced
    return _pooled(network)


def _pooled(module: nn.Module) -> nn.Module:
    if isinstance(module, _BatchNorm):
        out = PooledBatchNorm(
            module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
        )
        out._parameters, out._buffers = module._parameters, module._buffers
        out.training = module.training
        return out
    for name, child in module.named_children():
        setattr(module, name, _pooled(child))
    return module
