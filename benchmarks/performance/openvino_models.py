"""A network and a decoder of diffusers as OpenVINO runs them, with diffusers' own calls.

OpenVINO is no dependency of this project: it is imported where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

_HINTS = {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
_PASSES = 2  # a window with its prompt and without


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What diffusers' models return."""

    sample: Tensor


class Network:
    """A UNet for windows of one size, (2, C, h, w)."""

    def __init__(self, unet: Any, *, cells: tuple[int, int], tokens: int) -> None:
        """`cells` are the window's height and width in latent cells."""
        self.config, self.device = unet.config, torch.device("cpu")
        self.dtype = torch.float32
        seen = torch.zeros(_PASSES, unet.config.in_channels, *cells)
        texts = torch.zeros(_PASSES, tokens, unet.config.cross_attention_dim)
        self._compiled = _compiled(_Predicting(unet), (seen, torch.tensor(1), texts))

    def __call__(self, seen: Tensor, t: Tensor, encoder_hidden_states: Tensor) -> Output:
        """Return the prediction, (2, C, h, w)."""
        texts = encoder_hidden_states.float()
        return Output(sample=_called(self._compiled, seen.float(), t.long(), texts))


class Decoder:
    """An autoencoder that decodes canvases of one size, (1, C, h, w)."""

    def __init__(self, vae: Any, *, cells: tuple[int, int]) -> None:
        """`cells` are the canvas's height and width in latent cells."""
        self.config, self.dtype = vae.config, torch.float32
        latents = torch.zeros(1, vae.config.latent_channels, *cells)
        self._compiled = _compiled(_Decoding(vae), (latents,))

    def decode(self, latents: Tensor) -> Output:
        """Return the picture, (1, 3, H, W)."""
        return Output(sample=_called(self._compiled, latents))


class _Predicting(nn.Module):
    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, seen: Tensor, t: Tensor, texts: Tensor) -> Tensor:
        found: Tensor = self.unet(seen, t, encoder_hidden_states=texts, return_dict=False)[0]
        return found


class _Decoding(nn.Module):
    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latents: Tensor) -> Tensor:
        found: Tensor = self.vae.decode(latents, return_dict=False)[0]
        return found


def _compiled(module: nn.Module, example: tuple[Tensor, ...]) -> Any:
    openvino = import_module("openvino")
    shapes = [list(tensor.shape) for tensor in example]
    with torch.no_grad():
        converted = openvino.convert_model(module.eval(), example_input=example, input=shapes)
    threads = {"INFERENCE_NUM_THREADS": torch.get_num_threads()}
    return openvino.Core().compile_model(converted, "CPU", {**_HINTS, **threads})


def _called(compiled: Any, *inputs: Tensor) -> Tensor:
    results = compiled([tensor.numpy() for tensor in inputs])
    return torch.from_numpy(results[0].copy())
