"""What the shapes of real models take of a memory, counted on torch's meta device.

    python -m benchmarks.footprints           # numbers of all parts, and bytes of work
    python -m benchmarks.footprints klein_4b  # of one network alone

The engine plans its memory by these figures (`engine/contract/footprints.py`, `families.py`). Work
is the most bytes that are alive at once during one call beside the weights: each tensor is followed
from its making to its end. Attention counts as its result alone, as kernels for it need no more.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.real_shapes import (
    AUTOENCODERS,
    ENCODERS,
    NETWORKS,
    SEEN_TEXTS,
    network,
    numbers_of,
    on_meta,
)
from engine.process.quiet import silence_libraries

META = torch.device("meta")
TOKEN_PX = 16


class Alive(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive, and the most that were at once."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.most_bytes = 0
        self._counts: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, Tensor) and one.device == META:
                self._follow(one)
        return result

    def _follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._counts:
            self._counts[key] = 0
            self.bytes += size
            self.most_bytes = max(self.most_bytes, self.bytes)
        self._counts[key] += 1
        weakref.finalize(tensor, self._end, key, size)

    def _end(self, key: int, size: int) -> None:
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
            self.bytes -= size


def _attended(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return what attention makes, by a kernel that keeps no matrix of tokens by tokens."""
    return query.new_empty((*query.shape[:-1], value.shape[-1]))


@contextmanager
def followed() -> Iterator[Alive]:
    """Count what is alive within."""
    attention = mock.patch("torch.nn.functional.scaled_dot_product_attention", _attended)
    with attention, torch.inference_mode(), Alive() as alive:
        yield alive


def step_bytes(name: str, side_px: int, passes: int = 1) -> int:
    """Return what one call of a network takes beside its weights, in half precision."""
    module = on_meta(lambda: network(name)).to(torch.bfloat16)
    call = CALLS.get(name.split("_")[0], _unet)
    texts = {
        key: torch.empty((passes, *shape), dtype=_kind(key), device=META)
        for key, shape in SEEN_TEXTS[name].items()
    }
    with followed() as alive:
        call(module, side_px, passes, texts)
    return alive.most_bytes


def _kind(key: str) -> torch.dtype:
    return torch.bool if "mask" in key else torch.bfloat16


def _empty(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=META)


def _unet(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    texts = dict(texts)
    added = {key: texts.pop(key) for key in ("text_embeds", "time_ids") if key in texts}
    latents = _empty(passes, 4, side_px // 8, side_px // 8)
    settings = {"added_cond_kwargs": added} if added else {}
    module(latents, _empty(1), **texts, **settings, return_dict=False)


def _flux(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    side, words = side_px // TOKEN_PX, texts["encoder_hidden_states"].shape[1]
    module(
        _empty(passes, side * side, 64),
        timestep=_empty(passes),
        img_ids=_empty(side * side, 3, dtype=torch.float32),
        txt_ids=_empty(words, 3, dtype=torch.float32),
        return_dict=False,
        **texts,
    )


def _flux2(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    side, words = side_px // TOKEN_PX, texts["encoder_hidden_states"].shape[1]
    module(
        _empty(passes, side * side, 128),
        timestep=_empty(passes),
        img_ids=_empty(passes, side * side, 4, dtype=torch.float32),
        txt_ids=_empty(passes, words, 4, dtype=torch.float32),
        return_dict=False,
        **{"guidance": None, **texts},
    )


def _z_image(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    side = side_px // 8
    latents = [_empty(16, 1, side, side) for _ in range(passes)]
    module(latents, _empty(passes), list(texts["cap_feats"]), return_dict=False)


def _qwen(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    side = side_px // TOKEN_PX
    module(
        _empty(passes, side * side, 64),
        timestep=_empty(passes),
        guidance=None,
        img_shapes=[[(1, side, side)]] * passes,
        encoder_hidden_states_mask=None,
        return_dict=False,
        **texts,
    )


def _sd3(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    latents = _empty(passes, 16, side_px // 8, side_px // 8)
    module(latents, timestep=_empty(passes), return_dict=False, **texts)


def _krea2(module: nn.Module, side_px: int, passes: int, texts: dict[str, Tensor]) -> None:
    side, words = side_px // TOKEN_PX, texts["encoder_hidden_states"].shape[1]
    module(
        _empty(passes, side * side, 64),
        timestep=_empty(passes),
        position_ids=_empty(side * side + words, 3, dtype=torch.float32),
        return_dict=False,
        **texts,
    )


CALLS: dict[str, Callable[[nn.Module, int, int, dict[str, Tensor]], None]] = {
    "sd": _unet,
    "sdxl": _unet,
    "z": _z_image,
    "klein": _flux2,
    "flux2": _flux2,
    "flux": _flux,
    "qwen": _qwen,
    "sd3": _sd3,
    "krea2": _krea2,
}


def decode_bytes(name: str, side_px: int) -> int:
    """Return what the decoding of a whole picture takes beside the weights, in float32."""
    vae: Any = on_meta(AUTOENCODERS[name])
    is_video = name == "qwen_image"
    channels = vae.config.z_dim if is_video else vae.config.latent_channels
    cells = (side_px // 8, side_px // 8)
    size = (1, channels, 1, *cells) if is_video else (1, channels, *cells)
    with followed() as alive:
        vae.decode(_empty(*size, dtype=torch.float32), return_dict=False)
    return alive.most_bytes


def encode_text_bytes(name: str, words: int = 512) -> int:
    """Return what a text takes in its encoder beside the weights, in half precision."""
    module: Any = on_meta(ENCODERS[name]).to(torch.bfloat16)
    words = min(words, 77) if name.startswith("clip") else words
    with followed() as alive:
        module(
            torch.zeros((1, words), dtype=torch.int64, device=META),
            attention_mask=torch.ones((1, words), dtype=torch.int64, device=META),
            output_hidden_states=True,
        )
    return alive.most_bytes


def main(names: list[str]) -> None:
    """Print the figures."""
    print(f"{'part':16}{'numbers':>16}{'largest':>14}{'bytes of work':>40}")
    for name in names or NETWORKS:
        module = on_meta(lambda name=name: network(name))  # type: ignore[misc]
        sides = (512, 1024, 1536)
        work = ", ".join(f"{side} px: {step_bytes(name, side) / 1e9:.3f} GB" for side in sides)
        _line(name, module, work)
    for name, build in {} if names else ENCODERS.items():
        _line(name, on_meta(build), "")
    for name, build in {} if names else AUTOENCODERS.items():
        work = ", ".join(
            f"{side} px: {decode_bytes(name, side) / 1e9:.2f} GB" for side in (512, 1024)
        )
        _line(name, on_meta(build), work)


def _line(name: str, module: nn.Module, work: str) -> None:
    largest = max(parameter.numel() for parameter in module.parameters())
    print(f"{name:16}{numbers_of(module):16,}{largest:14,}  {work}", flush=True)


if __name__ == "__main__":
    silence_libraries()
    main(sys.argv[1:])
