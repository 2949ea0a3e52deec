"""The autoencoder's colour term asks for mean colours that a linear map can read."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch

pytest.importorskip("diffusers")
from torch.nn.functional import avg_pool2d

from training.vae import colour_loss


def _pictures() -> torch.Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2.0 - 1.0


def test_latents_that_hold_the_mean_colours_cost_almost_nothing() -> None:
    pictures = _pictures()
    means = avg_pool2d(pictures, 8)
    latents = torch.cat([means @ torch.eye(4) + 0.3, means[:, :1]], 1)
    assert float(colour_loss(latents, pictures)) < 0.1 * float(means.var())


def test_latents_without_a_channels_colour_pay_for_it() -> None:
    pictures = _pictures()
    means = avg_pool2d(pictures, 8)
    latents = torch.cat([means[:, :2], torch.zeros_like(means[:, :2])], 1)
    assert float(colour_loss(latents, pictures)) > 0.2 * float(means[:, 2].var())
