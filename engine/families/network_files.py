"""Networks in files of their own: plain, in 8-bit floats with or without scales, and as GGUF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.contract.errors import ModelError
from engine.contract.networks import PREFIXES, Network, Rest, without_prefix
from engine.contract.weights import SCALES, is_gguf

_OF_SCALING = ("scaled_fp8", ".scale_input", ".input_scale", ".comfy_quant")
_FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2)


def load_network(path: Path, network: Network, rest: Rest, dtype: torch.dtype) -> Any:
    """Return the network of a file, of diffusers' class, in a precision.

    Weights of GGUF, and those in 8-bit floats without scales, stay as small as they are and are
    brought into the precision layer by layer, as they are needed.

    Raises: ModelError where it is not whole, or in a form that is not read.
    """
    import diffusers

    cls = getattr(diffusers, dict(rest.family.classes)[network.part])
    settings: dict[str, Any] = {}
    is_quantized, storage = is_gguf(path), None
    if is_quantized:
        from diffusers.models.model_loading_utils import load_gguf_checkpoint

        settings["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
        tensors = load_gguf_checkpoint(str(path))
    else:
        from safetensors.torch import load_file

        given = load_file(path)
        storage = _storage_of(given)
        tensors = _unscaled(given, path, dtype)
        del given
    tensors = without_prefix(tensors)
    if any(name.startswith("input_blocks.") for name in tensors):
        # The first layout of UNets, which diffusers knows by how its names begin.
        tensors = {PREFIXES[0] + name: tensor for name, tensor in tensors.items()}
    own = cls.load_config(str(rest.folder), subfolder=network.part, local_files_only=True)
    changes = {key: value for key, value in network.changes.items() if key in own}
    place = {"config": str(rest.folder), "subfolder": network.part, "local_files_only": True}
    try:
        found = cls.from_single_file(tensors, torch_dtype=dtype, **place, **settings, **changes)
        is_whole = not any(one.is_meta for one in found.parameters())
    except NotImplementedError:  # torch's, of what was given no numbers
        is_whole = False
    if not is_whole:
        message = f"{path} lacks tensors of its network"
        raise ModelError(message, "download it again, whole, or from another source")
    if is_quantized:
        _dequantize_all_but_linear(found, dtype)
    _keep_in_float32(found)
    if storage is not None:
        found.enable_layerwise_casting(storage_dtype=storage, compute_dtype=dtype)
    return found


def _storage_of(tensors: Mapping[str, Tensor]) -> torch.dtype | None:
    """Return in which 8-bit floats a network's weights can stay, None where any would change.

    Norms are kept in the precision of the rest.
    """
    kinds = {
        tensor.dtype
        for name, tensor in without_prefix(tensors).items()
        if "norm" not in name and not name.endswith(".scale")
    }
    (kind, *others) = kinds or {torch.float32}
    return kind if kind in _FLOAT8 and not others else None


def _dequantize_all_but_linear(network: Any, dtype: torch.dtype) -> None:
    """Have quantized weights as numbers where nothing but a linear layer can read them."""
    from diffusers.quantizers.gguf.utils import (
        GGUFLinear,
        GGUFParameter,
        dequantize_gguf_tensor,
    )

    for module in network.modules():
        for name, one in list(module.named_parameters(recurse=False)):
            is_read = isinstance(module, GGUFLinear) and name == "weight"
            if isinstance(one, GGUFParameter) and not is_read:
                numbers = dequantize_gguf_tensor(one).to(dtype)
                setattr(module, name, torch.nn.Parameter(numbers, requires_grad=False))


def _keep_in_float32(network: Any) -> None:
    """Have in float32 what a network's class keeps so; the loading of single files forgets it."""
    kept = network._keep_in_fp32_modules or ()
    for name, one in network.named_parameters():
        if any(module in name.split(".") for module in kept):
            one.data = one.data.float()


def _unscaled(tensors: Mapping[str, Tensor], path: Path, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return weights as numbers: those in 8-bit floats times their scales, all in a precision."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith((*SCALES, *_OF_SCALING)):
            continue
        scales = [tensors.get(name.removesuffix(".weight") + end) for end in SCALES]
        scale = next((one for one in scales if one is not None), None)
        if not tensor.is_floating_point() or (scale is not None and tensor.dtype not in _FLOAT8):
            kind = str(tensor.dtype).removeprefix("torch.")
            message = f"{path} has {name} as {kind}, a form of weights that is not read"
            raise ModelError(message, "get it in 16 bits, in 8-bit floats, or as GGUF")
        if scale is not None:
            scale = scale.float()
            shape = (-1, *[1] * (tensor.ndim - 1)) if scale.ndim == 1 else scale.shape
            tensor = tensor.float() * scale.reshape(shape)
        found[name] = tensor.to(dtype)
    return found
