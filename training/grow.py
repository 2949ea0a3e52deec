"""Weights of a smaller model as the beginning of a larger one that computes the same.

Layers that the smaller one lacks begin as identities: their last convolution or projection gives
zeros, so that what they add comes with training.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]
LAST_OF_BLOCK = ("conv2.", "proj_out.")


def grown_unet(small: Mapping[str, Tensor], unet: nn.Module, levels: int) -> Weights:
    """Give the larger U-Net's weights.

    At the deepest level the larger one may have more layers, and attention in each of them.
    """
    deepest = levels - 1
    had = _layers(small, f"down_blocks.{deepest}.")
    more = _layers(unet.state_dict(), f"down_blocks.{deepest}.") - had
    grown = Weights()
    for key, fresh in unet.state_dict().items():
        source = _with_layer(key, "up_blocks.0.resnets.", -more)
        if more and key.startswith("up_blocks.0.resnets.") and source is None:
            grown[key] = _passing(key, fresh)
        elif (source or key) in small:
            grown[key] = small[source or key].float()
        else:
            zero = any(part in key for part in LAST_OF_BLOCK)
            grown[key] = torch.zeros_like(fresh) if zero else fresh.clone()
    return grown


def _layers(weights: Mapping[str, Tensor], start: str) -> int:
    found = {
        key[len(start) :].split(".")[1] for key in weights if key.startswith(start + "resnets")
    }
    return len(found)


def _with_layer(key: str, start: str, shift: int) -> str | None:
    """Name the same weight of another layer; None where there is no such layer."""
    if not key.startswith(start):
        return key
    number, rest = key[len(start) :].split(".", 1)
    return None if int(number) + shift < 0 else f"{start}{int(number) + shift}.{rest}"


def _passing(key: str, fresh: Tensor) -> Tensor:
    """A layer of the way up that gives on what came from below, whatever its skip brings.

    Shapes: the shortcut's weight is (out, in, 1, 1), with what comes from below first.
    """
    if "conv_shortcut.weight" in key:
        passing = torch.zeros_like(fresh)
        passing[:, : fresh.shape[0], 0, 0] = torch.eye(fresh.shape[0])
        return passing
    zero = "conv_shortcut.bias" in key or any(part in key for part in LAST_OF_BLOCK)
    return torch.zeros_like(fresh) if zero else fresh.clone()


def grown_text(
    small: Mapping[str, Tensor],
    text: nn.Module,
    small_vocabulary: Mapping[str, int],
    vocabulary: Mapping[str, int],
) -> Weights:
    """Give the larger text encoder's weights: more words, each found by its name, more places.

    A place that is new begins as the last one of before.
    """
    grown = Weights()
    for key, fresh in text.state_dict().items():
        if key.endswith("token_embedding.weight"):
            grown[key] = fresh.clone()
            for word, number in vocabulary.items():
                if word in small_vocabulary:
                    grown[key][number] = small[key][small_vocabulary[word]].float()
        elif key.endswith("position_embedding.weight"):
            places = torch.arange(len(fresh)).clamp(max=len(small[key]) - 1)
            grown[key] = small[key].float()[places]
        elif key in small:
            grown[key] = small[key].float()
    return grown
