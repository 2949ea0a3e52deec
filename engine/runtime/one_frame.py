"""An autoencoder for videos as one for pictures: it sees a single frame."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from diffusers.configuration_utils import FrozenDict
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn


class _OfOneFrame(nn.Module):
    """A network of videos, from (B, C, h, w) to the same of its one frame."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's answer to one frame."""
        seen: Tensor = self.network(x[:, :, None])
        return seen[:, :, 0]


class OneFrame(nn.Module):
    """An AutoencoderKLQwenImage with the face of an AutoencoderKL."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.encoder, self.decoder = _OfOneFrame(vae.encoder), _OfOneFrame(vae.decoder)
        self.quant_conv = _OfOneFrame(vae.quant_conv)
        self.post_quant_conv = _OfOneFrame(vae.post_quant_conv)
        levels = len(vae.config.temperal_downsample) + 1
        self.config = FrozenDict(
            block_out_channels=(vae.config.base_dim,) * levels,
            latent_channels=vae.config.z_dim,
            scaling_factor=1.0,
            latents_mean=vae.config.latents_mean,
            latents_std=vae.config.latents_std,
        )

    @property
    def dtype(self) -> torch.dtype:
        """The precision of its weights."""
        return next(self.parameters()).dtype

    def encode(self, x: Tensor) -> Any:
        """Return the distribution of a picture's latents, as `latent_dist`."""
        moments = self.quant_conv(self.encoder(x))
        return SimpleNamespace(latent_dist=DiagonalGaussianDistribution(moments))

    def decode(self, z: Tensor, *, return_dict: bool = False) -> tuple[Tensor]:
        """Return the picture of latents, in [-1, 1]."""
        return (self.decoder(self.post_quant_conv(z)).clamp(-1, 1),)
